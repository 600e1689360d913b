"""An ion inside diamond: a cubic supercell of the bulk, with the ion where most room is, or on the way between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii

from iondrill.geometry.labels import set_fragment
from iondrill.geometry.surfaces.lattices import bulk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iondrill.config.interstitials import InterstitialSite

SITES: dict[InterstitialSite, float] = {"tetrahedral": 0.5, "hexagonal": 0.625}
"""Along the diagonal of the cubic cell: the middle of four atoms, and that of a ring of six, half-way to the next."""
CONTACT = 0.8
"""Of the sum of the covalent radii: nearer neighbours of the ion are pushed out so far, to start from."""


def diamond_cell(repeats: int) -> Atoms:
    """Return cubic cells of diamond, 8 atoms each, as often along each edge.

    Parameters
    ----------
    repeats : int
        Cells along an edge.
    """
    crystal = bulk("diamond", "C")
    edge = float(np.linalg.norm(np.array([4, 0, 0]) @ crystal.to_A))
    # whole numbers of the primitive translations that lie in the conventional cell, in units of its edge over 4
    steps = np.array(np.meshgrid(*[range(-2, 3)] * 3)).reshape(3, -1).T @ crystal.primitive
    points = (steps[:, None] + crystal.basis).reshape(-1, 3)
    inside = np.unique(points[((points >= 0) & (points < 4)).all(axis=1)], axis=0)
    cell = Atoms(f"C{len(inside)}", positions=inside @ crystal.to_A, cell=[edge] * 3, pbc=True)
    atoms = cell.repeat(repeats)
    set_fragment(atoms, "slab")
    return atoms


def with_interstitial(clean: Atoms, ion: str, site: InterstitialSite, repeats: int) -> Atoms:
    """Return a supercell with an ion in it, as its last atom, fragment "adsorbate"; its neighbours are pushed out.

    Parameters
    ----------
    clean : Atoms
        From `diamond_cell`, relaxed or not.
    ion : str
        Chemical symbol.
    site : str
        Of `SITES`.
    repeats : int
        Of the supercell.
    """
    atoms = clean.copy()
    fragments = atoms.arrays["fragment"].tolist()
    at = np.asarray(clean.cell.array.sum(axis=0) / repeats * (SITES[site] + (repeats - 1) // 2))
    atoms += Atoms(ion, positions=[at])
    set_fragment(atoms, [*fragments, "adsorbate"])
    return _pushed_out(atoms)


def _pushed_out(atoms: Atoms) -> Atoms:
    """Move each neighbour of the last atom away from it to `CONTACT`."""
    away: NDArray[np.float64] = atoms.get_distances(-1, range(len(atoms) - 1), mic=True, vector=True)
    apart = np.linalg.norm(away, axis=1)
    wanted = CONTACT * (covalent_radii[atoms.numbers[-1]] + covalent_radii[atomic_numbers["C"]])
    moved = np.where(apart < wanted, wanted / apart - 1, 0.0)[:, None] * away
    atoms.positions[:-1] += moved
    return atoms
