"""Planes of points, and the files of what was mapped on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from iondrill.analyse.density.npz import read_arrays, write_arrays
from iondrill.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


MOST_POINTS = 4_000_000
"""Of a map: 160 Å of atoms in a square, by the default spacing."""


@dataclass(frozen=True)
class Plane:
    """A regular grid of points on a plane.

    Parameters
    ----------
    origin_A : array (3,)
        The first point, in Å.
    axes_A : array (2, 3)
        The steps from point to point, in Å, as in a cube file.
    shape : tuple of int
        Number of points along the two axes.
    """

    origin_A: Array
    axes_A: Array
    shape: tuple[int, int]

    @classmethod
    def of_insertion(cls, positions_A: Array, through_A: ArrayLike, *, margin_A: float, spacing_A: float) -> Plane:
        """Return the plane that holds the insertion axis (x) and the stacking normal (z).

        Parameters
        ----------
        positions_A : array (..., 3)
            Of the atoms, in one frame or in several that are to be compared; the plane spans their extent in x and z.
        through_A : array-like (3,)
            A point of the plane: an ion, the middle of a contact.
        margin_A : float
            Added to the extent of the atoms on every side.
        spacing_A : float
            Distance of the grid points.

        Raises
        ------
        UserError
            If the atoms are so far apart that no memory holds the map: they have flown away.
        """
        positions = positions_A.reshape(-1, 3)
        low = positions.min(axis=0) - margin_A
        extent = positions.max(axis=0) + margin_A - low
        n_x, _, n_z = (int(n) for n in np.ceil(extent / spacing_A) + 1)
        if n_x * n_z > MOST_POINTS:
            found = f"atoms that lie {extent[0]:.0f} × {extent[2]:.0f} Å apart, {n_x * n_z} points"
            raise UserError.of("plane of the map", f"found {found}", f"allowed: {MOST_POINTS}; or a larger spacing")
        origin = np.array([low[0], np.asarray(through_A)[1], low[2]])
        return cls(origin, spacing_A * np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), (n_x, n_z))

    def points_A(self) -> Array:
        """Return the points, shape (n₀·n₁, 3); the second axis runs fastest."""
        i, j = np.indices(self.shape).reshape(2, -1)
        return np.asarray(self.origin_A + i[:, None] * self.axes_A[0] + j[:, None] * self.axes_A[1])


def write_maps(path: Path, plane: Plane, **arrays: Array) -> None:
    """Write arrays as ``.npz``, with the origin and axes (steps) of their plane in Å."""
    write_arrays(path, origin=plane.origin_A, axes=plane.axes_A, **arrays)


def read_maps(path: Path, *names: str) -> tuple[Plane, tuple[Array, ...]]:
    """Read the plane and some arrays of a file that `write_maps` wrote; the first array has the plane's shape.

    Raises
    ------
    UserError
        If the file is missing, cut or holds something else.
    """
    origin, axes, *arrays = read_arrays(path, "origin", "axes", *names)
    return Plane(origin, axes, arrays[0].shape), tuple(arrays)
