"""Which modules, which tests of theirs, and which mutants: a sample by seed, spread over the modules."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mutants.mutate import candidates
from mutants.trial import PACKAGE, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mutants.mutate import Mutant

DATA = Path(__file__).with_name("modules.yaml")
LEAST = 4
"""A module has as many mutants in a sample, if it has as many positions."""


@dataclass(frozen=True)
class Module:
    """A module that is mutated, by its path below the package, and the files of its tests, by theirs below tests."""

    name: str
    tests: tuple[str, ...]

    @property
    def source(self) -> str:
        """Its text."""
        return (PACKAGE / "iondrill" / self.name).read_text(encoding="utf-8")


@cache
def data() -> dict[str, Any]:
    """Return what ``modules.yaml`` holds."""
    return yaml.safe_load(DATA.read_text(encoding="utf-8"))


def modules() -> list[Module]:
    """Return what ``modules.yaml`` names, those that decide nothing left out."""
    package = PACKAGE / "iondrill"
    files = sorted(file for pattern in data()["modules"] for file in package.glob(pattern))
    names = [file.relative_to(package).as_posix() for file in files if candidates(file.read_text(encoding="utf-8"))]
    return [Module(name, tuple(_tests(name, data()["tests"].get(name, [])))) for name in names]


def _tests(name: str, others: list[str]) -> Iterator[str]:
    where, tests = Path(name), ROOT / "tests"
    own = sorted((tests / where.parent).glob(f"test_{where.stem}.py"))
    yield from dict.fromkeys([*(file.relative_to(tests).as_posix() for file in own), *others])


def shares(positions: dict[str, int], size: int) -> dict[str, int]:
    """Return how many mutants each module has in a sample: as its positions are to all, but `LEAST` where there are.

    Parameters
    ----------
    positions : dict of str to int
        Number of positions of each module.
    size : int
        Of the sample; what is rounded adds a few.
    """
    total = sum(positions.values())
    return {name: min(n, max(LEAST, -(-size * n // total))) for name, n in positions.items()}


def sample(size: int, seed: int) -> list[tuple[Module, Mutant]]:
    """Return mutants by chance: positions of a module alike, and of a position its changes alike.

    Parameters
    ----------
    size : int
        Number of mutants, at least.
    seed : int
        Decides which.
    """
    found = {module: candidates(module.source) for module in modules()}
    number = shares({module.name: len(positions) for module, positions in found.items()}, size)
    chosen = []
    for module, positions in found.items():
        draw = random.Random(f"{seed} {module.name}")
        order = draw.sample(sorted(positions), len(positions))
        usable = (mutant for position in order if (mutant := _one(draw, positions[position])))
        chosen += [(module, mutant) for mutant, _ in zip(usable, range(number[module.name]), strict=False)]
    return chosen


def everything(name: str) -> list[tuple[Module, Mutant]]:
    """Return all mutants of the modules whose names begin so."""
    some = [module for module in modules() if module.name.startswith(name)]
    positions = [(module, each) for module in some for _, each in sorted(candidates(module.source).items())]
    return [(module, mutant) for module, each in positions for mutant in each if mutant.code]


def _one(draw: random.Random, changes: list[Mutant]) -> Mutant | None:
    mutant = draw.choice(changes)
    return mutant if mutant.code else None
