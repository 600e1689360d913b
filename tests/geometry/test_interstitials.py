"""Ions in diamond: the crystal is that of ASE, and the sites have the neighbours that symmetry gives them."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

from iondrill.geometry.checks import check_structure
from iondrill.geometry.interstitials import CONTACT, SITES, diamond_cell, with_interstitial


@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_the_supercell_is_diamond(repeats):
    ours, theirs = diamond_cell(repeats), bulk("C", "diamond", a=3.567, cubic=True).repeat(repeats)
    assert len(ours) == 8 * repeats**3
    assert ours.cell.lengths() == pytest.approx(theirs.cell.lengths())
    apart = [np.sort(atoms.get_all_distances(mic=True).ravel()) for atoms in (ours, theirs)]
    assert apart[0] == pytest.approx(apart[1], abs=1e-9)


@pytest.mark.parametrize(
    ("site", "neighbours", "apart"), [("tetrahedral", 4, 3**0.5 / 4), ("hexagonal", 6, 11**0.5 / 8)]
)
@pytest.mark.parametrize("repeats", [2, 3])
def test_a_site_has_the_neighbours_of_its_name(site, neighbours, apart, repeats):
    at = with_interstitial(diamond_cell(repeats), "H", site, repeats)  # too small to push anything
    distances = at.get_distances(-1, range(len(at) - 1), mic=True)
    nearest = distances[distances < distances.min() + 0.05]
    assert nearest == pytest.approx([apart * 3.567] * neighbours, abs=1e-6)


@pytest.mark.parametrize("ion", ["Li", "Na"])
@pytest.mark.parametrize("site", SITES)
def test_neighbours_make_room_for_the_ion(ion, site):
    atoms = with_interstitial(diamond_cell(2), ion, site, 2)
    check_structure(atoms)
    assert atoms.arrays["fragment"][-1] == "adsorbate"
    clean = diamond_cell(2).positions
    moved = np.linalg.norm(atoms.positions[:-1] - clean, axis=1)
    assert (moved > 0).sum() in {4, 6, 10}
    radii = {"Li": 1.28, "Na": 1.66}
    assert atoms.get_distances(-1, range(64), mic=True).min() == pytest.approx(CONTACT * (radii[ion] + 0.76))
