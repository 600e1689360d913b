"""Nanodiamond, lithiated graphite and diamond facets: structures, jobs, ELF and adsorption energies."""

from iondrill.deferred import install

__version__ = "0.1.0"

install()
