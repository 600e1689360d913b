"""Measured series from tidy CSV, or a cycler's workbook: a header whose names say their units, then numbers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import RootModel

from iondrill.analyse.tables import read_rows
from iondrill.config.load import load
from iondrill.echem.workbook import SUFFIXES, read_workbook
from iondrill.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Floats = NDArray[np.float64]
UNITS = {
    "s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0,
    "A": 1.0, "mA": 1e-3, "µA": 1e-6,
    "V": 1.0, "mV": 1e-3,
    "mV/s": 1.0, "V/s": 1e3,
    "°": 1.0,
}  # fmt: skip
"""What a number in a unit is multiplied by: seconds, amperes, volts, mV/s, degrees."""


class Headings(RootModel[dict[str, dict[str, list[str]]]]):
    """What ``columns.yaml`` holds: headings by quantity and unit."""


@cache
def headings() -> dict[str, tuple[str, float]]:
    """Return quantity and factor of every heading that is known, in the form that headings are compared in."""
    known = load(Headings, Path(__file__).with_name("columns.yaml")).root
    return {
        _plain(heading): (quantity, UNITS[unit])
        for quantity, units in known.items()
        for unit, names in units.items()
        for heading in names
    }


def _plain(heading: str) -> str:
    return "".join(heading.lower().replace("_", "").replace("μ", "µ").split()).removeprefix("\ufeff")


def read_series(path: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Floats]:
    """Read quantities of a table, in the units of their names.

    Parameters
    ----------
    path : Path
        CSV with one header; other columns are left out.
    needed, optional : sequence of str
        Quantities, as ``columns.yaml`` names them.

    Returns
    -------
    dict of (n_rows,) array
        Those that are there, in the order asked for.

    Raises
    ------
    UserError
        If a column is missing or there twice, there are no rows, or a cell is no finite number: all at once.
    """
    header, rows = _rows(path)
    places = _places(header, (*needed, *optional), path)
    problems = [
        Problem(f"{path} (line 1)", f"no column {name} among {', '.join(header)[:120]}", f"allowed: {_allowed(name)}")
        for name in needed
        if name not in places
    ]
    if not rows:
        problems.append(Problem(str(path), "has no rows", "needed: measured values under the header"))
    found: dict[str, Floats] = {}
    for name, (place, factor) in places.items():
        values, wrong = _numbers([row[place] for row in rows], f"{path}: {header[place]}")
        problems += wrong
        found[name] = values * factor
    if problems:
        raise UserError(*problems[:20])
    return {name: found[name] for name in (*needed, *optional) if name in found}


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of a CSV or a workbook."""
    if path.suffix.lower() in SUFFIXES:
        return read_workbook(path, lambda heading: _plain(heading) in headings())
    return read_rows(path)


def _places(header: Sequence[str], wanted: Iterable[str], path: Path) -> dict[str, tuple[int, float]]:
    """Return where each quantity stands, and its factor."""
    wanted, known = set(wanted), headings()
    places: dict[str, tuple[int, float]] = {}
    for place, heading in enumerate(header):
        name, factor = known.get(_plain(heading), ("", 1.0))
        if name in places:
            raise UserError.of(f"{path} (line 1)", f"{header[places[name][0]]} and {heading} are both {name}", "one")
        if name in wanted:
            places[name] = place, factor
    return places


def _allowed(quantity: str) -> str:
    units = load(Headings, Path(__file__).with_name("columns.yaml")).root[quantity]
    return ", ".join(name for names in units.values() for name in names)


def _numbers(cells: Sequence[str], where: str) -> tuple[Floats, list[Problem]]:
    """Return a column as numbers, and the cells that are none."""
    values, problems = np.zeros(len(cells)), []
    for line, cell in enumerate(cells, 2):
        try:
            values[line - 2] = float(cell)
        except ValueError:
            values[line - 2] = np.nan
        if not np.isfinite(values[line - 2]):
            problems.append(Problem(f"{where} (line {line})", f"found '{cell}'", "allowed: a finite number"))
    return values, problems
