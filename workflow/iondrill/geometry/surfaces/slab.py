"""Slabs: a crystal cut along any plane, a reconstructed top, hydrogen on the dangling bonds."""

from __future__ import annotations

from itertools import product
from math import gcd
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from ase.data import atomic_numbers, covalent_radii

from iondrill.errors import UserError
from iondrill.geometry.bonds import BOND_SCALE, find_bonds
from iondrill.geometry.surfaces.facet import site_fractions
from iondrill.geometry.surfaces.lattices import bulk, crystals
from iondrill.geometry.surfaces.reconstruct import RECONSTRUCT
from iondrill.geometry.surfaces.two_sided import find_flip

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iondrill.geometry.surfaces.facet import FacetRecipe, Miller
    from iondrill.geometry.surfaces.lattices import Bulk


class Plane(NamedTuple):
    """One atom of each 1×1 cell: its position and height ``position · miller``, in the crystal's whole numbers."""

    height: int
    kind: int
    """Index of the atom in the basis."""
    position: NDArray[np.int_]


def build_slab(recipe: FacetRecipe) -> Atoms:
    """Build the slab of a facet.

    Parameters
    ----------
    recipe : FacetRecipe
        Crystal, Miller indices, reconstruction, termination and size.

    Returns
    -------
    Atoms
        Periodic, surface normal +z, first edge along x. The atoms from the back to the top, then the H of
        the back, then the H of the top. Tags count the layers from 1 at the top; H has the tag of its neighbour.
        The back is saturated with H and fixed (FixAtoms). Fragment "slab". If two-sided, the back is the image of
        the top, tags count from both sides, and the middle is fixed.

    Raises
    ------
    UserError
        If the number of layers leaves singly bonded atoms at the back or no equivalent sides, or the lattice
        constants no bonds.
    """
    crystal = bulk(recipe.crystal, recipe.element, recipe.lattice_A, recipe.c_A)
    _check_bonds(crystal)
    slab = cut(crystal, recipe.miller, recipe.layers)
    slab = slab.repeat((*recipe.cell, 1))
    square(slab)
    slab = slab[np.lexsort((*np.round(slab.positions.T[:2], 3), -slab.get_tags()))]
    slab.pbc = (True, True, False)
    middle_A = slab.positions[:, 2].mean()
    if _coordination(slab).min() < 2:
        raise UserError.of(
            "layers",
            f"{recipe.layers} layers of {list(recipe.miller)} leave singly bonded {recipe.element} at the back",
            f"use {recipe.layers + 1}",
        )
    valence, uncut = len(crystal.bonds[0]), slab.copy()
    if not recipe.two_sided:
        hydrogenate(slab, np.flatnonzero(slab.positions[:, 2] < middle_A), valence)
    RECONSTRUCT[recipe.reconstruction](slab, recipe)
    if recipe.hydrogenated:
        hydrogenate(slab, np.flatnonzero(slab.positions[:, 2] > middle_A), valence)
    if recipe.two_sided:
        _mirror(slab, uncut, recipe.layers)
    slab.center(vacuum=recipe.vacuum_A / 2, axis=2)
    slab.pbc = True
    slab.wrap(eps=1e-6)
    free = (recipe.layers - recipe.fixed_layers + recipe.two_sided) // (1 + recipe.two_sided)
    slab.set_constraint(FixAtoms(mask=slab.get_tags() > free))
    slab.arrays["fragment"] = np.full(len(slab), "slab")
    slab.info = {
        **({"sites": site_fractions(recipe.sites, slab.cell.array)} if recipe.sites else {}),
        **({"two_sided": True} if recipe.two_sided else {}),
    }
    return slab


def _mirror(slab: Atoms, cut_slab: Atoms, layers: int) -> None:
    """Make the lower half of a slab the image of its upper half, in place, by an operation of the cut.

    Parameters
    ----------
    slab : Atoms
        With its top as it shall be: the atoms of the cut, then H on the top.
    cut_slab : Atoms
        As it was cut.
    layers : int
        Of the cut.
    """
    flip = find_flip(cut_slab)
    if flip is None:
        raise UserError.of("two_sided", f"the sides of {layers} layers are not equivalent", f"try {layers + 1}")
    tags = slab.get_tags()
    lower = np.flatnonzero(tags[: len(cut_slab)] * 2 > layers + 1)
    hydrogen = slab[len(cut_slab) :]
    slab.positions[lower] = flip.apply(slab.positions[flip.image[lower]])
    slab += Atoms("H" * len(hydrogen), flip.apply(hydrogen.positions), tags=hydrogen.get_tags())
    slab.set_tags(np.minimum(slab.get_tags(), layers + 1 - slab.get_tags()))


