"""Nanodiamond, lithiated graphite and diamond facets: structures, jobs, ELF and adsorption energies."""

__version__ = "0.1.0"
