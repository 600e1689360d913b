"""Density and kinetic energy density on a plane, tile by tile: what is smooth from a few nodes, the rest directly.

Most functions of a basis are broad Gaussians that reach many points and change little from one to the next. They are
evaluated, and summed to orbitals, on a few nodes of each tile: the value, and the slope along the plane's normal.
Values and slopes on the points follow from `smooth.Row`, one axis after the other. Sharp Gaussians reach few points.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.units import Bohr

from iondrill.analyse.density import primitives
from iondrill.analyse.density.smooth import Row, row_for
from iondrill.analyse.density.wavefunction import LocalDensity, Wavefunction, local_density

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from iondrill.analyse.density.plane import Plane

    Array = NDArray[np.float64]

# Larger tiles need fewer nodes for each point, and more functions reach them; between 4 and 8 it matters little.
TILE_BOHR = 5.4
MOST_IN_TILE = 48
# Points along a side of the patches whose orbitals are kept at a time: they fit into a processor's cache.
PATCH = 12
# With half as many nodes as points along an axis, a plane takes a quarter of the points, and half the slopes.
NODES_PER_POINT = 0.5
LEAST_SINE = 0.1


@dataclass(frozen=True)
class _Axes:
    """Where the points of a plane are.

    Parameters
    ----------
    origin : array (3,)
        The first point, in bohr.
    steps : array (2, 3)
        From point to point, in bohr.
    lengths : array (2,)
        Of the steps.
    frame : array (3, 3)
        Unit vectors, one a row: along the first axis, the plane's normal, and across the axis in the plane.
    cosine, sine : float
        Of the angle between the axes.
    """

    origin: Array
    steps: Array
    lengths: Array
    frame: Array
    cosine: float
    sine: float

    @classmethod
    def of(cls, plane: Plane) -> _Axes | None:
        """Return None if the points do not span a plane."""
        steps = plane.axes_A / Bohr
        lengths = np.linalg.norm(steps, axis=1)
        if not lengths.all():
            return None
        along, other = steps / lengths[:, None]
        cosine = float(along @ other)
        across = other - cosine * along
        sine = float(np.linalg.norm(across))
        if sine < LEAST_SINE:
            return None
        normal = np.cross(along, across / sine)
        normal *= np.sign(normal[np.argmax(np.abs(normal))])  # a slope along a coordinate axis costs least
        return cls(plane.origin_A / Bohr, steps, lengths, np.array([along, normal, across / sine]), cosine, sine)

    def points(self, first: NDArray[Any], second: NDArray[Any]) -> Array:
        """Return the points at all pairs of positions along the axes, counted in steps; in bohr, shape (n, 3)."""
        rows, columns = np.multiply.outer(first, self.steps[0]), np.multiply.outer(second, self.steps[1])
        return np.asarray((self.origin + rows[:, None] + columns).reshape(-1, 3))


@dataclass(frozen=True)
class _Tiles:
    """How a plane is cut, and what is smooth on a tile.

    Parameters
    ----------
    ends : tuple of array
        Where tiles begin along each axis, and the end.
    rows : tuple of Row
        Of the longest tile along each axis.
    exponent : float
        The largest that the rows carry, in 1/bohr².
    """

    ends: tuple[NDArray[np.intp], ...]
    rows: tuple[Row, Row]
    exponent: float

    @classmethod
    def of(cls, shape: tuple[int, int], lengths: Array, exponents: Array) -> _Tiles | None:
        """Return None if nodes would save nothing: if none of the exponents is small enough for such steps."""
        ends = []
        for n, length in zip(shape, lengths, strict=True):
            most = min(max(int(TILE_BOHR / length), 1), MOST_IN_TILE)
            ends.append(np.linspace(0, n, -(-n // most) + 1).astype(np.intp))
        for exponent in exponents[::-1]:
            rows = []
            for starts, length in zip(ends, lengths, strict=True):
                n = int(np.diff(starts).max())
                if row := row_for(n, length, exponent, int(NODES_PER_POINT * n)):
                    rows.append(row)
            if len(rows) == 2:
                return cls(tuple(ends), (rows[0], rows[1]), float(exponent))
        return None


def evaluate_on_plane(wavefunction: Wavefunction, plane: Plane) -> LocalDensity:
    """Evaluate ρ, ∇ρ and τ on a plane: as `Wavefunction.evaluate` on its points, but sooner where they are many.

    Parameters
    ----------
    wavefunction : Wavefunction
        Of closed or open shell.
    plane : Plane
        The axes may enclose any angle.

    Returns
    -------
    LocalDensity
        On ``plane.points_A()``. Each Gaussian is carried to `smooth.TOLERANCE`; where points are so far apart that
        nodes would save nothing, there is no difference at all.
    """
    axes = _Axes.of(plane)
    tiles = _Tiles.of(plane.shape, axes.lengths, primitives.exponents(wavefunction.mol)) if axes else None
    if axes is None or tiles is None:
        return wavefunction.evaluate(plane.points_A())
    n_spin = len(wavefunction.coefficients)
    rho, tau = np.zeros((2, n_spin, *plane.shape))
    gradient = np.zeros((n_spin, 3, *plane.shape))
    for patch, spin, orbitals in _patches(wavefunction, axes, tiles):
        shape = rho[spin][patch].shape
        density, slopes, kinetic = local_density(orbitals)
        rho[spin][patch], tau[spin][patch] = density.reshape(shape), kinetic.reshape(shape)
        gradient[spin, :, *patch] = (axes.frame.T @ slopes).reshape(3, *shape)
    return LocalDensity(rho.reshape(n_spin, -1), gradient.reshape(n_spin, 3, -1), tau.reshape(n_spin, -1))


def _patches(
    wavefunction: Wavefunction, axes: _Axes, tiles: _Tiles
) -> Iterator[tuple[tuple[slice, slice], int, Array]]:
    """Yield where on the plane, spin, and ψ√n with its slopes in the frame of the axes: (4, points, orbitals).

    Nothing where nothing reaches.
    """
    smooth, sharp = wavefunction.part(0.0, tiles.exponent), wavefunction.part(tiles.exponent, np.inf)
    nodes = [row.nodes / length for row, length in zip(tiles.rows, axes.lengths, strict=True)]
    for (start0, end0), (start1, end1) in product(*map(pairwise, tiles.ends)):
        on_nodes = smooth.orbitals(axes.points(start0 + nodes[0], start1 + nodes[1]), axes.frame[1:2])
        for first in _pieces(start0, end0):
            halfway = [_along_first(tiles.rows[0], first - start0, psi) for psi in on_nodes or ()]
            for second in _pieces(start1, end1):
                orbitals = [_along_second(axes, tiles.rows[1], second - start1, half) for half in halfway]
                direct = sharp.orbitals(axes.points(first, second), axes.frame)
                for psi, more in zip(orbitals, direct or (), strict=False):
                    np.add(psi, more, out=psi)
                where = slice(first[0], first[-1] + 1), slice(second[0], second[-1] + 1)
                for spin, psi in enumerate(orbitals or direct or ()):
                    yield where, spin, psi


def _pieces(start: int, end: int) -> list[NDArray[np.intp]]:
    return np.array_split(np.arange(start, end), -(-(end - start) // PATCH))


def _along_first(row: Row, points: NDArray[np.intp], on_nodes: Array) -> Array:
    """Return value, slope along and slope normal (3, points, nodes of the second axis, orbitals).

    Of value and slope normal on all nodes: (2, nodes, orbitals).
    """
    value, normal = on_nodes.reshape(2, len(row.nodes), -1)
    n = len(points)
    result = np.empty((3 * n, value.shape[1]))
    np.matmul(np.concatenate([row.value[points], row.slope[points]]), value, out=result[: 2 * n])
    np.matmul(row.value[points], normal, out=result[2 * n :])
    return result.reshape(3, n, -1, on_nodes.shape[-1])


def _along_second(axes: _Axes, row: Row, points: NDArray[np.intp], halfway: Array) -> Array:
    """Return value, slopes along, normal and across (4, points, orbitals), of what `_along_first` gives."""
    result = np.empty((4, halfway.shape[1], len(points), halfway.shape[-1]))
    np.matmul(row.value[points], halfway, out=result[:3])
    np.matmul(row.slope[points], halfway[0], out=result[3])
    if axes.cosine:  # the slope is along the second axis, which is not across the first
        result[3] = (result[3] - axes.cosine * result[1]) / axes.sine
    return result.reshape(4, -1, halfway.shape[-1])
