"""What a job is: its name, folder, journal and frames."""
