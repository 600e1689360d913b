"""Pieces cut out of a frame and saturated with hydrogen, so that a label costs less than of the whole."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from scipy.spatial import ConvexHull

from iondrill.geometry.labels import FACING, SHEETS, set_fragment
from iondrill.geometry.saturation import CH_A, bonded

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LARGEST_RING = 6
CLASH_A = 1.5
"""Hydrogens of two cut bonds do not come nearer to each other than this: then the atoms cut off stay."""


def rings_of(neighbours: list[set[int]], longest: int = LARGEST_RING) -> list[frozenset[int]]:
    """Return the smallest rings: for each pair of bonds at an atom the shortest cycles through both.

    Parameters
    ----------
    neighbours : list of set of int
        Of each atom.
    longest : int
        Rings of more atoms do not count.
    """
    rings: set[frozenset[int]] = set()
    for middle, around in enumerate(neighbours):
        ordered = sorted(around)
        for first in ordered:
            for last in ordered:
                if first < last:
                    rings |= _shortest(neighbours, middle, first, last, longest)
    return sorted(rings, key=sorted)


def _shortest(neighbours: list[set[int]], middle: int, first: int, last: int, longest: int) -> set[frozenset[int]]:
    """Return the shortest cycles first–middle–last, as sets of atoms."""
    paths, found = deque[tuple[int, ...]]([(first,)]), set[frozenset[int]]()
    least = longest
    while paths:
        path = paths.popleft()
        if len(path) + 1 > least:
            break
        for step in neighbours[path[-1]]:
            if step == last:
                least = min(len(path) + 2, least)
                if len(path) + 2 <= least:
                    found.add(frozenset((*path, middle, last)))
            elif step != middle and step not in path and len(path) + 2 < least:
                paths.append((*path, step))
    return found


def cut(atoms: Atoms, centre_A: ArrayLike, most: int) -> Atoms:
    """Cut a piece round a point, and put hydrogen where bonds were cut.

    The carbons are taken by their distance from the point, whole rings at a time: a ring that is in part inside is
    taken whole or not at all, so that no broken ring is left. A carbon in no ring comes with its neighbours. Hydrogen
    goes with its carbon, an ion with the carbons about it. An atom outside that is bonded to two inside is taken too.

    Parameters
    ----------
    atoms : Atoms
        Not periodic, with the array fragment.
    centre_A : (3,) array_like
        Å.
    most : int
        Number of atoms, hydrogens included, that is not exceeded unless the first ring alone does.

    Returns
    -------
    Atoms
        Without a cell; arrays fragment, ``cap`` (True for the hydrogens added) and ``parent`` (index in `atoms`, of a
        hydrogen added that of the atom it replaces).
    """
    neighbours = bonded(atoms)
    carbon = np.flatnonzero(atoms.numbers == 6)
    distance = np.linalg.norm(atoms.positions - np.asarray(centre_A, dtype=float), axis=1)
    heavy = [{j for j in around if atoms.numbers[j] != 1} for around in neighbours]
    units: list[frozenset[int]] = rings_of(heavy)
    in_ring = set().union(*units) if units else set()
    units += [frozenset({i}) for i in carbon.tolist() if i not in in_ring]
    units.sort(key=lambda unit: (float(np.mean(distance[list(unit)])), sorted(unit)))
    kept: set[int] = set()
    for unit in units:
        grown = _closed(atoms, heavy, kept | unit)
        if kept and _size(atoms, neighbours, grown, distance) > most:
            if len(kept | unit) >= most:
                break
            continue
        kept = grown
    return _capped(atoms, neighbours, _with_others(atoms, neighbours, kept, distance))


def _closed(atoms: Atoms, heavy: list[set[int]], kept: set[int]) -> set[int]:
    """Add atoms that are bonded to two inside, and those whose stand-ins would clash."""
    kept = set(kept)
    while True:
        bridges = {j for i in kept for j in heavy[i] if j not in kept and len(heavy[j] & kept) > 1}
        if not bridges:
            bridges = _clashing(atoms, heavy, kept)
        if not bridges:
            return kept
        kept |= bridges


def _clashing(atoms: Atoms, heavy: list[set[int]], kept: set[int]) -> set[int]:
    """Return atoms outside whose stand-ins would come too near to each other."""
    cuts = [(i, j) for i in sorted(kept) for j in sorted(heavy[i] - kept)]
    if len(cuts) < 2:
        return set()
    positions = np.array([_stand_in(atoms, i, j) for i, j in cuts])
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=2) + 10 * np.eye(len(cuts))
    # two on one carbon are those of a CH2 group, however near
    same = np.array([[a[0] == b[0] for b in cuts] for a in cuts])
    first, _ = np.nonzero((apart < CLASH_A) & ~same)
    return {cuts[int(k)][1] for k in first}


def _with_others(atoms: Atoms, neighbours: list[set[int]], kept: set[int], distance: NDArray[np.float64]) -> set[int]:
    """Add the hydrogens of the carbons inside, and ions that are nearer to those than to the ones outside."""
    found = kept | {j for i in kept for j in neighbours[i] if atoms.numbers[j] == 1}
    carbon = np.flatnonzero(atoms.numbers == 6)
    for ion in np.flatnonzero(~np.isin(atoms.numbers, (1, 6, 14))).tolist():
        apart = np.linalg.norm(atoms.positions[carbon] - atoms.positions[ion], axis=1)
        about = carbon[np.argsort(apart, kind="stable")[:6]].tolist()
        if sum(i in kept for i in about) >= 4 or (not carbon.size and distance[ion] < np.inf):
            found.add(ion)
    return found


def _size(atoms: Atoms, neighbours: list[set[int]], kept: set[int], distance: NDArray[np.float64]) -> int:
    """Return how many atoms a piece would have."""
    whole = _with_others(atoms, neighbours, kept, distance)
    return len(whole) + sum(len(neighbours[i] - whole) for i in whole)


def _stand_in(atoms: Atoms, inside: int, outside: int) -> NDArray[np.float64]:
    """Return the position of the hydrogen that replaces an atom outside."""
    bond = atoms.positions[outside] - atoms.positions[inside]
    return np.asarray(atoms.positions[inside] + CH_A * bond / np.linalg.norm(bond))


def _capped(atoms: Atoms, neighbours: list[set[int]], kept: set[int]) -> Atoms:
    """Return the piece with its hydrogens."""
    order = sorted(kept)
    fragment = atoms.arrays["fragment"]
    piece = Atoms(atoms.numbers[order], positions=atoms.positions[order])
    labels, parents = fragment[order].tolist(), list(order)
    cuts = [(i, j) for i in order for j in sorted(neighbours[i] - kept)]
    for i, j in cuts:
        piece += Atoms("H", positions=[_stand_in(atoms, i, j)])
        labels.append(fragment[i])
        parents.append(j)
    set_fragment(piece, labels)
    piece.set_array("cap", np.arange(len(piece)) >= len(order))
    piece.set_array("parent", np.array(parents))
    return piece


def in_least_box(atoms: Atoms, vacuum_A: float) -> Atoms:
    """Return an isolated structure turned so that its box is small, and centred in it.

    The box is `vacuum_A` wider than the atoms along each axis. One axis is taken along the normal of each face of the
    convex hull, the others are turned about it in steps of 3°: the cost of a label goes with the volume.

    Parameters
    ----------
    atoms : Atoms
        Not periodic.
    vacuum_A : float
        Å.
    """
    centred = atoms.positions - atoms.positions.mean(axis=0)
    best, volume = np.eye(3), np.inf
    # joggled: flat pieces have a hull, too
    faces = ConvexHull(centred, qhull_options="QJ").equations[:, :3] if len(atoms) > 4 else np.eye(3)
    for z in faces:
        aside = np.cross(z, np.eye(3)[np.abs(z).argmin()])
        x, y = aside / np.linalg.norm(aside), np.cross(z, aside / np.linalg.norm(aside))
        for angle in np.radians(np.arange(0, 90, 3)):
            axes = np.array([np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x, z])
            found = float(np.prod(np.ptp(centred @ axes.T, axis=0) + vacuum_A))
            if found < volume - 1e-6:
                best, volume = axes, found
    turned = atoms.copy()
    turned.positions = centred @ best.T
    turned.set_cell(np.ptp(turned.positions, axis=0) + vacuum_A)
    turned.center()
    return turned


def contact_of(atoms: Atoms, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the point that a piece is cut round, Å.

    Of nanodiamond and flake it is the middle of a contact, else an ion, else the middle between carbons of two layers,
    else a carbon.

    Parameters
    ----------
    atoms : Atoms
        With the array fragment.
    rng : Generator
        Draws among the eight closest pairs, the ions, or the carbons.
    """
    fragment, carbon = atoms.arrays["fragment"], atoms.numbers == 6
    diamond, flake = np.flatnonzero(fragment == "nd"), np.flatnonzero(np.isin(fragment, SHEETS))
    if len(diamond) and len(flake):
        return _between(atoms, diamond, flake, rng, 8)
    if len(ions := np.flatnonzero(fragment == "ion")):
        return np.asarray(atoms.positions[int(rng.choice(ions))])
    lower, upper = (np.flatnonzero(carbon & (fragment == layer)) for layer in FACING)
    if len(lower) and len(upper):
        return _between(atoms, lower, upper, rng, min(len(lower), len(upper)))
    return np.asarray(atoms.positions[int(rng.choice(np.flatnonzero(carbon)))])


