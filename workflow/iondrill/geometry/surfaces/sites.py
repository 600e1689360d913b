"""Adsorption sites: the critical points of the distance to the surface atoms, one of each symmetry class."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.errors import UserError
from iondrill.geometry.surfaces.nearest import nearest_A
from iondrill.geometry.surfaces.surface import Point, Surface
from iondrill.geometry.surfaces.symmetry import SurfaceSymmetry

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray


class Support(NamedTuple):
    """A surface atom that a site rests on."""

    atom: int
    """Index of the atom in the slab."""
    offset: tuple[int, int]
    """Cells from the atom to the image that is meant."""
    weight: float
    """The site is the weighted sum of its supports; the weights sum to 1."""


class Position(NamedTuple):
    """Where in the cell an ion can be put."""

    xy: tuple[float, float]
    """Fractional position in the cell of the slab it was found on."""
    supports: tuple[Support, ...]
    """The atoms that define it, so that the position follows when the slab relaxes."""


@dataclass(frozen=True)
class Site:
    """One of the symmetry-distinct sites for an adsorbate.

    Attributes
    ----------
    label : str
        Unique on its slab; lower-case letters, digits and hyphens.
    kind : str
        "top", "bridge" or "hollow": a minimum, saddle or maximum of the distance to the surface atoms; "given":
        wherever the user chooses.
    positions : tuple of Position
        All equivalent positions in the cell; first the one that is nearest to its middle, or given.
    """

    label: str
    kind: str
    positions: tuple[Position, ...]

    @property
    def xy(self) -> tuple[float, float]:
        """Fractional coordinates of the first position."""
        return self.positions[0].xy

    @property
    def fractions(self) -> NDArray[np.float64]:
        """Fractional coordinates (n, 2) of all positions."""
        return np.array([position.xy for position in self.positions])

    @property
    def multiplicity(self) -> int:
        """Number of equivalent positions in the cell of the slab."""
        return len(self.positions)


def find_sites(slab: Atoms) -> list[Site]:
    """Find the symmetry-distinct adsorption sites on top of a slab.

    The symmetry is the slab's own, as far as it keeps +z up, without the reconstruction of a second side.
    Neither the vacuum, nor the order of the atoms, nor the origin, nor the choice of the supercell matters.

    Parameters
    ----------
    slab : Atoms
        Periodic in x and y, surface normal +z; atoms of the fragment "adsorbate" are left out. Fractional positions
        by label in ``info["sites"]`` are sites, too.

    Returns
    -------
    list of Site
        Sorted by label.

    Raises
    ------
    UserError
        If a site of ``info`` has the label of one that was found.
    """
    slab = bare(slab)
    surface = Surface(slab)
    symmetry = SurfaceSymmetry(_one_sided(slab))
    classes: list[list[Point]] = []
    for point in surface.points():
        for members in classes:
            if members[0].kind == point.kind and symmetry.equivalent(members[0].xy_A, point.xy_A):
                members.append(point)
                break
        else:
            classes.append([point])

    named: dict[str, list[list[Point]]] = defaultdict(list)
    for members in classes:
        named[_name(members[0], surface, slab)].append(members)
    sites = []
    for name, several in named.items():
        several.sort(key=lambda members: -_crowding(members[0], surface, slab))
        for count, members in enumerate(several, start=1):
            label = name if len(several) == 1 else f"{name}-{count}"
            sites.append(_site(label, members, surface))
    for label, fractional in slab.info.get("sites", {}).items():
        if label in {site.label for site in sites}:
            raise UserError.of("sites", f"'{label}' is found by symmetry already", "allowed: another label")
        orbit_A = symmetry.orbit(np.array(fractional) @ surface.cell, surface.cell)
        points = [Point("given", xy_A, surface.around(xy_A)) for xy_A in orbit_A]
        sites.append(Site(label, "given", tuple(_position(point, surface) for point in points)))
    return sorted(sites, key=lambda site: site.label)


def bare(slab: Atoms) -> Atoms:
    """Return the slab without what is adsorbed on it."""
    if "fragment" not in slab.arrays:
        return slab
    return slab[slab.arrays["fragment"] != "adsorbate"]


def _one_sided(slab: Atoms) -> Atoms:
    """Return the slab without the outer layers of its back, where that is reconstructed as the top is."""
    z, tags = slab.positions[:, 2], slab.get_tags()
    if not slab.info.get("two_sided") or tags.max() < 2:
        return slab
    return slab[(z > z.mean()) | (tags > 2)]


def lateral_A(slab: Atoms, xy_A: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lateral distance (n,) of every atom's nearest image from a point."""
    return nearest_A(slab.positions[:, :2] - xy_A, slab.cell.array[:2, :2])


