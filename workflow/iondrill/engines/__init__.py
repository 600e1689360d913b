"""Engines: each writes a job's input files, runs it and reads what came out."""
