"""Make the calculator of a level: what goes wrong in it is the user's to mend, and one message."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from iondrill.errors import UserError

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator as Ase

    from iondrill.config.calculators import Calculator
    from iondrill.config.levels import AseLevel


def missing(entry: Calculator) -> str:
    """Return what a calculator lacks here, without importing it; nothing if it is all there."""
    if entry.program and shutil.which(entry.program) is None:
        return f"{entry.program} is not on the PATH"
    _look_in_project()
    return "" if find_spec(entry.package) else f"there is no module {entry.package}"


def version_of(entry: Calculator) -> str:
    """Return name and version of the package that a calculator comes from; its name alone where it has none."""
    return _version_of(entry.package)


@cache  # to look through all that is installed takes a third of a second
def _version_of(package: str) -> str:
    names = packages_distributions().get(package, [])
    try:
        return f"{names[0]} {version(names[0])}" if names else package
    except PackageNotFoundError:
        return package


_made: dict[str, Ase] = {}


def make(level: AseLevel, where: str, more: dict[str, Any]) -> Ase:
    """Return the calculator of a level; the same one again if it remembers nothing, since loading one takes long.

    Parameters
    ----------
    level : AseLevel
        Its calculator and arguments.
    where : str
        What to name in messages.
    more : dict
        Arguments besides: of the job, not of the level. None of a level's is among them.

    Raises
    ------
    UserError
        If it is not installed, there is no such name, or it does not take the arguments.
    """
    if level.entry.remembers:
        return _new(level, where, more)
    key = json.dumps([level.model_dump(mode="json"), level.content, more], sort_keys=True)
    if key not in _made:
        _made[key] = _new(level, where, more)
    return _made[key]


def _new(level: AseLevel, where: str, more: dict[str, Any]) -> Ase:
    entry = level.entry
    if problem := missing(entry):
        raise UserError.of(f"{where}.calculator", f"'{level.calculator}': {problem}", entry.install or _OWN)
    arguments = entry.arguments | level.arguments | more
    factory = _imported(entry, f"{where}.calculator")
    try:
        return factory(**arguments)
    except UserError:
        raise
    except Exception as error:
        said = f"{level.calculator} does not take {arguments}: {_first_line(error)}"
        raise UserError.of(f"{where}.arguments", said, "allowed: what its documentation names") from error


def failure(error: Exception, entry: Calculator) -> bool:
    """Say whether an error of a calculator means that its SCF did not converge."""
    from ase.calculators.calculator import SCFError

    kinds = {f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}
    return isinstance(error, SCFError) or bool(kinds & set(entry.fails_by))


_OWN = "allowed: a name of docs/ase-calculators.md, or an installed module, or a file in the project's folder"


def _imported(entry: Calculator, where: str) -> Any:
    """Return the class or function that makes a calculator."""
    module, _, name = entry.make.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except AttributeError:
        raise UserError.of(where, f"module {module} has no '{name}'", entry.install or _OWN) from None
    except Exception as error:
        raise UserError.of(
            where, f"{module} cannot be imported: {_first_line(error)}", entry.install or _OWN
        ) from error


def _look_in_project() -> None:
    """Let modules lie in the project's folder, behind all that is installed."""
    if (project := os.getcwd()) not in sys.path:  # noqa: PTH109
        sys.path.append(project)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
