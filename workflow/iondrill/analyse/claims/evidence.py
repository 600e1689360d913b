"""A number that a claim is about, and how sure it is."""

from __future__ import annotations

from typing import NamedTuple

PER_SEED, OF_LEVEL, OF_SOURCE = "95 % interval", "with the error of the level", "range"
"""What an interval is."""


class Evidence(NamedTuple):
    """A number, and how sure it is.

    Attributes
    ----------
    value, low, high : float
        NaN of an interval that there is not.
    interval : str
        What the interval is, in words.
    levels, runs : tuple of str
        Where it comes from.
    n : int or None
        Independent seeds of the case that has fewest; None where the number does not scatter.
    q : float or None
        The share of chance among the comparisons as clear as this one; None where it is no comparison.
    what : str
        Which of several it is, in words.
    flaw : str
        Why it decides nothing, whatever its level.
    data, figure : str
        Files of the results.
    """

    value: float
    low: float
    high: float
    interval: str
    levels: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    n: int | None = None
    q: float | None = None
    what: str = ""
    flaw: str = ""
    data: str = ""
    figure: str = ""
