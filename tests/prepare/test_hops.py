"""Ends of paths: the ion begins near the position where it arrives, whichever image of it the relaxed slabs hold."""

from __future__ import annotations

import numpy as np
import pytest

from iondrill.errors import UserError
from iondrill.geometry.recipes import load_recipe
from iondrill.geometry.surfaces.adsorbate import add_adsorbate
from iondrill.geometry.surfaces.facet import FacetRecipe
from iondrill.geometry.surfaces.site_neighbours import nearest_hops
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.geometry.surfaces.slab import build_slab
from iondrill.jobs.name import JobId, Subject
from iondrill.prepare.stages.barriers import ends

NOISE_A = 2e-3
"""How far a relaxation displaces atoms at the least: enough to take an ion at an edge to the other one."""


def facet(recipes, name, cell):
    recipe = load_recipe(name, recipes)
    return build_slab(FacetRecipe.model_validate(recipe.model_dump() | ({"cell": cell} if cell else {})))


def with_ion(built, site, seed):
    """Put an ion on a slab that a relaxation displaced."""
    clean = built.copy()
    noise_A = np.random.default_rng(seed).normal(scale=NOISE_A, size=clean.positions.shape)
    clean.set_positions(clean.positions + noise_A)  # what is fixed stays
    return add_adsorbate(clean, site, "Li", built=built)


@pytest.mark.parametrize(
    ("name", "cell", "start", "end"),
    [
        ("C113-1x1", None, "bridge-1", "top-1"),
        ("C113-1x1", None, "top-1", "bridge-1"),
        ("C113-1x1", None, "top-1", "bridge-2"),
        ("C100-2x1", (2, 1), "bridge", "top"),
        ("C100-2x1", (2, 1), "cave", "cave"),
        ("C111-1x1", (1, 1), "top", "bridge"),
        ("C111-2x1-pandey", (2, 1), "trough-1", "trough-bridge"),
        # of two positions of the bridge, equally near but for rounding, the cell keeps the symmetry to one
        ("C111-2x1-pandey", None, "trough-1", "trough-bridge"),
        ("C111-2x1-pandey", None, "trough-2", "trough-bridge"),
    ],
)
def test_an_ion_goes_the_way_between_its_sites_and_no_farther(recipes, name, cell, start, end):
    built = facet(recipes, name, cell)
    sites = {site.label: site for site in find_sites(built)}
    hop, *_ = nearest_hops(built, sites[start], sites[end])
    length_A = np.linalg.norm(hop.end_A - hop.start_A)
    for seed in range(4):
        relaxed = [with_ion(built, sites[label], seed) for label in (start, end)]
        both_ends = ends(JobId("barriers", Subject(name, "Li", site=start), "gfn2", end=end), built, *relaxed)
        along = np.subtract(*(atoms.positions[-1, :2] for atoms in both_ends))
        assert np.linalg.norm(along) == pytest.approx(length_A, abs=20 * NOISE_A)
        assert np.abs(both_ends[0].positions[:-1] - both_ends[1].positions[:-1]).max() < 20 * NOISE_A
        for before, after in zip(relaxed, both_ends, strict=True):  # the same crystals as before
            distances = [np.sort(atoms.get_all_distances(mic=True), axis=None) for atoms in (before, after)]
            assert np.allclose(*distances, atol=1e-5)


def test_a_way_that_no_symmetry_of_the_cell_allows_is_refused_once(recipes):
    # the mirror that takes a bond of a chain to the next one does not keep this oblique cell
    built = facet(recipes, "C111-2x1-pandey", None)
    (site,) = (site for site in find_sites(built) if site.label == "chain-bridge")
    relaxed = with_ion(built, site, 0)
    assert len(nearest_hops(built, site, site)) == 2
    with pytest.raises(UserError, match="no symmetry of its cell") as caught:
        ends(JobId.parse("barriers", "pandey.Li-chain-bridge_chain-bridge.gfn2"), built, relaxed, relaxed)
    assert len(caught.value.problems) == 1
