"""Any calculator of ASE, in process."""

from iondrill.engines.ase.engine import AseEngine

__all__ = ["AseEngine"]
