"""The atoms that an adsorbate meets, and the critical points of the distance to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase.data import covalent_radii

from iondrill.geometry.bonds import BOND_SCALE, find_bonds
from iondrill.geometry.surfaces.nearest import nearest_A

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

TIE_A = 0.1
"""Surface atoms whose distances to a point differ by less are equally far."""
REACH_A = 12.0
"""How far beyond the cell the surface is repeated; no hollow is wider."""


class Point(NamedTuple):
    """A critical point of the distance to the surface atoms, and the atoms nearest to it."""

    kind: str
    xy_A: NDArray[np.float64]
    supports: list[int]  # into the surface's repeated atoms


class Surface:
    """The surface atoms of a slab, repeated beyond its cell.

    Surface atoms are the H and the under-coordinated atoms of the upper half; where there are none, the
    highest layer. Each has an anchor: itself, or the atom that an H sits on.
    """

    def __init__(self, slab: Atoms) -> None:
        z = slab.positions[:, 2]
        bonds = find_bonds(slab)
        coordination = np.bincount(bonds.first, minlength=len(slab))
        full = {number: coordination[slab.numbers == number].max() for number in set(slab.numbers)}
        ends = (coordination < [full[number] for number in slab.numbers]) | (slab.numbers == 1)
        atoms = np.flatnonzero(ends & (z > (z.min() + z.max()) / 2))
        if not len(atoms):
            atoms = np.flatnonzero(z > z.max() - 0.3)
        anchors, radii_A = slab.positions.copy(), covalent_radii[slab.numbers]
        for index in atoms[slab.numbers[atoms] == 1]:
            own = bonds.first == index
            anchors[index] += bonds.vector_A[own].sum(axis=0)
            radii_A[index] = covalent_radii[slab.numbers[bonds.second[own]]].max(initial=0)

        cell = slab.cell[:2, :2]
        widths_A = abs(np.linalg.det(cell)) / np.linalg.norm(cell[::-1], axis=1)
        near, far = (np.ceil(REACH_A / widths_A).astype(int) * sign for sign in (-1, 1))
        offsets = np.array([(i, j) for i in range(near[0], far[0] + 1) for j in range(near[1], far[1] + 1)])
        self.cell = cell
        self.offsets = offsets
        self.index = np.tile(atoms, len(offsets))
        self.offset = np.repeat(offsets, len(atoms), axis=0)
        self.xy_A = slab.positions[self.index, :2] + self.offset @ cell
        self.anchor_A = anchors[self.index] + np.pad(self.offset @ cell, ((0, 0), (0, 1)))
        self.radius_A = radii_A[self.index]
        from scipy.spatial import cKDTree

        self.tree = cKDTree(self.xy_A)

    def bonded(self, first: int, second: int) -> bool:
        """Whether two surface atoms, or the atoms their H sit on, are bonded."""
        distance_A = np.linalg.norm(self.anchor_A[first] - self.anchor_A[second])
        reach_A = BOND_SCALE * (self.radius_A[first] + self.radius_A[second])
        return bool(TIE_A < distance_A < reach_A)

    def bonded_neighbours(self, atom: int) -> list[int]:
        """Return the surface atoms bonded to one."""
        close = self.tree.query_ball_point(self.xy_A[atom], 6.0)
        return [other for other in close if self.bonded(atom, other)]

    def points(self) -> list[Point]:
        """Return every critical point of the distance to the surface atoms within the cell.

        Minima are the atoms. Saddles are the midpoints of two atoms that no third is closer to (Gabriel
        edges). Maxima are the Voronoi vertices that lie within their nearest atoms. On a torus, as many
        saddles as minima and maxima together.
        """
        from scipy.spatial import Voronoi

        voronoi = Voronoi(self.xy_A)
        vertices = [Point("hollow", xy, self.nearest(xy)) for xy in self.within(voronoi.vertices)]
        middles = self.xy_A[voronoi.ridge_points].mean(axis=1)
        pairs = voronoi.ridge_points[self.inside(middles)].tolist()
        saddles = [Point("bridge", self.xy_A[pair].mean(axis=0), sorted(pair)) for pair in pairs]
        atoms = [Point("top", xy, self.nearest(xy)) for xy in self.within(self.xy_A)]
        hollows: list[Point] = []
        for point in vertices:
            known = any(self.distance_A(point, other) < 2 * TIE_A for other in hollows)
            if self.widest_gap(point) < np.pi - 0.05 and not known:
                hollows.append(point)
        bridges = [point for point in saddles if sorted(self.nearest(point.xy_A)) == point.supports]
        return [*atoms, *bridges, *hollows]

    def within(self, xy_A: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return those of the points (n, 2) that lie in the cell."""
        return xy_A[self.inside(xy_A)]

    def inside(self, xy_A: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which of the points (n, 2) lie in the cell, its lower edges included."""
        fractional = xy_A @ np.linalg.inv(self.cell) + 1e-4
        return np.asarray(((fractional >= 0) & (fractional < 1)).all(axis=1))

    def nearest(self, xy_A: NDArray[np.float64]) -> list[int]:
        """Return the atoms nearest to a point; those equally far all count."""
        return list(self.tree.query_ball_point(xy_A, self.tree.query(xy_A)[0] + TIE_A))

    def around(self, xy_A: NDArray[np.float64]) -> list[int]:
        """Return the three nearest atoms that span the plane."""
        order: list[int] = self.tree.query(xy_A, min(len(self.xy_A), 40))[1].tolist()
        first, second, *rest = order
        along = self.xy_A[second] - self.xy_A[first]
        for third in rest:
            arm = self.xy_A[third] - self.xy_A[first]
            if abs(along[0] * arm[1] - along[1] * arm[0]) > TIE_A * np.linalg.norm(along):
                return [first, second, third]
        return order[:3]

    def widest_gap(self, point: Point) -> float:
        """Return the widest angle between neighbouring supports; below π, they surround the point."""
        arms = self.xy_A[point.supports] - point.xy_A
        angles = np.sort(np.arctan2(arms[:, 1], arms[:, 0]))
        return float(np.diff([*angles, angles[0] + 2 * np.pi]).max())

    def distance_A(self, first: Point, second: Point) -> float:
        """Return how far apart two points are, as the nearest images have it."""
        return float(nearest_A(first.xy_A - second.xy_A, self.cell))