def _check_bonds(crystal: Bulk) -> None:
    """Raise a UserError unless the neighbours of the crystal, and no other atoms, are close enough to be bonded."""
    reach_A = 2 * BOND_SCALE * covalent_radii[atomic_numbers[crystal.element]]
    lengths_A = np.array([np.linalg.norm(bonds @ crystal.to_A, axis=1) for bonds in crystal.bonds])
    around = np.array(list(product((-1, 0, 1), repeat=3))) @ crystal.primitive
    all_A = np.linalg.norm((around[:, None] + crystal.basis).reshape(-1, 3) @ crystal.to_A, axis=1)
    if np.ptp(lengths_A) > 1e-6 or lengths_A.max() > reach_A or (all_A < reach_A).sum() != lengths_A.shape[1] + 1:
        raise UserError.of(
            "lattice_A",
            f"neighbours in the crystal of {crystal.element} are {lengths_A.max():.2f} Å apart",
            f"allowed: bonds shorter than {reach_A:.2f} Å, to the neighbours alone",
        )


def cut(crystal: Bulk, miller: Miller, layers: int) -> Atoms:
    """Cut the 1×1 cell of a slab out of a crystal.

    The edges are the two shortest lattice vectors of the plane. Of the planes that can be on top, the one with
    the fewest dangling bonds is: the shuffle plane of (111) of diamond.

    Parameters
    ----------
    crystal : Bulk
        The crystal.
    miller : tuple of int
        Indices without a common divisor.
    layers : int
        Planes of different height.

    Returns
    -------
    Atoms
        The atoms, tags counting the layers from 1 at the top, with a cell as high as the slab.
    """
    indices = np.array(miller)
    tops = [_planes(crystal, indices, layers, top) for top in range(len(crystal.basis))]
    planes = min(tops, key=lambda planes: len(_dangling(crystal, planes, indices)))
    edges_A = _edges(crystal, indices, _dangling(crystal, planes, indices))
    x, z = edges_A[0], np.cross(*edges_A)
    x, z = x / np.linalg.norm(x), z / np.linalg.norm(z)
    frame = np.array([x, np.cross(z, x), z])
    heights = sorted({plane.height for plane in planes}, reverse=True)
    positions = np.array([plane.position for plane in planes]) @ crystal.to_A @ frame.T
    cell = np.zeros((3, 3))
    cell[:2] = edges_A @ frame.T
    cell[abs(cell) < 1e-9] = 0
    cell[2, 2] = np.ptp(positions[:, 2]) + 2 * crystal.bond_A
    atoms = Atoms(
        [crystal.element] * len(planes),
        positions=positions,
        cell=cell,
        pbc=(True, True, False),
        tags=[heights.index(plane.height) + 1 for plane in planes],
    )
    atoms.wrap(eps=1e-6)
    return atoms


def square(slab: Atoms) -> None:
    """Give a slab with an oblique cell a rectangular one, in place, where the same lattice has it: 2×1 of (111).

    CP2K is about twice as fast on it. One edge stays; the first lies along x.
    """
    edges_A = slab.cell.array[:2]
    for moved, kept in ((0, 1), (1, 0)):
        steps = np.rint(edges_A[moved] @ edges_A[kept] / (edges_A[kept] @ edges_A[kept]))
        shorter_A = edges_A[moved] - steps * edges_A[kept]
        if steps and abs(shorter_A @ edges_A[kept]) < 1e-6:
            edges_A[moved] = shorter_A
            x = edges_A[0] / np.linalg.norm(edges_A[0])
            frame = np.array([x, np.cross([0, 0, 1], x), [0, 0, 1]])
            slab.positions = slab.positions @ frame.T
            slab.cell[:2] = edges_A @ frame.T
            slab.cell[abs(slab.cell.array) < 1e-9] = 0
            slab.wrap(eps=1e-6)
            return


