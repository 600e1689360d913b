"""How far a run's own frames are from a level that is trusted."""
