"""The engine VASP: density-functional theory with projector augmented waves."""

from iondrill.engines.vasp.engine import VaspEngine

__all__ = ["VaspEngine"]
