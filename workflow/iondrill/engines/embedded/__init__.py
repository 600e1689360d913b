"""What every engine in this process shares; takes any calculator."""
