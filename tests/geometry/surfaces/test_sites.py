"""Adsorption sites: names, completeness, and independence of vacuum, order, origin and supercell."""

import re
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import spglib
from ase import Atoms
from ase.build import graphene
from ase.data import atomic_numbers, covalent_radii
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.errors import UserError
from iondrill.geometry.recipes import load_recipe
from iondrill.geometry.surfaces.adsorbate import add_adsorbate, site_position
from iondrill.geometry.surfaces.facet import FacetRecipe
from iondrill.geometry.surfaces.sites import find_sites, lateral_A
from iondrill.geometry.surfaces.slab import build_slab
from iondrill.geometry.surfaces.symmetry import SurfaceSymmetry
from iondrill.geometry.surfaces.two_sided import find_flip

STRUCTURES = Path(__file__).parents[3] / "structures"
SITES = {
    "C100-1x1": {"top", "bridge-1", "bridge-2", "hollow"},
    "C100-2x1": {"top", "bridge", "shallow", "pedestal", "valley-bridge", "cave"},
    "C100-2x1-H": {"top", "bridge", "shallow", "pedestal", "valley-bridge", "cave"},
    "C111-1x1": {"top", "bridge", "t4", "h3"},
    "C111-1x1-H": {"top", "bridge", "t4", "h3"},
    "C111-2x1-pandey": {"chain-top-1", "chain-top-2", "chain-bridge", "trough-1", "trough-2", "trough-bridge"},
}
MORE_SITES = {
    "C110-1x1": {"chain-top", "chain-bridge", "trough", "trough-bridge"},
    # each H leans out of its chain, half over the trough
    "C110-1x1-H": {"chain-top", "chain-bridge", "trough-1", "trough-2", "trough-bridge-1", "trough-bridge-2"},
    "graphene": {"top", "bridge", "hollow"},
    "graphite-0001": {"top-1", "top-2", "bridge", "hollow"},
}


def slab_of(name, **changes):
    recipe = load_recipe(name, STRUCTURES)
    return build_slab(FacetRecipe.model_validate(recipe.model_dump() | changes))


def summary(slab, ion="Li"):
    """What must not depend on how the slab is described."""
    top = slab.positions[:, 2].max()
    return {
        site.label: (site.kind, round(site_position(slab, site.positions[0], ion)[2] - top, 2))
        for site in find_sites(slab)
    }


@pytest.mark.parametrize(("name", "labels"), [*SITES.items(), *MORE_SITES.items()])
def test_sites_have_the_names_of_the_field(name, labels):
    assert {site.label for site in find_sites(slab_of(name))} == labels


@pytest.mark.parametrize("hydrogenated", [False, True])
def test_dimers_of_silicon_have_the_sites_of_dimers(hydrogenated):
    slab = slab_of("C100-2x1", element="Si", hydrogenated=hydrogenated, expect_bonds=[], layers=6)
    assert {site.label for site in find_sites(slab)} == SITES["C100-2x1"]


def test_the_first_top_of_graphite_lies_over_an_atom_of_the_next_layer():
    slab = slab_of("graphite-0001", cell=(1, 1))
    beneath = slab[slab.get_tags() == 2]
    for site in find_sites(slab):
        apart = (beneath.get_scaled_positions()[:, :2] - site.xy + 0.5) % 1 - 0.5
        over_an_atom = np.linalg.norm(apart @ slab.cell.array[:2, :2], axis=1).min() < 1e-3
        assert over_an_atom == (site.label in {"top-1", "hollow"})


def test_the_sites_of_113_have_one_class_each():
    slab = slab_of("C113-1x1")
    count = Counter(site.kind for site in find_sites(slab))
    assert count == {"top": 2, "bridge": 4, "hollow": 3}
    per_cell = Counter()
    for site in find_sites(slab):
        per_cell[site.kind] += site.multiplicity / 3
    assert per_cell["top"] - per_cell["bridge"] + per_cell["hollow"] == 0


