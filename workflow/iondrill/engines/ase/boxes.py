"""Cells for calculators that cannot do without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

MARGIN_A = 1.0
"""Beyond the cutoff, between an isolated frame and its images."""


def in_wide_box(atoms: Atoms, cutoff_A: float) -> Atoms:
    """Return a frame that is periodic and in which no atom of an isolated one sees an image of another."""
    boxed = atoms.copy()
    boxed.set_constraint()
    if not atoms.pbc.all():
        extent = np.ptp(atoms.positions, axis=0)
        lengths = [atoms.cell.lengths()[k] if atoms.pbc[k] else extent[k] + cutoff_A + MARGIN_A for k in range(3)]
        if atoms.pbc.any():  # a slab: a and b stay, c is made long enough
            cell = atoms.cell.array.copy()
            free = np.flatnonzero(~atoms.pbc)
            cell[free] = np.diag(lengths)[free]
            boxed.set_cell(cell, scale_atoms=False)
        else:
            boxed.set_cell(np.diag(lengths), scale_atoms=False)
        boxed.pbc = True
    return boxed


class RoomyCell:
    """A cell round a structure and all that becomes of it, so that an energy does not jump with its edges.

    Parameters
    ----------
    start : Atoms
        The first geometry.
    vacuum_A : float
        Between it and each face of the cell, where it is not periodic.
    """

    def __init__(self, start: Atoms, vacuum_A: float) -> None:
        free = np.flatnonzero(~start.pbc)
        boxed = start.copy()
        boxed.set_constraint()
        if len(free):
            boxed.center(vacuum=vacuum_A, axis=tuple(free.tolist()))
        self.cell = boxed.cell
        self.shift_A = boxed.positions[0] - start.positions[0]

    def around(self, atoms: Atoms) -> Atoms:
        """Return a geometry in the cell."""
        boxed = atoms.copy()
        boxed.set_constraint()
        boxed.set_cell(self.cell, scale_atoms=False)
        boxed.positions += self.shift_A
        return boxed
