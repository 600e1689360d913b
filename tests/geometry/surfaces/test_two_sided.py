"""Two-sided slabs: the back is the top again, with its ions."""

import numpy as np
import pytest

from iondrill.errors import UserError
from iondrill.geometry.bonds import find_bonds
from iondrill.geometry.surfaces.adsorbate import add_adsorbate
from iondrill.geometry.surfaces.assertions import assert_surface, faults
from iondrill.geometry.surfaces.facet import FacetRecipe
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.geometry.surfaces.slab import build_slab
from iondrill.geometry.surfaces.two_sided import find_flip

TWO_SIDED = {
    "dimers": {"miller": (1, 0, 0), "reconstruction": "2x1", "expect_coordination": {3: 1}},
    "hydrogenated dimers": {"miller": (1, 0, 0), "reconstruction": "2x1", "hydrogenated": True},
    "odd cut": {"miller": (1, 0, 0), "layers": 7},
    "chains": {"miller": (1, 1, 1), "reconstruction": "pandey", "layers": 12},
    "graphite": {"miller": (0, 0, 1), "crystal": "graphite", "layers": 4},
}


def recipe(two_sided=True, **keys):
    return FacetRecipe.model_validate({"kind": "facet", "two_sided": two_sided, **keys})


def profile(slab, sign):
    """Depths of the atoms below one face and their coordination: what the two faces must share."""
    count = np.bincount(find_bonds(slab).first, minlength=len(slab))
    depth_A = (sign * slab.positions[:, 2]).max() - sign * slab.positions[:, 2]
    outer = depth_A < 2.6
    depth_A = depth_A[outer].round(3)
    return sorted(zip(depth_A.tolist(), slab.numbers[outer].tolist(), count[outer].tolist(), strict=True))


@pytest.mark.parametrize("name", TWO_SIDED)
def test_both_sides_are_the_facet(name):
    keys = TWO_SIDED[name]
    slab = build_slab(recipe(**keys))
    assert profile(slab, 1) == profile(slab, -1)
    one_sided = build_slab(recipe(two_sided=False, **keys))
    assert profile(slab, 1) == profile(one_sided, 1)
    assert [site.label for site in find_sites(slab)] == [site.label for site in find_sites(one_sided)]
    assert faults(assert_surface(slab, slab, recipe(**keys), "built")) == ""
    fixed = slab.positions[slab.constraints[0].index, 2]
    assert fixed.mean() == pytest.approx(slab.positions[:, 2].mean())
    assert set(slab.get_tags()) == set(range(1, (keys.get("layers", 8) + 1) // 2 + 1))


@pytest.mark.parametrize("name", ["dimers", "chains"])
def test_ions_come_to_both_sides_of_a_relaxed_slab(name):
    slab = build_slab(recipe(**TWO_SIDED[name]))
    flip = find_flip(slab)
    relaxed = slab.copy()
    relaxed.rattle(0.05, seed=3)
    for site in find_sites(slab):
        atoms = add_adsorbate(relaxed, site, "Li", built=slab)
        assert atoms.symbols.count("Li") == 2
        contacts_A = [atoms.get_distances(ion, range(len(slab)), mic=True).min() for ion in (-2, -1)]
        assert contacts_A == pytest.approx([2.04, 2.04], abs=1e-6)
        unrelaxed = add_adsorbate(slab, site, "Li")
        upper, lower = unrelaxed.positions[-2:]
        apart = (flip.apply(upper) - lower) @ np.linalg.inv(slab.cell.array)
        assert apart - np.rint(apart * [1, 1, 0]) == pytest.approx([0, 0, 0], abs=1e-5)


def test_four_ions_are_two_on_a_side():
    slab = build_slab(recipe(**TWO_SIDED["dimers"]))
    (cave,) = (site for site in find_sites(slab) if site.label == "cave")
    atoms = add_adsorbate(slab, cave, "Na", 2)
    heights_A = atoms.positions[-4:, 2] - slab.positions[:, 2].mean()
    assert sorted(heights_A) == pytest.approx(sorted([-1, -1, 1, 1] * abs(heights_A)))
    assert heights_A.max() > 0 > heights_A.min()


def test_sides_that_are_not_equivalent_are_refused():
    with pytest.raises(UserError, match="two_sided: the sides of 9 layers are not equivalent; try 10"):
        build_slab(recipe(miller=(1, 1, 3), layers=9))
