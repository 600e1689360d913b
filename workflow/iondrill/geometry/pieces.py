"""The pieces that bonds make of a structure, joined where a cell's edge cuts through them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.errors import UserError
from iondrill.geometry.bonds import find_bonds

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray


SMALLER_A = 0.1
"""A structure that becomes smaller by more, its three extents added up, was cut by its cell."""


class Pieces(NamedTuple):
    """Atoms by the piece they belong to."""

    members: list[NDArray[np.intp]]
    """Indices of the atoms of each piece, the largest first."""
    cells: NDArray[np.int_]
    """Cells (n, 3) that each atom must go by, for its piece to be in one."""
    endless: bool
    """Whether a piece is bonded to its own image in another cell."""


def find_pieces(atoms: Atoms, apart: NDArray[np.bool_]) -> Pieces:
    """Find the pieces of a structure, in its own periodicity.

    Parameters
    ----------
    atoms : Atoms
        Any periodicity.
    apart : (n,) bool array
        Atoms whose contacts are no bonds, such as ions: each is a piece by itself.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    bonds = find_bonds(atoms)
    bonds = bonds.select(~apart[bonds.first] & ~apart[bonds.second])
    size = (len(atoms), len(atoms))
    graph = coo_array((np.ones(len(bonds.first)), (bonds.first, bonds.second)), shape=size).tocsr()
    count, label = connected_components(graph, directed=False)
    cells = np.zeros((len(atoms), 3), dtype=int)
    pairs = zip(bonds.first.tolist(), bonds.second.tolist(), strict=True)
    step = dict(zip(pairs, bonds.offset, strict=True))
    members = sorted((np.flatnonzero(label == one) for one in range(count)), key=len, reverse=True)
    for piece in members:
        order, before = breadth_first_order(graph, piece[0], directed=False)
        for atom in order[1:]:
            cells[atom] = cells[before[atom]] + step[int(before[atom]), int(atom)]
    endless = bool((cells[bonds.first] + bonds.offset != cells[bonds.second]).any())
    return Pieces(members, cells, endless)


def join(atoms: Atoms, apart: NDArray[np.bool_], where: object) -> list[NDArray[np.intp]]:
    """Put every piece of an isolated structure in one, and the pieces beside each other, in place.

    A structure that comes in a cell but is not periodic is joined through the cell if this leaves fewer pieces, or
    pieces nearer to each other. What was periodic has no cell afterwards.

    Parameters
    ----------
    atoms : Atoms
        A cluster or a flake, as a file holds it.
    apart : (n,) bool array
        Ions.
    where : object
        The file, for messages.

    Returns
    -------
    list of int array
        The pieces, the largest first.

    Raises
    ------
    UserError
        If a piece continues from cell to cell.
    """
    given = find_pieces(atoms, apart)
    periodic = bool(atoms.pbc.any())
    if periodic and given.endless:
        axes = [axis for axis, on in zip("abc", atoms.pbc, strict=True) if on]
        raise UserError.of(where, f"continues through its cell along {axes}", "allowed: a finite structure in vacuum")
    if not periodic and atoms.cell.rank == 3 and len(given.members) > 1:
        wrapped = atoms.copy()
        wrapped.pbc = True
        through = find_pieces(wrapped, apart)
        if not through.endless:
            _together(wrapped, through)
            smaller_A = np.ptp(atoms.positions, axis=0).sum() - np.ptp(wrapped.positions, axis=0).sum()
            if len(through.members) < len(given.members) or smaller_A > SMALLER_A:
                atoms.positions, given = wrapped.positions, through
    if periodic:
        _together(atoms, given)
        atoms.pbc = False
        atoms.cell[:] = 0
    return given.members


def _together(atoms: Atoms, pieces: Pieces) -> None:
    """Join each piece, and move it by cells to where it is nearest to those before it, and then to their centre."""
    atoms.positions += pieces.cells @ atoms.cell.array
    members = pieces.members
    steps = np.array(list(product(*([-1, 0, 1] if on else [0] for on in atoms.pbc))))
    steps = steps[np.argsort(np.abs(steps).sum(axis=1), kind="stable")]  # of equal ones the one that stays
    inverse = np.linalg.pinv(atoms.cell.array)
    for k, piece in enumerate(members[1:], start=1):
        there = atoms.positions[np.concatenate(members[:k])]
        own = atoms.positions[piece]
        home = np.where(atoms.pbc, np.rint((there.mean(axis=0) - own.mean(axis=0)) @ inverse), 0)
        shifts = (home + steps) @ atoms.cell.array
        apart_A = [np.linalg.norm(own[:, None] + shift - there, axis=2).min().round(3) for shift in shifts]
        centre_A = np.linalg.norm(own.mean(axis=0) + shifts - there.mean(axis=0), axis=1).round(3)
        atoms.positions[piece] += shifts[np.lexsort((centre_A, apart_A))[0]]
