"""Paths of an ion from site to site: which positions are neighbours, and a relaxed slab moved there by symmetry."""

from __future__ import annotations

from itertools import combinations_with_replacement, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import Voronoi

from iondrill.errors import UserError
from iondrill.geometry.constraints import fixed_directions
from iondrill.geometry.surfaces.nearest import coincide, nearest_cells
from iondrill.geometry.surfaces.symmetry import SAME_A, SurfaceSymmetry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.geometry.surfaces.sites import Site

    Floats = NDArray[np.float64]

NEAR = range(-2, 3)
"""Cells around the middle one in which neighbours are looked for."""
TIE_A = 0.01
"""Positions whose distances differ by less are equally near: more than rounding, less than any real difference."""


class Hop(NamedTuple):
    """The ends of a path between two positions in the plane, Cartesian, Å."""

    start_A: Floats
    end_A: Floats


def nearest_hops(slab: Atoms, start: Site, end: Site) -> list[Hop]:
    """Return the shortest paths from a site to positions of another, or of its own, kind; images are other positions.

    Parameters
    ----------
    slab : Atoms
        On which the sites were found.
    start, end : Site
        The paths begin at the start's own position, not at one of its equivalents.

    Returns
    -------
    list of Hop
        One at least; several where positions are equally near.
    """
    origin, positions = _position(slab, start), _positions(slab, end)
    apart = np.linalg.norm(positions - origin, axis=1)
    apart[apart < SAME_A] = np.inf
    return [Hop(origin, position) for position in positions[apart < apart.min() + TIE_A]]


def neighbours(slab: Atoms, sites: Sequence[Site]) -> list[tuple[str, str]]:
    """Return the pairs of kinds of sites that have neighbouring positions.

    Two positions are neighbours if their Voronoi cells in the plane share an edge: no third position is closer to the
    whole line between them.

    Parameters
    ----------
    slab : Atoms
        On which the sites were found.
    sites : sequence of Site
        All that an ion can stop at.

    Returns
    -------
    list of (str, str)
        Labels, in the order of `sites`; a kind is a neighbour of itself if two of its positions are.
    """
    positions = [_positions(slab, site) for site in sites]
    kinds = np.repeat(np.arange(len(sites)), [len(some) for some in positions])
    ridges = Voronoi(np.concatenate(positions)).ridge_points
    home = {kind: int(np.argmin(_away(positions, kinds, kind, slab, sites))) for kind in range(len(sites))}
    found = set()
    for one, other in ridges:
        for here, there in ((one, other), (other, one)):
            if home[kinds[here]] == here:
                found.add(tuple(sorted((int(kinds[here]), int(kinds[there])))))
    pairs = combinations_with_replacement(range(len(sites)), 2)
    return [(sites[a].label, sites[b].label) for a, b in pairs if (a, b) in found]


def moved_by_symmetry(relaxed: Atoms, built: Atoms, from_A: Floats, to_A: Floats) -> Atoms:
    """Move a relaxed slab with its ion by the operation of the bare slab that takes one position to another.

    Parameters
    ----------
    relaxed : Atoms
        Slab with ion, atom by atom the built slab and then the ion.
    built : Atoms
        The slab as built, which has the symmetry.
    from_A, to_A : (2,) array
        Equivalent positions in the plane.

    Returns
    -------
    Atoms
        Each atom of the slab at its built position, so that it can be compared atom by atom; the ion's image is the
        one nearest to `to_A`. Fixed atoms are exactly where they were.

    Raises
    ------
    UserError
        If no operation that keeps the cell does it.
    """
    for rotation, shift_A in _operations(built, from_A, to_A):
        order = _permutation(built, rotation, shift_A)
        if order is None:
            continue
        moved, n = relaxed.copy(), len(built)
        positions = relaxed.positions.copy()
        positions[:, :2] = positions[:, :2] @ rotation + shift_A
        positions[order] = positions[:n].copy()
        moved.set_positions(_images(positions, built, to_A), apply_constraint=True)
        return moved
    raise UserError.of(
        f"slab {built.get_chemical_formula()}",
        f"no symmetry of its cell takes {np.round(from_A, 2).tolist()} to {np.round(to_A, 2).tolist()} Å",
        "allowed: positions of one kind of site",
    )


