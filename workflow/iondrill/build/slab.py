"""Diamond slabs: a cut along any plane, a reconstructed top, hydrogen on the dangling bonds."""

from __future__ import annotations

from itertools import product
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms

from iondrill.build.bonds import find_bonds
from iondrill.build.reconstruct import RECONSTRUCT
from iondrill.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iondrill.build.recipes import FacetRecipe, Miller

CH_A = 1.09

# The lattice in units of a/4, so that all of it is in whole numbers: sublattice A at the points of the fcc
# lattice, B displaced by (1, 1, 1). An A atom has its neighbours at TETRAHEDRON, a B atom at -TETRAHEDRON.
FCC = np.array([[0, 2, 2], [2, 0, 2], [2, 2, 0]])
TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
SUBLATTICES = ("A", "B")


class Plane(NamedTuple):
    """One atom of each 1×1 cell: its position (in a/4) and its height ``position · miller``."""

    height: int
    sublattice: str
    position: NDArray[np.int_]


def build_slab(recipe: FacetRecipe) -> Atoms:
    """Build the slab of a facet.

    Parameters
    ----------
    recipe : FacetRecipe
        Miller indices, reconstruction, termination and size.

    Returns
    -------
    Atoms
        Periodic, surface normal +z, first edge along x. The C atoms from the back to the top, then the H of
        the back, then the H of the top. Tags count the C layers from 1 at the top; H has the tag of its C.
        The back is saturated with H and fixed (FixAtoms). Fragment "slab".

    Raises
    ------
    UserError
        If the number of layers leaves singly bonded atoms at the back.
    """
    slab = cut_diamond(recipe.miller, recipe.layers, recipe.lattice_A)
    slab = slab.repeat((*recipe.cell, 1))
    slab = slab[np.lexsort((*np.round(slab.positions.T[:2], 3), -slab.get_tags()))]
    slab.pbc = (True, True, False)
    middle_A = slab.positions[:, 2].mean()
    if _coordination(slab).min() < 2:
        raise UserError.of(
            "layers",
            f"{recipe.layers} layers of {list(recipe.miller)} leave singly bonded C at the back",
            f"use {recipe.layers + 1}",
        )
    hydrogenate(slab, np.flatnonzero(slab.positions[:, 2] < middle_A))
    RECONSTRUCT[recipe.reconstruction](slab, recipe.hydrogenated)
    if recipe.hydrogenated:
        hydrogenate(slab, np.flatnonzero(slab.positions[:, 2] > middle_A))
    slab.center(vacuum=recipe.vacuum_A / 2, axis=2)
    slab.pbc = True
    slab.wrap(eps=1e-6)
    slab.set_constraint(FixAtoms(mask=slab.get_tags() > recipe.layers - recipe.fixed_layers))
    slab.arrays["fragment"] = np.full(len(slab), "slab")
    slab.info = {}
    return slab


def cut_diamond(miller: Miller, layers: int, lattice_A: float) -> Atoms:
    """Cut the 1×1 cell of a slab out of diamond.

    The edges are the two shortest lattice vectors of the plane. Of the two planes that can be on top, the
    one with fewer dangling bonds is: the shuffle plane of (111).

    Parameters
    ----------
    miller : tuple of int
        Indices without a common divisor.
    layers : int
        Planes of different height.
    lattice_A : float
        Cubic lattice constant.

    Returns
    -------
    Atoms
        The C atoms, tags counting the layers from 1 at the top, with a cell as high as the slab.
    """
    normal = np.array(miller)
    tops = [_planes(normal, layers, top) for top in SUBLATTICES]
    planes = min(tops, key=lambda planes: len(_dangling(planes, normal)))
    edges = _edges(normal, _dangling(planes, normal))
    x = edges[0] / np.linalg.norm(edges[0])
    z = normal / np.linalg.norm(normal)
    frame = np.array([x, np.cross(z, x), z])
    heights = sorted({plane.height for plane in planes}, reverse=True)
    positions = np.array([plane.position for plane in planes]) @ frame.T * lattice_A / 4
    cell = np.zeros((3, 3))
    cell[:2] = edges @ frame.T * lattice_A / 4
    cell[2, 2] = np.ptp(positions[:, 2]) + lattice_A
    atoms = Atoms(
        f"C{len(planes)}",
        positions=positions,
        cell=cell,
        pbc=(True, True, False),
        tags=[heights.index(plane.height) + 1 for plane in planes],
    )
    atoms.wrap(eps=1e-6)
    return atoms


