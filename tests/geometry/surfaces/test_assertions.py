"""What a facet promises: seen when it holds, and named when it does not."""

from pathlib import Path

import numpy as np
import pytest

from iondrill.geometry.bonds import find_bonds
from iondrill.geometry.recipes import load_recipe
from iondrill.geometry.surfaces.adsorbate import add_adsorbate
from iondrill.geometry.surfaces.assertions import assert_surface, faults
from iondrill.geometry.surfaces.facet import FacetRecipe
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.geometry.surfaces.slab import build_slab

STRUCTURES = Path(__file__).parents[3] / "structures"
FACETS = sorted(path.stem for path in (STRUCTURES / "facets").glob("*.yaml"))


def failed(records):
    return [str(record) for record in records if not record.passed]


def one_dimer(slab):
    """Return the two atoms of a dimer, in order."""
    top = np.flatnonzero(slab.get_tags() == 1)
    return np.sort(top[np.argsort(slab.get_distances(top[0], top, mic=True))[:2]])


def slab_of(name):
    recipe = load_recipe(name, STRUCTURES)
    return build_slab(recipe), recipe


def relaxed(slab, recipe, built=None):
    return failed(assert_surface(slab, build_slab(recipe) if built is None else built, recipe, "relaxed"))


@pytest.mark.parametrize("name", FACETS)
def test_facets_hold_what_they_promise_as_built_and_with_an_ion(name):
    slab, recipe = slab_of(name)
    records = assert_surface(slab, slab, recipe, "built")
    assert failed(records) == []
    assert len(records) >= 3
    assert recipe.expect_coordination
    for site in find_sites(slab)[:2]:
        assert faults(assert_surface(add_adsorbate(slab, site, "Na"), slab, recipe, "with ions")) == ""


def test_a_broken_dimer_is_named():
    slab, recipe = slab_of("C100-2x1")
    i, j = one_dimer(slab)
    outwards = slab.get_distance(i, j, mic=True, vector=True)
    slab.positions[[i, j]] += np.array([[-0.3], [0.3]]) * outwards
    said = relaxed(slab, recipe)
    assert f"connectivity: expected the bonds it was built with, found broken C{i}–C{j}" in " ".join(said)
    assert "C neighbours of the top C: expected 4 with 3, found 2 with 2, 2 with 3" in said
    assert any(line.startswith("dimer bonds: expected 2 of 1.36–1.43 Å, found 1") for line in said)


def test_a_dimer_of_the_wrong_length_is_named_once_relaxed():
    slab, recipe = slab_of("C100-2x1")
    slab.set_distance(*one_dimer(slab), 1.45, fix=0.5, mic=True)
    assert failed(assert_surface(slab, build_slab(recipe), recipe, "built")) == []
    (said,) = relaxed(slab, recipe)
    assert said == "dimer bonds: expected 2 of 1.36–1.43 Å, found 2 of 1.380–1.450 Å"


def test_dimerised_chains_are_named():
    slab, recipe = slab_of("C111-2x1-pandey")
    along = slab.cell[1] / np.linalg.norm(slab.cell[1])
    across = np.cross(along, [0, 0, 1])
    top = np.flatnonzero(slab.get_tags() == 1)
    left = top[slab.positions[top] @ across < np.median(slab.positions[top] @ across)]
    assert relaxed(slab, recipe) == []
    slab.positions[left] += 0.05 * along
    (said,) = [line for line in relaxed(slab, recipe) if line.startswith("dimerisation")]
    assert "alike within 0.05 Å" in said


def test_a_contact_too_short_is_named():
    slab, recipe = slab_of("C111-1x1-H")
    hydrogen = np.flatnonzero(slab.numbers == 1)[-1]
    slab.positions[hydrogen, 2] -= 0.2
    (said,) = relaxed(slab, recipe)
    assert said == "shortest C–H: expected more than 0.91 Å, found 0.890 Å"


def test_another_slab_is_named_and_nothing_is_raised():
    slab, _ = slab_of("C100-2x1")
    _, recipe = slab_of("C111-1x1")
    (said,) = relaxed(slab, recipe)
    assert said == "atoms: expected C32H4, in the order of the recipe, found C32H8"


def test_positions_that_are_no_numbers_are_named():
    slab, recipe = slab_of("C111-1x1")
    slab.positions[3] = np.nan
    assert len(relaxed(slab, recipe)) == 1