def with_ion_image(atoms: Atoms, built: Atoms, ion_A: Floats) -> Atoms:
    """Return a slab with its ion in the image nearest to a position: `add_adsorbate` leaves it in the cell.

    Parameters
    ----------
    atoms : Atoms
        Slab with ion, atom by atom the built slab and then the ion.
    built : Atoms
        The slab as built.
    ion_A : (2,) array
        The position in the plane, in whichever cell.

    Returns
    -------
    Atoms
        The same crystal; the other atoms in the images nearest to where they were built, fixed ones exactly there.
    """
    moved = atoms.copy()
    moved.set_positions(_images(atoms.positions, built, ion_A), apply_constraint=True)
    return moved


def _position(slab: Atoms, site: Site) -> Floats:
    return np.asarray(np.asarray(site.xy) @ slab.cell.array[:2, :2])


def _positions(slab: Atoms, site: Site) -> Floats:
    """Return all positions of a kind in the cells around, (n, 2)."""
    images = np.array(list(product(NEAR, repeat=2)))
    fractional = site.fractions[:, None] + images
    return np.asarray(fractional.reshape(-1, 2) @ slab.cell.array[:2, :2])


def _away(positions: list[Floats], kinds: NDArray[np.int_], kind: int, slab: Atoms, sites: Sequence[Site]) -> Floats:
    """Return the distance of every position from the site's first one; infinite for those of other kinds."""
    distance = np.linalg.norm(np.concatenate(positions) - _position(slab, sites[kind]), axis=1)
    return np.asarray(np.where(kinds == kind, distance, np.inf))


def _operations(built: Atoms, from_A: Floats, to_A: Floats) -> list[tuple[Floats, Floats]]:
    """Return rotations (2, 2) and shifts (2,) that take a position to another and keep the cell; translations first."""
    symmetry, cell = SurfaceSymmetry(built), built.cell.array[:2, :2]
    found = []
    for rotation, shift_A in zip(symmetry.rotations, symmetry.shifts_A, strict=True):
        missing = to_A - from_A @ rotation - shift_A
        cells = np.rint(missing @ np.linalg.inv(symmetry.cell))
        turned = cell @ rotation @ np.linalg.inv(cell)
        if np.linalg.norm(missing - cells @ symmetry.cell) < SAME_A and np.allclose(turned, np.rint(turned), atol=1e-3):
            found.append((rotation, shift_A + cells @ symmetry.cell))
    return sorted(found, key=lambda operation: float(np.abs(operation[0] - np.eye(2)).sum()))


def _permutation(built: Atoms, rotation: Floats, shift_A: Floats) -> NDArray[np.int_] | None:
    """Return for each atom the index of the atom whose position it takes.

    None if an atom finds no position, or the position of one that is fixed otherwise.
    """
    cell = built.cell.array[:2, :2]
    goal = built.positions[:, :2] @ rotation + shift_A
    order: list[int] = []
    for position, height_A, number in zip(goal, built.positions[:, 2], built.numbers, strict=True):
        apart = (built.positions[:, :2] - position) @ np.linalg.inv(cell)
        same = (
            coincide(apart, cell, SAME_A) & (abs(built.positions[:, 2] - height_A) < SAME_A) & (built.numbers == number)
        )
        if same.sum() != 1:
            return None
        order.append(int(np.flatnonzero(same)[0]))
    fixed, frame = fixed_directions(built).astype(float), np.eye(3)
    frame[:2, :2] = rotation
    turned = np.einsum("ki,nk,kj->nij", frame, fixed, frame)
    return np.array(order) if np.allclose(turned, fixed[order][:, None] * np.eye(3), atol=1e-3) else None


def _images(positions: Floats, built: Atoms, ion_A: Floats) -> Floats:
    """Return the images (n, 3) nearest to where a slab's atoms were built, and of the ion nearest to a position."""
    cell, goal_A = built.cell.array[:2, :2], np.tile(ion_A, (len(positions), 1))
    goal_A[: len(built)] = built.positions[:, :2]
    apart_A = positions[:, :2] - goal_A
    moved = positions.copy()
    moved[:, :2] -= nearest_cells(apart_A, cell) @ cell
    return moved
