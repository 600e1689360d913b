"""The engine CP2K: density-functional theory with Gaussians and plane waves."""

from iondrill.engines.cp2k.engine import Cp2kEngine

__all__ = ["Cp2kEngine"]
