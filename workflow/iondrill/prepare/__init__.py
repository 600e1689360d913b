"""Which jobs a configuration calls for, and the self-contained folder of each."""
