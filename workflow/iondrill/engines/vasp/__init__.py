"""The engine VASP."""