@pytest.mark.parametrize(("ion", "rise_A", "left"), [("Li", 1.9, False), ("Li", 2.1, True), ("Na", 2.1, True)])
def test_an_ion_that_left_is_named(ion, rise_A, left):
    slab, recipe = slab_of("C100-2x1")
    (top,) = (site for site in find_sites(slab) if site.label == "top")
    atoms = add_adsorbate(slab, top, ion)
    atoms.positions[-1, 2] += rise_A
    said = faults(assert_surface(atoms, slab, recipe, "with ions"))
    assert said == (f"ions: expected within 2.0 Å of contact, found {rise_A:.2f} Å from contact" if left else "")


def test_an_ion_may_stretch_the_dimers_but_not_break_them():
    slab, recipe = slab_of("C100-2x1")
    (cave,) = (site for site in find_sites(slab) if site.label == "cave")
    atoms = add_adsorbate(slab, cave, "Li")
    atoms.set_distance(*one_dimer(slab), 1.5, fix=0.5, mic=True)
    assert faults(assert_surface(atoms, slab, recipe, "with ions")) == ""
    atoms.set_distance(*one_dimer(slab), 2.5, fix=0.5, mic=True)
    assert "broken" in faults(assert_surface(atoms, slab, recipe, "with ions"))


def armchair(**changes):
    """Return a bare armchair edge of graphite, built, and with the pairs of two-coordinated C at 1.24 Å."""
    keys = {"crystal": "graphite", "miller": (1, 1, 0), "layers": 6, "cell": (1, 1), **changes}
    recipe = FacetRecipe(kind="facet", **keys)
    built = build_slab(recipe)
    slab = built.copy()
    for sheet_A in (0, 3.354):
        (pair,) = [np.flatnonzero((slab.get_tags() == 1) & (abs(slab.positions[:, 1] - sheet_A) < 0.1))]
        slab.set_distance(*pair, 1.24, mic=True)
    return slab, built, recipe


def test_a_bare_armchair_edge_has_triple_bonds_and_is_not_refused():
    slab, built, recipe = armchair()
    assert np.bincount(find_bonds(slab).first)[slab.get_tags() == 1].tolist() == [2] * 4
    assert relaxed(slab, recipe, built) == []


def test_so_short_a_bond_elsewhere_is_a_collision():
    slab, built, recipe = armchair()
    deep = np.flatnonzero((slab.get_tags() == 3) & (slab.numbers == 6))
    pair = deep[np.argsort(slab.get_distances(deep[0], deep, mic=True))[:2]]
    slab.set_distance(*pair, 1.24, mic=True)
    assert "shortest C–C: expected more than 1.30 Å, found 1.240 Å" in relaxed(slab, recipe, built)


def test_one_atom_of_an_edge_makes_no_triple_bond():
    _, built, recipe = armchair()
    slab, edge = built.copy(), int(np.flatnonzero(built.get_tags() == 1)[0])
    below = np.flatnonzero(slab.get_tags() == 2)
    other = int(below[slab.get_distances(edge, below, mic=True).argmin()])
    assert np.bincount(find_bonds(slab).first)[[edge, other]].tolist() == [2, 3]
    slab.set_distance(edge, other, 1.24, fix=1, mic=True)
    assert "shortest C–C: expected more than 1.30 Å, found 1.240 Å" in relaxed(slab, recipe, built)


def test_two_atoms_of_an_edge_may_not_be_closer_than_a_triple_bond():
    slab, built, recipe = armchair()
    pair = np.flatnonzero((slab.get_tags() == 1) & (slab.positions[:, 1] < 0.1))
    slab.set_distance(*pair, 1.15, mic=True)
    assert "shortest C–C: expected more than 1.17 Å, found 1.150 Å" in relaxed(slab, recipe, built)


def test_a_window_of_the_recipe_says_how_short_its_bonds_may_be():
    slab, recipe = slab_of("C100-2x1")
    built = slab.copy()
    i, j = one_dimer(slab)
    slab.set_distance(i, j, 1.27, mic=True)
    assert "shortest C–C: expected more than 1.30 Å, found 1.270 Å" in relaxed(slab, recipe, built)
    window = recipe.expect_bonds[0].model_copy(update={"window_A": (1.25, 1.43)})
    assert relaxed(slab, recipe.model_copy(update={"expect_bonds": [window]}), built) == []