def _crowding(point: Point, surface: Surface, slab: Atoms) -> float:
    """Return a number that distinguishes sites of one name: how close the atoms around and beneath are."""
    depth_A = slab.positions[:, 2].max() + 1.0 - slab.positions[:, 2]
    images_A = slab.positions[:, None, :2] + surface.offsets @ surface.cell - point.xy_A
    squares = (images_A**2).sum(axis=2) + depth_A[:, None] ** 2
    return float(np.exp(-squares / 4).sum())


def _name(point: Point, surface: Surface, slab: Atoms) -> str:
    """Name a site as the field does, by the bonds between surface atoms: one each in dimers, two in chains."""
    supports = point.supports
    motif = min(len(surface.bonded_neighbours(atom)) for atom in supports)
    pairs = [(a, b) for a in supports for b in supports if a < b and surface.bonded(a, b)]
    if motif == 1:
        if point.kind == "hollow":
            return "pedestal" if pairs else "cave"
        if point.kind == "bridge" and not pairs:
            (partner, *_) = surface.bonded_neighbours(supports[0])
            axis, arm = (surface.xy_A[other] - surface.xy_A[supports[0]] for other in (partner, supports[1]))
            along = abs(axis @ arm) > 0.7 * np.linalg.norm(axis) * np.linalg.norm(arm)
            return "valley-bridge" if along else "shallow"
    elif motif == 2:
        if point.kind == "hollow":
            return "trough"
        return f"chain-{point.kind}" if pairs or point.kind == "top" else "trough-bridge"
    elif len(supports) == 3 and surface.widest_gap(point) < 0.7 * np.pi:
        beneath_A = slab.positions[lateral_A(slab, point.xy_A) < 0.3, 2]
        depths_A = surface.anchor_A[supports, 2].mean() - beneath_A
        return "t4" if (depths_A < 1.2).any() else "h3"
    return point.kind


def _site(label: str, members: list[Point], surface: Surface) -> Site:
    """Make a site of the members of its class, the one that is nearest to the middle of the cell first."""
    inverse = np.linalg.inv(surface.cell)

    def rank(point: Point) -> tuple[float, ...]:
        fractional = point.xy_A @ inverse
        return (round(float(abs(fractional - 0.5).max()), 3), *fractional.round(3))

    members = sorted(members, key=rank)
    return Site(label, members[0].kind, tuple(_position(point, surface) for point in members))


def _position(point: Point, surface: Surface) -> Position:
    """Make a position of a point: the least weights of its supports whose sum it is."""
    supports = np.vstack([surface.xy_A[point.supports].T, np.ones(len(point.supports))])
    weights = np.linalg.lstsq(supports, [*point.xy_A, 1.0], rcond=None)[0]
    x, y = point.xy_A @ np.linalg.inv(surface.cell)
    return Position(
        (float(x), float(y)),
        tuple(
            Support(int(surface.index[atom]), (int(i), int(j)), float(weight))
            for atom, (i, j), weight in zip(point.supports, surface.offset[point.supports], weights, strict=True)
        ),
    )
