"""Copies of a structure, displaced and strained at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iondrill.errors import UserError
from iondrill.geometry.checks import check_distances

if TYPE_CHECKING:
    from ase import Atoms

REDRAWN = 20
"""How often displacements are drawn again where atoms overlap."""


def rattled(
    start: Atoms,
    rattle_A: float,
    strain: float,
    count: int,
    seed: int,
    *,
    stretch: tuple[float, float] | None = None,
) -> list[Atoms]:
    """Return copies of a structure, displaced and strained at random; one whose atoms overlap is drawn again.

    Parameters
    ----------
    start : Atoms
        Its periodic directions are strained, without rotation.
    rattle_A, strain : float
        Standard deviations of each coordinate and of each component of the strain.
    count : int
        Number of copies.
    seed : int
        Of the displacements.
    stretch : (float, float), optional
        Factors between which the third edge of a crystal is drawn.

    Raises
    ------
    UserError
        If atoms overlap each time.
    """
    rng = np.random.default_rng([seed, 13])
    frames = []
    for number in range(count):
        frame = _displaced(start, rattle_A, strain, rng, stretch)
        for _ in range(REDRAWN):
            if not _overlap(frame):
                break
            frame = _displaced(start, rattle_A, strain, rng, stretch)
        check_distances(frame, "a start displaced by rattle_A")
        frame.info = {"step": number + 1}
        frames.append(frame)
    return frames


def _overlap(frame: Atoms) -> bool:
    try:
        check_distances(frame, "")
    except UserError:
        return True
    return False


def _displaced(
    start: Atoms, rattle_A: float, strain: float, rng: np.random.Generator, stretch: tuple[float, float] | None
) -> Atoms:
    frame = start.copy()
    frame.set_constraint()
    drawn = np.triu(rng.normal(scale=strain, size=(3, 3)))
    symmetric = np.where(np.outer(frame.pbc, frame.pbc), drawn + np.triu(drawn, 1).T, 0.0)
    deformed = np.eye(3) + symmetric
    if stretch is not None:
        deformed = deformed @ np.diag([1, 1, rng.uniform(*stretch)])
    frame.set_cell(frame.cell.array @ deformed, scale_atoms=True)
    frame.positions += rng.normal(scale=rattle_A, size=frame.positions.shape)
    return frame
