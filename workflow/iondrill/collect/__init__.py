"""One record per job, gathered into trajectories and tables."""