def hydrogenate(atoms: Atoms, candidates: NDArray[np.int_], valence: int) -> None:
    """Put H on every dangling bond of atoms that have two or three neighbours, in place.

    One bond too few points against the sum of the others; two too few complete a tetrahedron. On a bulk cut
    these are the cut bonds.

    Parameters
    ----------
    atoms : Atoms
        The slab; the H atoms are appended, each with the tag of its neighbour.
    candidates : (n,) int array
        Indices of the atoms that may get H.
    valence : int
        Neighbours of an atom in the crystal.
    """
    bonds = find_bonds(atoms)
    for index in candidates:
        length_A = crystals().elements[atoms.symbols[index]].hydrogen_A
        around = bonds.select(bonds.first == index)
        for direction in _missing(around.vector_A / around.length_A[:, None], valence):
            atoms += Atoms("H", [atoms.positions[index] + length_A * direction], tags=[atoms.get_tags()[index]])


def _missing(units: NDArray[np.float64], valence: int) -> NDArray[np.float64]:
    """Return the unit vectors (m, 3) that complete the bonds (n, 3) of an atom, n one or two below its valence."""
    back = -units.sum(axis=0)
    back /= np.linalg.norm(back) or 1.0
    if len(units) == valence - 1:
        return np.array([back])
    if len(units) == 2 and valence == 4:
        side = np.cross(*units)
        side /= np.linalg.norm(side)
        return np.array([(back + sign * np.sqrt(2) * side) / np.sqrt(3) for sign in (1, -1)])
    return np.empty((0, 3))


def _coordination(atoms: Atoms) -> NDArray[np.int_]:
    count: NDArray[np.int_] = np.bincount(find_bonds(atoms).first, minlength=len(atoms))
    return count


def _lattice_vectors(crystal: Bulk, indices: NDArray[np.int_]) -> NDArray[np.int_]:
    """Return the lattice vectors (n, 3) around the origin as far as a step along the normal needs, shortest first."""
    reach = range(-2 * abs(indices).max(), 2 * abs(indices).max() + 1)
    vectors = np.array(list(product(reach, repeat=3))) @ crystal.primitive
    lengths_A = np.linalg.norm(vectors @ crystal.to_A, axis=1)
    return np.array(vectors[np.lexsort((*vectors.T, lengths_A.round(6)))][1:])


def _planes(crystal: Bulk, indices: NDArray[np.int_], layers: int, top: int) -> list[Plane]:
    """Return the planes of the highest `layers` heights, with an atom of kind `top` at the origin."""
    step = gcd(*(crystal.primitive @ indices))
    vectors = _lattice_vectors(crystal, indices)
    down = vectors[vectors @ indices == -step][0]
    planes = []
    for kind, atom in enumerate(crystal.basis):
        shift = atom - crystal.basis[top]
        first = -(-int(shift @ indices) // step)  # steps down to the first plane not above the origin
        for count in range(first, first + layers):
            position = shift + count * down
            planes.append(Plane(int(position @ indices), kind, position))
    lowest = sorted({plane.height for plane in planes}, reverse=True)[layers - 1]
    return sorted((plane for plane in planes if plane.height >= lowest), key=lambda plane: -plane.height)


def _dangling(crystal: Bulk, planes: list[Plane], indices: NDArray[np.int_]) -> list[NDArray[np.int_]]:
    """Return the bonds that the cut above the highest plane breaks."""
    bonds = ((plane, bond) for plane in planes for bond in crystal.bonds[plane.kind])
    return [bond for plane, bond in bonds if plane.height + bond @ indices > 0]


def _edges(crystal: Bulk, indices: NDArray[np.int_], dangling: list[NDArray[np.int_]]) -> NDArray[np.float64]:
    """Return the two shortest lattice vectors (2, 3) of the plane, Cartesian, Å.

    Right-handed about the normal and, where there is a choice, with an obtuse angle between them and the
    first along the dangling bonds, as the dimers of (100) have it.
    """
    vectors = _lattice_vectors(crystal, indices)
    vectors = vectors[vectors @ indices == 0] @ crystal.to_A
    lengths_A = np.linalg.norm(vectors, axis=1).round(6)
    shortest = vectors[lengths_A == lengths_A.min()]
    normal = np.linalg.inv(crystal.to_A) @ indices
    dangling_A = np.reshape(dangling, (-1, 3)) @ crystal.to_A

    def rank(pair: tuple[NDArray[np.float64], NDArray[np.float64]]) -> tuple[float, ...]:
        first, second = pair
        angle, along = (first @ second).round(6), abs(dangling_A @ first).sum().round(6)
        return (second @ second).round(6), angle > 0, abs(angle), -along, *-first.round(6), *-second.round(6)

    pairs = ((first, second) for first, second in product(shortest, vectors) if np.cross(first, second) @ normal > 1e-6)
    return np.array(min(pairs, key=rank))
