"""Densities and orbitals, evaluated from wavefunctions and cubes."""
