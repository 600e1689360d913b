"""What every engine that is a program shares."""
