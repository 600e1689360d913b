"""What is wrong with a configuration and its recipes."""