def hydrogenate(atoms: Atoms, candidates: NDArray[np.int_]) -> None:
    """Put H on every dangling bond of four-valent atoms that have two or three neighbours, in place.

    Three neighbours leave one direction, against the sum of their bonds; two leave the two that complete
    the tetrahedron. On a bulk cut these are the cut bonds.

    Parameters
    ----------
    atoms : Atoms
        The slab; the H atoms are appended, each with the tag of its neighbour.
    candidates : (n,) int array
        Indices of the atoms that may get H.
    """
    bonds = find_bonds(atoms)
    for index in candidates:
        around = bonds.select(bonds.first == index)
        for direction in _missing(around.vector_A / around.length_A[:, None]):
            atoms += Atoms("H", [atoms.positions[index] + CH_A * direction], tags=[atoms.get_tags()[index]])


def _missing(units: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the unit vectors (m, 3) that complete two or three bonds (n, 3) to a tetrahedron."""
    back = -units.sum(axis=0)
    back /= np.linalg.norm(back) or 1.0
    if len(units) == 3:
        return np.array([back])
    if len(units) == 2:
        side = np.cross(*units)
        side /= np.linalg.norm(side)
        return np.array([(back + sign * np.sqrt(2) * side) / np.sqrt(3) for sign in (1, -1)])
    return np.empty((0, 3))


def _coordination(atoms: Atoms) -> NDArray[np.int_]:
    count: NDArray[np.int_] = np.bincount(find_bonds(atoms).first, minlength=len(atoms))
    return count


def _lattice_vectors(normal: NDArray[np.int_]) -> NDArray[np.int_]:
    """Return the fcc vectors (n, 3) around the origin, in a/4, as far as a step along `normal` needs."""
    reach = range(-2 * abs(normal).max(), 2 * abs(normal).max() + 1)
    vectors: NDArray[np.int_] = np.array(list(product(reach, repeat=3))) @ FCC
    return np.array(vectors[vectors.any(axis=1)])


def _planes(normal: NDArray[np.int_], layers: int, top: str) -> list[Plane]:
    """Return the planes of the highest `layers` heights, with an atom of `top` at the origin."""
    step = gcd(*(FCC @ normal))
    down = _lattice_vectors(normal)
    down = min(down[down @ normal == -step].tolist(), key=lambda vector: (np.dot(vector, vector), vector))
    planes = []
    for sublattice in SUBLATTICES:
        shift = (SUBLATTICES.index(sublattice) - SUBLATTICES.index(top)) * np.array([1, 1, 1])
        first = -(-int(shift @ normal) // step)  # steps down to the first plane not above the origin
        for count in range(first, first + layers):
            position = shift + count * np.array(down)
            planes.append(Plane(int(position @ normal), sublattice, position))
    lowest = sorted({plane.height for plane in planes}, reverse=True)[layers - 1]
    return sorted((plane for plane in planes if plane.height >= lowest), key=lambda plane: -plane.height)


def _dangling(planes: list[Plane], normal: NDArray[np.int_]) -> list[NDArray[np.int_]]:
    """Return the bonds (in a/4) that the cut above the highest plane breaks."""
    bonds = ((plane, sign * TETRAHEDRON) for plane in planes for sign in [1 if plane.sublattice == "A" else -1])
    return [bond for plane, four in bonds for bond in four if plane.height + bond @ normal > 0]


def _edges(normal: NDArray[np.int_], dangling: list[NDArray[np.int_]]) -> NDArray[np.int_]:
    """Return the two shortest lattice vectors (2, 3) of the plane, in a/4.

    Right-handed about the normal and, where there is a choice, with an obtuse angle between them and the
    first along the dangling bonds, as the dimers of (100) have it.
    """
    vectors = _lattice_vectors(normal)
    vectors = vectors[vectors @ normal == 0]
    lengths = (vectors**2).sum(axis=1)
    shortest = vectors[lengths == lengths.min()]

    def rank(pair: tuple[NDArray[np.int_], NDArray[np.int_]]) -> tuple[float, ...]:
        first, second = pair
        along = sum(abs(bond @ first) for bond in dangling)
        return second @ second, first @ second > 0, abs(first @ second), -along, *-first, *-second

    return np.array(min((pair for pair in product(shortest, vectors) if np.linalg.det([*pair, normal]) > 0), key=rank))
