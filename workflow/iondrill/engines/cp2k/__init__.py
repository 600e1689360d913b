"""The engine CP2K."""
