"""Gaussian cube files: their head, and their values on planes and in boxes of points."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from ase.units import Bohr

from iondrill.analyse.density.cube_values import Values, wrong
from iondrill.analyse.density.plane import Plane
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

CHUNK_POINTS = 2**11
# Half of the last of the six decimals of a step, as CP2K writes it, in bohr.
HEAD_ROUNDING = 1e-6
# Points of the interpolation along each axis: exact for polynomials of degree 5.
STENCIL = 6
# Of a step: what the rounding of the head may amount to at the edge of a box.
EDGE = 1e-3
WHOLE = "needed: a whole cube file"


class Cube:
    """A cube file, of which only the head is read at first.

    Parameters
    ----------
    path : Path
        The file.
    box_A : array-like, optional
        Edge of a cubic box, or the edges of a rectangular one, in Å. The steps are then box/n: the six decimals of
        the head are too few at the far end of a large box.

    Attributes
    ----------
    atoms : Atoms
        As in the head.
    origin_A : array (3,)
        The first point.
    axes_A : array (3, 3)
        The steps from point to point along the three axes.
    shape : tuple of int
        Number of points along each.

    Raises
    ------
    UserError
        If the head is missing, cut, no head of a cube file, or of another box.
    """

    def __init__(self, path: Path, box_A: ArrayLike | None = None) -> None:
        self.path = path
        try:
            with path.open("rb") as stream:
                lines = list(islice(stream, 6))
                n_atoms = self._numbers(lines, 2, 4)[0]
                if n_atoms < 0 or n_atoms % 1:
                    raise wrong(
                        self.path, 3, f"{n_atoms:g} atoms", "allowed: one value at each point, no set of orbitals"
                    )
                lines += islice(stream, int(n_atoms))
                start, first_line = stream.tell(), stream.readline(4096)
        except OSError as error:
            raise UserError.of(path, f"cannot be read: {error.strerror or error}") from None
        n_lines = 6 + int(n_atoms)
        self.origin_A = self._numbers(lines, 2, 4)[1:] * Bohr
        grid = np.array([self._numbers(lines, k, 4) for k in (3, 4, 5)])
        for k, count in enumerate(grid[:, 0]):
            if count < 1 or count % 1:
                raise wrong(self.path, 4 + k, f"{count:g} points", "allowed: a whole number > 0, steps in bohr")
        n_x, n_y, n_z = grid[:, 0].astype(int).tolist()
        self.shape = (n_x, n_y, n_z)
        self.axes_A = self._exact_steps(grid[:, 1:], box_A) * Bohr
        if abs(np.linalg.det(self.axes_A)) < 1e-12:
            raise wrong(self.path, 4, "the three steps do not span a volume", WHOLE)
        self._atom_lines = np.array([self._numbers(lines, k, 5) for k in range(6, n_lines)]).reshape(-1, 5)
        self._values = Values(path, self.shape, start, n_lines, first_line)

    @cached_property
    def atoms(self) -> Atoms:
        """The atoms of the head."""
        from ase import Atoms

        return Atoms(numbers=self._atom_lines[:, 0].astype(int), positions=self._atom_lines[:, 2:] * Bohr)

    def read(self, lower: Sequence[int] = (0, 0, 0), upper: Sequence[int] | None = None) -> Array:
        """Read the values of a box of points.

        Parameters
        ----------
        lower, upper : sequence of int
            Indices of its first point and of the point after its last; by default all.

        Returns
        -------
        array (upper - lower)
            Units as in the file.

        Raises
        ------
        UserError
            If the file is cut, or something in it is no number. In a file of uniform width only what is read is
            looked at, besides the length of the file.
        """
        return self._values.read(lower, self.shape if upper is None else upper)

    def shares_grid(self, other: Cube) -> bool:
        """Say whether another cube has its values at the same points."""
        return self.shape == other.shape and np.allclose(self.axes_A, other.axes_A, atol=HEAD_ROUNDING)

    def own_plane(self, plane: Plane) -> Plane:
        """Return the plane of the cube's own points that is nearest to a plane and covers it.

        On it, `on_plane` gives the file's own values. Elsewhere they are interpolated, which is good where the
        functions are smooth on the scale of the steps; semicore shells (Li 1s) within 0.8 Å of a nucleus are not.

        Parameters
        ----------
        plane : Plane
            Parallel to two axes of the cube.

        Raises
        ------
        UserError
            If it is not.
        """
        to_steps = np.linalg.inv(self.axes_A)
        steps, position = plane.axes_A @ to_steps, (plane.origin_A - self.origin_A) @ to_steps
        axes = np.abs(steps).argmax(axis=1)
        if (
            axes[0] == axes[1]
            or np.abs(np.delete(steps[0], axes[0])).max() + np.abs(np.delete(steps[1], axes[1])).max() > EDGE
        ):
            raise UserError.of(self.path, "the plane is not parallel to two axes of the cube", "use on_plane")
        last = position + (np.array(plane.shape) - 1) @ steps
        low, high = np.minimum(position, last), np.maximum(position, last)
        first = np.floor(low + EDGE)
        end = first + np.ceil(high - low - EDGE) + 1  # one size, wherever the points of the grid lie
        normal = 3 - int(axes.sum())
        first[normal] = round(position[normal])
        shape = (end - first)[axes].astype(int) + 1
        return Plane(self.origin_A + first @ self.axes_A, self.axes_A[axes], (int(shape[0]), int(shape[1])))

    def on_plane(self, plane: Plane) -> Array:
        """Return the values on the points of a plane, from the six nearest grid points along each axis.

        Parameters
        ----------
        plane : Plane
            Within the box.

        Returns
        -------
        array (n₀, n₁)
            Lagrange interpolation of degree 5; the file's own values where the points are those of the grid.

        Raises
        ------
        UserError
            If the plane leaves the box; and as `read`.
        """
        positions = (plane.points_A() - self.origin_A) @ np.linalg.inv(self.axes_A)
        if positions.min() < -EDGE or (positions > np.array(self.shape) - 1 + EDGE).any():
            raise UserError.of(
                self.path, "its box does not hold the whole plane", "needed: a larger box, or less margin"
            )
        size = np.minimum(STENCIL, self.shape)
        first = np.clip(np.floor(positions).astype(int) - (size - 1) // 2, 0, np.array(self.shape) - size)
        lower, upper = first.min(axis=0), first.max(axis=0) + size
        box = self.read(lower.tolist(), upper.tolist())
        values = np.empty(len(positions))
        for start in range(0, len(positions), CHUNK_POINTS):
            part = slice(start, start + CHUNK_POINTS)
            weights = [_lagrange(positions[part, k] - first[part, k], int(size[k])) for k in range(3)]
            i, j, k = ((first[part, axis] - lower[axis])[:, None] + np.arange(size[axis]) for axis in range(3))
            cells = box[i[:, :, None, None], j[:, None, :, None], k[:, None, None, :]]
            values[part] = np.einsum("pijk,pi,pj,pk->p", cells, *weights, optimize=True)
        return values.reshape(plane.shape)

    # --- head --------------------------------------------------------------------------------------------------

    def _numbers(self, lines: list[bytes], index: int, count: int) -> Array:
        """Return the first numbers of a line of the head."""
        if index >= len(lines):
            raise wrong(self.path, max(len(lines), 1), "the file ends in its head", WHOLE)
        try:
            numbers = np.array([float(word) for word in lines[index].split()[:count]])
        except ValueError:
            numbers = np.array([])
        if len(numbers) < count or not np.isfinite(numbers).all() or not lines[index].endswith(b"\n"):
            raise wrong(self.path, index + 1, f"found {lines[index][:60]!r}", f"needed in the head: {count} numbers")
        return numbers

    def _exact_steps(self, steps: Array, box_A: ArrayLike | None) -> Array:
        """Return the steps in bohr, of the box where it is known."""
        if box_A is None:
            return steps
        exact = np.diag(np.broadcast_to(np.asarray(box_A, dtype=float), 3) / Bohr / self.shape)
        if np.abs(exact - steps).max() > HEAD_ROUNDING:
            found = f"steps of {', '.join(f'{step:.6f}' for step in np.diag(steps))} bohr"
            needed = ", ".join(f"{step:.6f}" for step in np.diag(exact))
            raise wrong(
                self.path, 4, found, f"the box needs {needed}: another box, or a STRIDE that does not divide it"
            )
        return exact


def _lagrange(position: Array, size: int) -> Array:
    """Return the weights (n, size) of the points 0 … size−1 at positions between them."""
    points = np.arange(size)
    weights = np.ones((len(position), size))
    for j in range(size):
        for k in points[points != j]:
            weights[:, j] *= (position - k) / (j - k)
    return weights
