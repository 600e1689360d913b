"""Nanodiamonds: cuts out of the diamond lattice."""

from __future__ import annotations

from collections import Counter
from itertools import permutations, product
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from iondrill.errors import Problem, UserError
from iondrill.geometry.labels import set_fragment
from iondrill.geometry.saturation import saturated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iondrill.geometry.recipes import ClusterRecipe, HalfSpaces
    from iondrill.geometry.surfaces.facet import Miller

CENTRES = {
    "atom": (0.0, 0.0, 0.0),
    "bond": (0.125, 0.125, 0.125),
    "cage": (0.5, 0.5, 0.5),
    "hexagon": (0.625, 0.625, 0.625),
}
"""Named points of the lattice, in units of the lattice constant; an atom lies at the origin."""

BASIS = np.array([[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0], [1, 1, 1], [1, 3, 3], [3, 1, 3], [3, 3, 1]]) / 4
MOST_SITES = 1_000_000
MEET_A = 1.5
"""Hydrogens of two CH2 groups that share a neighbour are 1.8 Å apart; those nearer stand for one bond twice."""
TOLERANCE_A = 1e-6


def build_cluster(recipe: ClusterRecipe) -> Atoms:
    """Cut a cluster out of diamond.

    The crystal axes are the Cartesian axes, and the centre of the cut is the origin. An atom lies at
    (0, 0, 0) of the lattice and its neighbours at (1, 1, 1)/4, (1, -1, -1)/4, (-1, 1, -1)/4 and (-1, -1, 1)/4.

    Parameters
    ----------
    recipe : ClusterRecipe
        Centre, radius and planes of the cut, and what it promises to give.

    Returns
    -------
    Atoms
        Carbon without a cell, ordered by the distance from the centre, and hydrogen if wanted; fragment "nd".

    Raises
    ------
    UserError
        If the cut is far too large, does not hold the promised number of atoms or coordination, or has hydrogens that
        meet.
    """
    named = CENTRES[recipe.centre] if isinstance(recipe.centre, str) else recipe.centre
    centre = np.array(named) % 1 * recipe.lattice_A
    normals, offsets = _planes(recipe.half_spaces)
    points = _lattice(recipe.lattice_A, _reach(recipe), centre)
    inside = (points @ normals.T <= offsets + TOLERANCE_A).all(axis=1)
    if recipe.radius_A is not None:
        inside &= np.linalg.norm(points, axis=1) <= recipe.radius_A + TOLERANCE_A
    points = points[inside]
    if recipe.drop_singly_bonded:
        points = points[_coordination(points, recipe.lattice_A) != 1]
    _keep_promise(recipe, Counter(_coordination(points, recipe.lattice_A).tolist()))
    keys = np.round(np.column_stack([points[:, ::-1], np.linalg.norm(points, axis=1)]), 6)
    atoms = Atoms("C" * len(points), positions=points[np.lexsort(keys.T)])
    set_fragment(atoms, "nd")
    return _hydrogenated(atoms) if recipe.hydrogenated else atoms


def _hydrogenated(cut: Atoms) -> Atoms:
    """Return a cut with hydrogen on its dangling bonds, unless two of them meet."""
    whole = saturated(cut)
    hydrogen = whole.positions[whole.numbers == 1]
    apart = np.linalg.norm(hydrogen[:, None] - hydrogen[None], axis=2)[np.triu_indices(len(hydrogen), 1)]
    if len(apart) and apart.min() < MEET_A:
        found = f"two hydrogens, of neighbours on a {{100}} facet, are {apart.min():.2f} Å apart"
        raise UserError.of("hydrogenated", found, f"allowed: a cut whose hydrogens are {MEET_A} Å apart or more")
    return whole


