"""Bounds that physics sets to the numbers of an adsorption row; a number outside is refused."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import RootModel

from iondrill.config.base import Ion, Strict
from iondrill.config.load import load

if TYPE_CHECKING:
    from collections.abc import Mapping


class Bound(Strict):
    """Least and largest value of a column, and why; for all ions alike or for each."""

    low: float
    high: float | dict[Ion, float]
    why: str

    def of(self, ion: Ion) -> tuple[float, float]:
        """Return the two for an ion."""
        return self.low, self.high[ion] if isinstance(self.high, dict) else self.high


class Bounds(RootModel[dict[str, Bound]]):
    """What ``bounds.yaml`` holds, by column."""


@cache
def bounds() -> Bounds:
    """Return the table of bounds."""
    return load(Bounds, Path(__file__).with_name("bounds.yaml"))


def out_of_bounds(numbers: Mapping[str, float], ion: Ion) -> list[str]:
    """Return a note for each number that lies outside its bounds, or is none.

    Parameters
    ----------
    numbers : mapping of str to float
        By column of ``adsorption.csv``.
    ion : str
        The element.
    """
    notes = []
    for column, value in numbers.items():
        bound = bounds().root[column]
        low, high = bound.of(ion)
        if not low <= value <= high:
            notes.append(f"{column} {value:.2f} is not within {low:g} to {high:g} ({bound.why})".replace(";", ","))
    return notes
