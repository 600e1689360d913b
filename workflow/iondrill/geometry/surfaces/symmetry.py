"""The symmetry of a surface: operations that keep +z up, whatever the vacuum and the supercell."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from iondrill.errors import UserError
from iondrill.geometry.surfaces.nearest import coincide

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

SYMPREC_A = 0.05
SAME_A = 0.2
"""Two sites closer than this are one."""
SYMMETRY_VACUUM_A = 20.0
"""Height of vacuum in the box that spglib sees: the same for all slabs, so that their own changes nothing."""


class SurfaceSymmetry:
    """The plane group of a slab seen from above.

    Found on the primitive cell of the plane, in a box of fixed vacuum, so that all choices of the slab's
    cell give the same.

    Parameters
    ----------
    slab : Atoms
        Periodic in x and y, surface normal +z.
    """

    def __init__(self, slab: Atoms) -> None:
        cell = np.array(slab.cell[:2, :2])
        rotations, shifts = _operations(cell, slab.positions, slab.numbers)
        self.cell = _shortest(shifts[(rotations == np.eye(2)).all(axis=(1, 2))], cell)
        first = _distinct(slab, self.cell)
        rotations, shifts = _operations(self.cell, slab.positions[first], slab.numbers[first])
        inverse = np.linalg.inv(self.cell)
        self.rotations = np.array([inverse @ rotation.T @ self.cell for rotation in rotations])
        self.shifts_A = shifts @ self.cell

    def equivalent(self, first_A: NDArray[np.float64], second_A: NDArray[np.float64]) -> bool:
        """Whether an operation takes one point (2,) of the surface to another."""
        images = first_A @ self.rotations + self.shifts_A - second_A
        return bool(coincide(images @ np.linalg.inv(self.cell), self.cell, SAME_A).any())

    def orbit(self, xy_A: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the points (n, 2) of a larger cell (2, 2) that operations take a point (2,) to, itself first."""
        reach = int(np.ceil(np.abs(cell @ np.linalg.inv(self.cell)).sum()))
        steps = np.array(list(product(range(-reach, reach + 1), repeat=2))) @ self.cell
        images = (xy_A @ self.rotations + self.shifts_A)[:, None] + steps
        images = np.vstack([xy_A[None], images.reshape(-1, 2)])
        fractional = images @ np.linalg.inv(cell)
        inside = ((fractional > -1e-4) & (fractional < 1 - 1e-4)).all(axis=1)
        kept: list[NDArray[np.float64]] = []
        for point in fractional[inside]:
            if not coincide(np.array(kept).reshape(-1, 2) - point, cell, SAME_A).any():
                kept.append(point)
        return np.array(kept) @ cell


def _operations(
    cell: NDArray[np.float64], positions: NDArray[np.float64], numbers: NDArray[np.int_]
) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    """Return rotations (n, 2, 2) and translations (n, 2), fractional, of the slab in a box of fixed vacuum."""
    height_A = np.ptp(positions[:, 2]) + SYMMETRY_VACUUM_A
    lattice = np.zeros((3, 3))
    lattice[:2, :2] = cell
    lattice[2, 2] = height_A
    found = spglib_operations(lattice, positions @ np.linalg.inv(lattice), numbers)
    if found is None:
        farthest_A = np.abs(positions).max()
        raise UserError.of(
            f"the slab of {len(numbers)} atoms",
            f"a search for its symmetry finds nothing, not even the identity; atoms lie up to {farthest_A:.3g} Å off",
            f"allowed: positions accurate to {SYMPREC_A} Å, and no two atoms closer than that",
        )
    rotations, translations = found
    up = (rotations[:, 2] == [0, 0, 1]).all(axis=1) & (rotations[:, :2, 2] == 0).all(axis=1)
    up &= abs(translations[:, 2] - np.rint(translations[:, 2])) * height_A < 2 * SYMPREC_A
    return rotations[up][:, :2, :2], translations[up][:, :2]


def spglib_operations(
    lattice: NDArray[np.float64], fractional: NDArray[np.float64], numbers: NDArray[np.int_]
) -> tuple[NDArray[np.int_], NDArray[np.float64]] | None:
    """Return rotations (n, 3, 3) and translations (n, 3) of a cell within `SYMPREC_A`; None if spglib finds none."""
    import spglib

    try:
        found = spglib.get_symmetry((lattice, fractional, numbers), symprec=SYMPREC_A)
    except spglib.SpglibError:  # what spglib does instead of returning nothing depends on its version
        return None
    return None if found is None else (found["rotations"], found["translations"])


def _shortest(translations: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the two shortest vectors (2, 2) of the lattice that the fractional translations span."""
    whole = np.array(list(product(range(-2, 3), repeat=2)))
    vectors = (translations[:, None] + whole).reshape(-1, 2) @ cell
    vectors = vectors[np.argsort(np.linalg.norm(vectors, axis=1), kind="stable")]
    vectors = vectors[np.linalg.norm(vectors, axis=1) > SAME_A]
    first = vectors[0]
    area = first[0] * vectors[:, 1] - first[1] * vectors[:, 0]
    return np.array([first, vectors[area > SAME_A * np.linalg.norm(first)][0]])


def _distinct(slab: Atoms, cell: NDArray[np.float64]) -> NDArray[np.int_]:
    """Return the indices of one atom of each set that the lattice `cell` (2, 2) repeats."""
    fractional = slab.positions[:, :2] @ np.linalg.inv(cell)
    kept: list[int] = []
    for index in range(len(slab)):
        over = coincide(fractional[kept] - fractional[index], cell, SAME_A)
        same = over & (abs(slab.positions[kept, 2] - slab.positions[index, 2]) < SAME_A)
        if not same.any():
            kept.append(index)
    return np.array(kept)