def family(miller: Miller, *, inversion: bool) -> NDArray[np.float64]:
    """Return the unit normals of all members of a family of planes.

    Without inversion these are the members by the point group of a diamond site, Td: all orders of the
    indices and all even changes of sign, so that {111} and {-1-1-1} are two families of four. With inversion
    they are the members by Oh.

    Parameters
    ----------
    miller : tuple of int
        Indices of one member.
    inversion : bool
        Whether to add the opposite normals.

    Returns
    -------
    ndarray, shape (n, 3)
        Unit vectors, sorted.
    """
    even = [signs for signs in product((1, -1), repeat=3) if np.prod(signs) == 1]
    members = {tuple(np.multiply(signs, order).tolist()) for order in permutations(miller) for signs in even}
    if inversion:
        members |= {(-first, -second, -third) for first, second, third in members}
    normals = np.array(sorted(members), dtype=float)
    return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True))


def _planes(half_spaces: list[HalfSpaces]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return normals (n, 3) and distances (n,) of all planes."""
    normals, offsets = [np.empty((0, 3))], [np.empty(0)]
    for planes in half_spaces:
        members = family(planes.family, inversion=planes.inversion)
        normals.append(members)
        offsets.append(np.full(len(members), planes.distance_A))
    return np.vstack(normals), np.concatenate(offsets)


def _reach(recipe: ClusterRecipe) -> float:
    """Return a distance from the centre, in Å, beyond which the cut holds nothing.

    The N unit normals n of a family add up to zero, and their squares to N/3: from n·x ≤ d for each follows
    |x| ≤ √(3(N-1)) d, which the corners of the {111} tetrahedron attain.
    """
    reach_A = [] if recipe.radius_A is None else [recipe.radius_A]
    for planes in recipe.half_spaces:
        members = len(family(planes.family, inversion=planes.inversion))
        reach_A.append(sqrt(3 * (members - 1)) * planes.distance_A)
    edge = 2 * min(reach_A) / recipe.lattice_A
    sites = 8.0 * edge * edge * edge
    if sites > MOST_SITES:
        raise UserError.of(
            "half_spaces" if recipe.half_spaces else "radius_A",
            f"the box around the cut holds {sites:.3g} lattice sites",
            f"allowed: at most {MOST_SITES}",
        )
    return min(reach_A)


def _lattice(lattice_A: float, reach_A: float, centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sites of the diamond lattice about the centre and seen from it, shape (n, 3) in Å."""
    first = np.floor((centre - reach_A) / lattice_A).astype(int) - 1
    last = np.ceil((centre + reach_A) / lattice_A).astype(int) + 1
    cells = np.stack(np.meshgrid(*map(np.arange, first, last), indexing="ij"), axis=-1).reshape(-1, 1, 3)
    return np.asarray((cells + BASIS).reshape(-1, 3) * lattice_A - centre)


def _coordination(points: NDArray[np.float64], lattice_A: float) -> NDArray[np.int_]:
    """Return the number of neighbours of each point (n, 3) of a diamond lattice, shape (n,).

    Neighbours differ by a quarter of the lattice constant along each axis, up or down; no other sites do.
    """
    if not len(points):
        return np.empty(0, dtype=int)
    quarters = np.rint(4 / lattice_A * (points - points[0])).astype(int)
    width = 2 * int(abs(quarters).max()) + 3
    number = np.array([width * width, width, 1])
    numbers, steps = quarters @ number, np.array(list(product((-1, 1), repeat=3))) @ number
    return np.asarray(sum(np.isin(numbers + step, numbers).astype(int) for step in steps))


def _keep_promise(recipe: ClusterRecipe, coordination: Counter[int]) -> None:
    """Raise a UserError unless the cut holds what the recipe expects."""
    problems = []
    if coordination.total() != recipe.expect_atoms:
        problems.append(
            Problem("expect_atoms", f"the cut holds {coordination.total()} atoms", f"expected: {recipe.expect_atoms}")
        )
    if recipe.expect_coordination and dict(coordination) != recipe.expect_coordination:
        problems.append(
            Problem(
                "expect_coordination",
                f"the cut has {dict(sorted(coordination.items()))} atoms by number of neighbours",
                f"expected: {dict(sorted(recipe.expect_coordination.items()))}",
            )
        )
    if problems:
        raise UserError(*problems)
