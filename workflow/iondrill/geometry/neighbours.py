"""Which atoms are near which, in any cell."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from ase.geometry import complete_cell

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray

BLOCK = 2**18
"""Pairs computed together: this bounds the memory."""


class Near(NamedTuple):
    """Pairs of atoms in both directions, sorted by the first and the second atom.

    Attributes
    ----------
    first, second : (n,) int array
        Indices of the two atoms.
    offset : (n, 3) int array
        Cells from the first atom's to the second's.
    vector_A : (n, 3) float array
        From the first atom to the second.
    length_A : (n,) float array
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    offset: NDArray[np.intp]
    vector_A: NDArray[np.float64]
    length_A: NDArray[np.float64]

    def select(self, keep: NDArray[np.bool_]) -> Near:
        """Return the pairs where `keep` (n,) is true."""
        columns: Any = (column[keep] for column in self)
        return Near(*columns)


def near(atoms: Atoms, reach_A: ArrayLike) -> Near:
    """Find all pairs of atoms nearer to each other than their reaches add up to.

    Every pair of atoms and images is computed, which for the few hundred atoms of a structure takes less time
    than a list of cells.

    Parameters
    ----------
    atoms : Atoms
        Any periodicity; positions outside the cell are as good as those in it.
    reach_A : float or (n,) array
        Of all atoms, or of each.
    """
    reach = np.broadcast_to(np.asarray(reach_A, dtype=float), len(atoms))
    pbc, cell = atoms.pbc, complete_cell(atoms.cell)
    inverse = np.linalg.inv(cell)
    home = np.where(pbc, np.floor(atoms.positions @ inverse), 0.0)
    wrapped = atoms.positions - home @ cell
    widest = 2 * float(reach.max(initial=0.0))
    heights = 1 / np.linalg.norm(inverse, axis=0)
    counts = np.where(pbc, np.ceil(widest / heights), 0).astype(int)
    low, high = (wrapped.min(axis=0) - widest, wrapped.max(axis=0) + widest) if len(atoms) else (np.zeros(3),) * 2
    shifts = np.array(list(product(*(range(-n, n + 1) for n in counts.tolist()))))
    images = wrapped + np.array([shift @ cell for shift in shifts])[:, None]
    which, whose = np.nonzero(((images >= low) & (images <= high)).all(axis=2))
    images = images[which, whose]
    found = []
    for start in range(0, len(atoms), step := max(1, BLOCK // max(1, len(images)))):
        part = slice(start, start + step)
        squares = sum((images[:, k] - wrapped[part, k, None]) ** 2 for k in range(3))
        i, k = np.nonzero(squares < (reach[part, None] + reach[whose]) ** 2)
        i, j, shift = i + start, whose[k], shifts[which[k]]
        other = (i != j) | shift.any(axis=1)
        i, j, k, shift = i[other], j[other], k[other], shift[other]
        found.append((i, j, shift - home[j] + home[i], images[k] - wrapped[i]))
    if not found:
        nobody = np.zeros(0, dtype=np.intp)
        return Near(nobody, nobody, np.zeros((0, 3), dtype=np.intp), np.zeros((0, 3)), np.zeros(0))
    first, second, offset, vector_A = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((second, first))
    vector_A = vector_A[order]
    length_A = np.linalg.norm(vector_A, axis=1)
    return Near(first[order], second[order], offset[order].astype(int), vector_A, length_A)