def test_graphene_has_three_sites():
    sites = {site.label: site.multiplicity for site in find_sites(graphene(size=(3, 3, 1), vacuum=8.0))}
    assert sites == {"top": 18, "bridge": 27, "hollow": 9}


@pytest.mark.parametrize(
    ("name", "cell"), [*((name, cell) for name in SITES for cell in [(2, 2), (2, 3)]), ("C110-1x1-H", (1, 2))]
)
def test_minima_saddles_and_maxima_add_up_on_a_torus(name, cell):
    count = Counter()
    for site in find_sites(slab_of(name, cell=cell)):
        count[site.kind] += site.multiplicity
        assert re.fullmatch(r"[a-z0-9-]+", site.label)
        assert all(
            sum(support.weight for support in position.supports) == pytest.approx(1) for position in site.positions
        )
    assert count["top"] - count["bridge"] + count["hollow"] == 0


@pytest.mark.parametrize("name", ["C111-1x1", "C100-1x1"])
def test_sites_agree_with_pymatgen(name):
    from pymatgen.analysis.adsorption import AdsorbateSiteFinder
    from pymatgen.core import Structure
    from pymatgen.core.surface import Slab

    atoms = slab_of(name, vacuum_A=20.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cell = Structure(atoms.cell.array, atoms.get_chemical_symbols(), atoms.get_scaled_positions())
        slab = Slab(cell.lattice, cell.species, cell.frac_coords, (0, 0, 1), cell, 0, None, reorient_lattice=False)
        found = AdsorbateSiteFinder(slab, height=0.3).find_adsorption_sites(distance=1.0)["all"]
    # a hollow of four atoms is to pymatgen the bridge of two across: what is compared is where the sites are
    cell = atoms.cell.array[:2, :2]

    def at(site, position_A):
        apart = site.fractions - position_A[:2] @ np.linalg.inv(cell)
        return np.linalg.norm((apart - np.rint(apart)) @ cell, axis=1).min() < 0.1

    sites = find_sites(atoms)
    theirs = [[site.label for site in sites if at(site, position_A)] for position_A in found]
    assert sorted(theirs) == sorted([site.label] for site in sites)


@pytest.mark.parametrize("name", ["C100-2x1", "C111-1x1", "C111-2x1-pandey"])
@pytest.mark.parametrize("cell", [(4, 2), (2, 3)])
def test_the_supercell_does_not_matter(name, cell):
    small, large = slab_of(name, cell=(2, 2)), slab_of(name, cell=cell)
    assert summary(large) == summary(small)
    share = {site.label: site.multiplicity for site in find_sites(small)}
    for site in find_sites(large):
        assert site.multiplicity * 4 == share[site.label] * cell[0] * cell[1]


@given(
    name=st.sampled_from(["C100-2x1", "C111-1x1", "C111-2x1-pandey", "graphite-0001"]),
    vacuum_A=st.floats(6.0, 40.0),
    shift=st.tuples(*[st.floats(-1.0, 1.0)] * 3),
    seed=st.integers(0, 99),
    frame=st.tuples(st.integers(-1, 1), st.booleans(), st.floats(0, 360)),
)
@settings(max_examples=12, deadline=None)
def test_vacuum_order_origin_and_choice_of_cell_do_not_matter(name, vacuum_A, shift, seed, frame):
    slab = slab_of(name, cell=(2, 2))
    other = slab_of(name, cell=(2, 2), vacuum_A=vacuum_A)
    other.positions += shift @ other.cell.array * [1, 1, 0] + [0, 0, shift[2]]
    a, b, c = other.cell.array
    steps, swapped, turn_deg = frame
    b = b + steps * a
    other.set_cell([b, -a, c] if swapped else [a, b, c])
    other.rotate(turn_deg, "z", rotate_cell=True)
    other.wrap(pbc=(True, True, False))
    other = other[np.random.default_rng(seed).permutation(len(other))]
    assert summary(other) == summary(slab)
    share = {site.label: site.multiplicity for site in find_sites(slab)}
    assert {site.label: site.multiplicity for site in find_sites(other)} == share


@pytest.mark.parametrize("name", ["C100-2x1", "C111-2x1-pandey"])
def test_small_displacements_do_not_split_sites(name):
    slab = slab_of(name)
    moved = slab.copy()
    moved.rattle(0.004, seed=1)
    assert {site.label for site in find_sites(moved)} == {site.label for site in find_sites(slab)}


def test_a_dimer_row_lies_between_its_sites():
    slab = slab_of("C100-2x1")
    positions = {site.label: site_position(slab, site.positions[0], "Li") for site in find_sites(slab)}
    x, y, _ = slab.cell.lengths()

    def apart(first, second):
        delta = (positions[first] - positions[second])[:2]
        return abs(delta - np.rint(delta / [x, y * 0.5]) * [x, y * 0.5])

    assert apart("bridge", "pedestal") == pytest.approx([0, y / 4], abs=1e-6)
    assert apart("bridge", "valley-bridge") == pytest.approx([x / 2, 0], abs=1e-6)
    assert apart("pedestal", "cave") == pytest.approx([x / 2, 0], abs=1e-6)


@pytest.mark.parametrize("ion", ["Li", "Na", "K"])
def test_ions_touch_their_nearest_atom(ion):
    slab = slab_of("C111-2x1-pandey")
    for site in find_sites(slab):
        atoms = add_adsorbate(slab, site, ion)
        assert atoms.get_chemical_symbols()[-1] == ion
        assert atoms.arrays["fragment"].tolist() == ["slab"] * len(slab) + ["adsorbate"]
        assert atoms.constraints[0].index.tolist() == slab.constraints[0].index.tolist()
        distances_A = atoms.get_distances(-1, range(len(slab)), mic=True)
        contacts_A = covalent_radii[slab.numbers] + covalent_radii[atomic_numbers[ion]]
        assert (distances_A - contacts_A).min() == pytest.approx(0, abs=1e-6)
    assert find_sites(atoms) == find_sites(slab)


def graphyne(strain=0.0, layers=1):
    """γ-graphyne, the uppermost sheet at z = 0: hexagons joined by C≡C, and pores between three of them."""
    angles = np.arange(6) * np.pi / 3
    rim = np.array([np.cos(angles), np.sin(angles), 0 * angles]).T
    cell = 6.88 * np.array([[1, 0, 0], [-0.5, np.sqrt(0.75), 0], [0, 0, 3]])
    sheet = Atoms("C12", np.concatenate([1.43 * rim, 2.84 * rim]), cell=cell, pbc=True)
    sheet.set_cell(cell * [[1 + strain], [1 + strain], [1]], scale_atoms=True)
    slab = sheet.copy()
    for layer in range(1, layers):
        lower = sheet.copy()
        lower.positions[:, 2] -= 3.4 * layer
        slab += lower
    return slab


def widest(slab):
    """Return the site that is laterally farthest from all atoms, and how far."""

    def room_A(site):
        return lateral_A(slab, site.fractions[0] @ slab.cell.array[:2, :2]).min()

    site = max(find_sites(slab), key=room_A)
    return site, room_A(site)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("ion", ["Li", "Na", "K"])
def test_an_ion_comes_no_farther_into_a_pore_than_its_rim(ion, layers):
    slab = graphyne(layers=layers)
    pore, room_A = widest(slab)
    contact_A = covalent_radii[6] + covalent_radii[atomic_numbers[ion]]
    assert (room_A > contact_A) == (ion == "Li")
    atoms = add_adsorbate(slab, pore, ion)
    assert atoms.get_distances(-1, range(len(slab)), mic=True).min() == pytest.approx(max(room_A, contact_A))
    assert (atoms.positions[-1, 2] == pytest.approx(0)) == (ion == "Li")


def test_over_a_pore_that_widens_an_ion_comes_down_to_its_rim():
    heights_A, roomy = [], []
    for strain in np.linspace(-0.05, 0.03, 33):
        slab = graphyne(strain)
        pore, room_A = widest(slab)
        heights_A.append(site_position(slab, pore.positions[0], "Li")[2])
        roomy.append(room_A > covalent_radii[6] + covalent_radii[3])
    assert 0 < sum(roomy) < len(roomy)
    assert (np.diff(heights_A) < 1e-9).all()
    assert np.equal(np.abs(heights_A) < 1e-9, roomy).all()


def test_sites_follow_the_slab():
    slab = slab_of("C100-2x1")
    relaxed = slab.copy()
    top = slab.get_tags() == 1
    relaxed.positions[top] += [0.1, -0.2, 0.3]
    for site in find_sites(slab):
        moved = site_position(relaxed, site.positions[0], "Na") - site_position(slab, site.positions[0], "Na")
        assert moved[:2] == pytest.approx([0.1, -0.2])


def test_sites_of_the_user_stand_beside_the_others():
    positions = {"mine": (0.25, 0.5), "on-top-of-one": {"x_A": 0.3, "y_A": 0.4}}
    slab = slab_of("C100-2x1", sites=positions)
    sites = {site.label: site for site in find_sites(slab)}
    assert sites.keys() == SITES["C100-2x1"] | positions.keys()
    assert sites["mine"].kind == "given"
    assert sites["mine"].xy == pytest.approx((0.25, 0.5))
    assert np.array(sites["on-top-of-one"].xy) @ slab.cell.array[:2, :2] == pytest.approx([0.3, 0.4])
    assert sites["on-top-of-one"].multiplicity == 8  # two mirrors and two cells: the general position
    relaxed = slab.copy()
    relaxed.positions += [0.2, 0.1, 0.3]
    for site in (sites["mine"], sites["on-top-of-one"]):
        moved = site_position(relaxed, site.positions[0], "Li") - site_position(slab, site.positions[0], "Li")
        assert moved == pytest.approx([0.2, 0.1, 0.3])


def test_a_site_of_the_user_takes_no_label_of_another():
    with pytest.raises(UserError, match="'cave' is found by symmetry already"):
        find_sites(slab_of("C100-2x1", sites={"cave": (0, 0)}))


def test_several_ions_lie_on_equivalent_positions():
    slab = slab_of("C100-2x1", cell=(4, 2))
    (cave,) = (site for site in find_sites(slab) if site.label == "cave")
    atoms = add_adsorbate(slab, cave, "Li", 2)
    assert np.ptp(atoms.positions[-2:, 2]) < 1e-6
    assert atoms.get_distance(-2, -1, mic=True) == pytest.approx(np.hypot(2 * 2.522, 2.522), abs=1e-3)
    alone = [atoms.get_distances(ion, range(len(slab)), mic=True) for ion in (-2, -1)]
    assert np.sort(alone[0]) == pytest.approx(np.sort(alone[1]), abs=1e-4)


def test_a_search_for_symmetry_that_finds_nothing_is_said():
    """So high a cell leaves positions no digits."""
    slab = build_slab(load_recipe("C100-2x1", STRUCTURES))
    slab.positions[0, 2] = 1e21
    with pytest.raises(UserError, match=r"its symmetry finds nothing, not even the identity; atoms lie up to 1e\+21 Å"):
        SurfaceSymmetry(slab)
    assert find_flip(slab) is None


def test_a_search_that_raises_is_one_that_finds_nothing(monkeypatch):
    def nothing(*_, **__):
        raise spglib.SpglibError("too close")

    slab = build_slab(load_recipe("C100-2x1", STRUCTURES))
    monkeypatch.setattr(spglib, "get_symmetry", nothing)
    with pytest.raises(UserError, match="finds nothing"):
        SurfaceSymmetry(slab)
