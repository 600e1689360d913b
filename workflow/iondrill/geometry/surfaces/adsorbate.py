"""Ions on the sites of a slab: put there, and found there again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii

from iondrill.geometry.surfaces.coverage import spread
from iondrill.geometry.surfaces.nearest import nearest_A
from iondrill.geometry.surfaces.sites import bare, lateral_A
from iondrill.geometry.surfaces.surface import TIE_A
from iondrill.geometry.surfaces.two_sided import find_flip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from iondrill.geometry.surfaces.sites import Position, Site


def site_position(slab: Atoms, position: Position, ion: str) -> NDArray[np.float64]:
    """Return where an ion at a position of a site touches the slab.

    The ion comes down over the position until it is as close to some atom as the sum of their covalent radii. Through a
    pore too wide for that it comes as far as the atoms of its rim: the highest of those that are laterally nearest.

    Parameters
    ----------
    slab : Atoms
        The slab the position was found on, relaxed or not, with its atoms in the same order.
    position : Position
        Of a site.
    ion : str
        Chemical symbol.

    Returns
    -------
    (3,) float array
        Cartesian position, Å.
    """
    slab = bare(slab)
    cell = np.array(slab.cell[:2])
    xy_A = sum(
        (support.weight * (slab.positions[support.atom] + support.offset @ cell)[:2] for support in position.supports),
        start=np.zeros(2),
    )
    contact_A = covalent_radii[atomic_numbers[ion]] + covalent_radii[slab.numbers]
    apart_A = lateral_A(slab, xy_A)
    touching = apart_A < contact_A
    if not touching.any():
        return np.array([*xy_A, slab.positions[apart_A < apart_A.min() + TIE_A, 2].max()])
    climb_A = np.sqrt(contact_A[touching] ** 2 - apart_A[touching] ** 2)
    return np.array([*xy_A, (slab.positions[touching, 2] + climb_A).max()])


def add_adsorbate(slab: Atoms, site: Site, ion: str, n: int = 1, *, built: Atoms | None = None) -> Atoms:
    """Return a copy of the slab with ions on a site, as its last atoms, fragment "adsorbate".

    Parameters
    ----------
    slab : Atoms
        The slab the site was found on, relaxed or not. If it is two-sided, as many ions come to its back.
    site : Site
        Where to put the ions.
    ion : str
        Chemical symbol.
    n : int
        How many on a side, on equivalent positions as far from each other as `spread` finds.
    built : Atoms, optional
        The slab as built, whose exact symmetry takes the top to the back; by default `slab`.

    Raises
    ------
    UserError
        If the site has fewer positions.
    """
    chosen = [site.positions[index] for index in spread(site.fractions, slab.cell.array[:2, :2], n)]
    positions = [site_position(slab, position, ion) for position in chosen]
    built = slab if built is None else built
    if built.info.get("two_sided") and (flip := find_flip(built)):
        turned = flip.turned(slab, built)
        positions += [*flip.apply(np.array([site_position(turned, position, ion) for position in chosen]))]
    cell = slab.cell.array
    positions = [
        position - np.floor(position @ np.linalg.inv(cell) + 1e-6) * [1, 1, 0] @ cell for position in positions
    ]
    atoms = slab.copy()
    fragments = [*slab.arrays.get("fragment", ["slab"] * len(slab)), *["adsorbate"] * len(positions)]
    atoms += Atoms([ion] * len(positions), positions)
    atoms.arrays["fragment"] = np.array(fragments)
    return atoms


def relaxed_sites(geometry: Atoms, sites: Mapping[str, NDArray[np.float64]]) -> list[str]:
    """Return the kinds of sites at which the ions are: the nearest ones in the plane, across the cell's edges.

    On a two-sided slab the ions of the upper side count, whose sites are known.

    Parameters
    ----------
    geometry : Atoms
        Slab and ions, fragment "adsorbate".
    sites : mapping of str to (n_positions, 3) array
        All positions of each kind.

    Returns
    -------
    list of str
        In the order of `sites`, each once.
    """
    fragment, z = geometry.arrays["fragment"], geometry.positions[:, 2]
    ion = fragment == "adsorbate"
    upper = ion & (z > z[~ion].mean()) if (~ion).any() else ion
    ions = geometry.positions[upper if upper.any() else ion, :2]
    cell = geometry.cell.array[:2, :2]
    distances = [
        nearest_A(ions[:, None] - np.asarray(positions)[None, :, :2], cell).min(axis=1) for positions in sites.values()
    ]
    nearest = set(np.argmin(distances, axis=0).tolist())
    return [name for index, name in enumerate(sites) if index in nearest]
