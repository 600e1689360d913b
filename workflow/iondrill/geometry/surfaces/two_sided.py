"""The back of a slab as the image of its top."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.geometry.surfaces.nearest import rounded
from iondrill.geometry.surfaces.symmetry import SYMMETRY_VACUUM_A, spglib_operations

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray


class Flip(NamedTuple):
    """An operation that takes a slab to itself and its top to its back: r → r · rotation + shift_A."""

    rotation: NDArray[np.float64]
    """(3, 3), its own inverse but for lattice vectors."""
    shift_A: NDArray[np.float64]
    image: NDArray[np.int_]
    """Index of the atom (n,) that each atom is taken to."""

    def apply(self, positions_A: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where positions (n, 3) are taken to."""
        moved: NDArray[np.float64] = positions_A @ self.rotation + self.shift_A
        return moved

    def turned(self, slab: Atoms, built: Atoms) -> Atoms:
        """Return a slab with its back up, each atom at the index of the one it is taken to.

        Parameters
        ----------
        slab : Atoms
            Relaxed or not.
        built : Atoms
            The same slab as built, which the operation was found on.
        """
        moved = np.empty_like(slab.positions)
        moved[self.image] = self.apply(slab.positions)
        cell = slab.cell.array[:2, :2]
        apart = np.rint((moved - built.positions)[:, :2] @ np.linalg.inv(cell))
        moved[:, :2] -= apart @ cell
        turned = slab.copy()
        turned.set_positions(moved, apply_constraint=False)
        return turned


def find_flip(slab: Atoms) -> Flip | None:
    """Find the inversion, or else another operation of order two, that exchanges the sides of a slab.

    Parameters
    ----------
    slab : Atoms
        Periodic in x and y, surface normal +z, exactly symmetric.

    Returns
    -------
    Flip or None
        None if the two sides are not equivalent.
    """
    z = slab.positions[:, 2]
    lattice = np.zeros((3, 3))
    lattice[:2, :2] = slab.cell.array[:2, :2]
    lattice[2, 2] = np.ptp(z) + SYMMETRY_VACUUM_A
    inverse = np.linalg.inv(lattice)
    found = spglib_operations(lattice, slab.positions @ inverse, slab.numbers)
    if found is None:
        return None
    flips = []
    for rotation, translation in zip(*found, strict=True):
        turned = rotation[2, 2] == -1 and not rotation[2, :2].any() and not rotation[:2, 2].any()
        if turned and (rotation @ rotation == np.eye(3)).all():
            in_plane_A = rounded(translation[:2], lattice[:2, :2])
            flips.append((rotation, np.array([*in_plane_A, z.min() + z.max()])))
    if not flips:
        return None

    def rank(flip: tuple[NDArray[np.int_], NDArray[np.float64]]) -> tuple[float, ...]:
        return flip[0].trace() != -3, np.linalg.norm(flip[1][:2]).round(3), *flip[1].round(3)

    rotation, shift_A = min(flips, key=rank)
    cartesian = inverse @ rotation.T @ lattice
    moved = slab.positions @ cartesian + shift_A
    apart = (moved[:, None] - slab.positions) @ inverse
    apart[:, :, :2] -= np.rint(apart[:, :, :2])
    image = np.linalg.norm(apart @ lattice, axis=2).argmin(axis=1)
    return Flip(cartesian, shift_A, image)
