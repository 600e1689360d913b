"""Boxes around isolated structures, and what a slab's cell must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iondrill.errors import UserError
from iondrill.jobs.job import BOX_VACUUM_A

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike


def in_cube(atoms: Atoms, *, at_least: float = 1.0) -> Atoms:
    """Centre an isolated structure in a cubic box.

    Parameters
    ----------
    atoms : Atoms
        With a cell, whose longest edge becomes that of the cube; or without one, and then the cube leaves
        `BOX_VACUUM_A` between the outermost atoms and their images.
    at_least : float
        Smallest edge in units of the structure's extent.

    Returns
    -------
    Atoms
        A copy, its extent centred in the cube, without periodicity. Distances are unchanged.

    Raises
    ------
    UserError
        If the given cell is too small.
    """
    extent_A = float(np.ptp(atoms.positions, axis=0).max())
    needed_A = at_least * extent_A
    edge_A = float(atoms.cell.lengths().max())
    if edge_A == 0:
        edge_A = max(extent_A + BOX_VACUUM_A, needed_A)
    elif edge_A < needed_A or edge_A == extent_A:
        raise UserError.of(
            f"the box of {atoms.get_chemical_formula()}",
            f"is {edge_A:g} Å long, and the atoms {extent_A:.2f} Å",
            f"allowed: more than {needed_A:.2f} Å",
        )
    return in_box(atoms, (edge_A, edge_A, edge_A))


def in_box(atoms: Atoms, edges_A: ArrayLike) -> Atoms:
    """Centre the extent of an isolated structure in an orthorhombic box; return a copy without periodicity."""
    boxed = atoms.copy()
    boxed.set_cell(edges_A, scale_atoms=False)
    boxed.pbc = False
    low, high = atoms.positions.min(axis=0), atoms.positions.max(axis=0)
    shift = boxed.cell.lengths() / 2 - (low + high) / 2
    boxed.set_positions(atoms.positions + shift, apply_constraint=False)
    return boxed


def off_the_fold(atoms: Atoms) -> Atoms:
    """Move a periodic structure as a whole, so that the widest gaps between its atoms lie at half of each cell vector.

    There a program that counts fractional coordinates from −½ to ½ folds atoms over to the other side.

    Returns
    -------
    Atoms
        A copy; its first atom is within half a cell of where it was, along each vector.
    """
    fractional = atoms.cell.scaled_positions(atoms.positions)
    shifts = []
    for along in fractional.T:
        ordered = np.sort(along % 1)
        gaps = np.diff(ordered, append=ordered[0] + 1)
        widest = int(gaps.round(6).argmax())  # of equal ones the first
        shift = 0.5 - (ordered[widest] + gaps[widest] / 2)
        shifts.append(shift - np.round(shift))
    moved = atoms.copy()
    # of few digits, so that an input holds it and nothing is lost when it is read back
    shift_A = (np.array(shifts) @ atoms.cell.array).round(6)
    moved.set_positions(atoms.positions + shift_A, apply_constraint=False)
    return moved


def check_slab(atoms: Atoms) -> None:
    """Raise a UserError unless the third cell vector is the surface normal, +z, and the cell holds the slab."""
    cell, formula = atoms.cell.array, atoms.get_chemical_formula()
    upright = np.abs([cell[0, 2], cell[1, 2], cell[2, 0], cell[2, 1]]).max() < 1e-6
    where = f"the cell of slab {formula}"
    if atoms.cell.rank < 3 or not upright or cell[2, 2] <= 0:
        raise UserError.of(where, f"is {cell.tolist()}", "allowed: a and b in the plane, c along +z")
    height_A = float(np.ptp(atoms.positions[:, 2]))
    if height_A >= cell[2, 2]:
        raise UserError.of(where, f"is {cell[2, 2]:.2f} Å high, and the atoms {height_A:.2f} Å", "allowed: higher")