def centres_of(atoms: Atoms, count: int, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Return the points that pieces of one frame are cut round, Å.

    The first is that of `contact_of`; then come in turn a carbon of the nanodiamond, an ion, and a contact again, as
    far as there are such.

    Parameters
    ----------
    atoms : Atoms
        With the array fragment.
    count : int
        Points.
    rng : Generator
        Draws the atoms and contacts.
    """
    fragment = atoms.arrays["fragment"]
    groups = [np.flatnonzero((fragment == "nd") & (atoms.numbers == 6)), np.flatnonzero(fragment == "ion")]
    drawn = [group for group in groups if len(group)]
    found = [contact_of(atoms, rng)]
    for number in range(count - 1):
        which = number % (len(drawn) + 1)
        again = which == len(drawn)
        found.append(contact_of(atoms, rng) if again else atoms.positions[int(rng.choice(drawn[which]))].copy())
    return found


def _between(
    atoms: Atoms, first: NDArray[np.intp], second: NDArray[np.intp], rng: np.random.Generator, pairs: int
) -> NDArray[np.float64]:
    """Return the middle of one of the closest pairs of two groups of atoms."""
    apart = np.linalg.norm(atoms.positions[first, None] - atoms.positions[None, second], axis=2)
    chosen = int(rng.choice(np.argsort(apart, axis=None, kind="stable")[:pairs]))
    i, j = np.unravel_index(chosen, apart.shape)
    return np.asarray((atoms.positions[first[i]] + atoms.positions[second[j]]) / 2)
