"""Energies of adsorption, formation, barriers, and their convergence."""
