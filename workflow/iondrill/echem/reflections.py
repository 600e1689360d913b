"""Positions of reflections, as in-situ diffraction has them: distances of layers, and the nearest known phase."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iondrill.analyse.columns import TableForm, number, text
from iondrill.analyse.dynamics.diffraction import PAPER_DEG, bragg_spacing, known_compounds, reflections
from iondrill.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

Floats = NDArray[np.float64]


class Position(NamedTuple):
    """A row of the table that ``iondrill echem reflections`` writes."""

    two_theta_deg: float
    d_A: float
    d_error_A: float | None
    nearest: str
    nearest_deg: float
    off_by_deg: float


POSITIONS = TableForm[Position](
    "a reflection",
    (
        number("two_theta_deg", "where it is, Cu Kα1"),
        number("d_A", "distance of the planes, Bragg's law in first order"),
        number("d_error_A", "its error, from that of the angle; empty if the table gives none"),
        text("nearest", "the nearest (00l) reflection of graphite, LiC12 and LiC6, simulated"),
        number("nearest_deg", "where that is"),
        number("off_by_deg", "how far from it"),
    ),
)
"""The table of ``iondrill echem reflections``."""


def positions(path: Path, series: dict[str, Floats]) -> list[Position]:
    """Return what measured positions say.

    Parameters
    ----------
    path : Path
        Where they are from, for messages.
    series : dict of (n,) array
        ``two_theta_deg``, and perhaps ``two_theta_error_deg``.

    Raises
    ------
    UserError
        If an angle is not between 0 and 180°, or an error is negative.
    """
    angles = series["two_theta_deg"]
    errors = series.get("two_theta_error_deg", np.full(len(angles), np.nan))
    for line, (angle, error) in enumerate(zip(angles, errors, strict=True), 2):
        if not 0 < angle < 180 or error < 0:
            found = f"found {angle:g}°" + (f" ± {error:g}°" if error < 0 else "")
            raise UserError.of(f"{path} (line {line})", found, "allowed: 2θ between 0 and 180°, errors not negative")
    known = [(f"{each.phase} ({each.hkl})", each.two_theta_deg) for each in reflections(known_compounds())]
    return [_position(float(angle), float(error), known) for angle, error in zip(angles, errors, strict=True)]


def positions_of_paper() -> list[Position]:
    """Return what the reflections in the paper's diffractograms say."""
    known = [(f"{each.phase} ({each.hkl})", each.two_theta_deg) for each in reflections(known_compounds())]
    return [_position(angle, float("nan"), known) for angle in PAPER_DEG]


def _position(angle_deg: float, error_deg: float, known: list[tuple[str, float]]) -> Position:
    spacing_A = bragg_spacing(angle_deg)
    error_A = spacing_A / np.tan(np.radians(angle_deg / 2)) * np.radians(error_deg / 2)
    name, there_deg = min(known, key=lambda each: abs(each[1] - angle_deg))
    known_error = None if np.isnan(error_A) else float(error_A)
    return Position(angle_deg, spacing_A, known_error, name, there_deg, angle_deg - there_deg)
