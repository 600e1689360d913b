"""Packages that run when something of them is used, and not before.

To read one structure, ASE imports two thirds of SciPy through these packages, and uses nothing of it. This import would
take most of the time of a small job, and more of it on a cluster's file system.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec

PACKAGES = {"ase.dft": True, "ase.spacegroup": True, "scipy.spatial": False}
"""Whether their submodules can be imported before them."""
_LOCK = RLock()


class Deferred(ModuleType):
    """A package that has not run yet."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in {"__all__", "__path__"}:
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")
        with _LOCK:
            if waiting := self.__dict__.pop("_waiting", None):
                loader, self.__path__ = waiting
                loader.exec_module(self)
                self.__class__ = ModuleType  # type: ignore[assignment]
        return object.__getattribute__(self, name)


class _Deferring:
    """Makes a module; the loader that it replaces runs the module later."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Deferred(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["_waiting"] = self._loader, module.__path__
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        if not PACKAGES[module.__name__]:
            del module.__path__


class _Finder:
    """Finds these packages as Python does."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in PACKAGES else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Deferring(spec.loader)  # type: ignore[assignment]
        return spec


def install() -> None:
    """Defer the packages from now on, and keep pydantic from searching all installed packages for plugins."""
    # set before pydantic is imported; nothing here uses a plugin
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
