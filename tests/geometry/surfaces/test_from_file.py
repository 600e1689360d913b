"""Facets from structure files: labelled, upright, in one piece, with layers, fixed atoms and sites."""

from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from ase.io import write

from iondrill.analyse.energies.adsorption import height
from iondrill.errors import UserError
from iondrill.geometry.checks import read_structure
from iondrill.geometry.io import write_structure
from iondrill.geometry.recipes import FileRecipe, load_recipe
from iondrill.geometry.registry import build
from iondrill.geometry.surfaces.adsorbate import add_adsorbate
from iondrill.geometry.surfaces.assertions import assert_surface, faults
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.geometry.surfaces.slab import build_slab

STRUCTURES = Path(__file__).parents[3] / "structures"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "facets").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def dimers():
    return build_slab(load_recipe("C100-2x1", STRUCTURES))


def plain(atoms):
    """What files of other programs hold: no labels, no layers."""
    bare = atoms.copy()
    del bare.arrays["fragment"], bare.arrays["tags"]
    return bare


@pytest.mark.parametrize("suffix", [".extxyz", ".cif", ".vasp", ".xsf", ".traj"])
def test_a_file_gives_the_slab_of_the_recipe(suffix, dimers, root):
    path = root / f"facets/mine{suffix}"
    write(path, plain(dimers), **({"sort": False} if suffix == ".vasp" else {}))
    slab = build("mine", root)
    assert set(slab.arrays["fragment"]) == {"slab"}
    assert slab.get_tags().tolist() == dimers.get_tags().tolist()
    assert slab.get_all_distances(mic=True) == pytest.approx(dimers.get_all_distances(mic=True), abs=1e-4)
    labels = {site.label: site.multiplicity for site in find_sites(slab)}
    assert labels == {site.label: site.multiplicity for site in find_sites(dimers)}
    recipe = load_recipe("mine", root)
    assert isinstance(recipe, FileRecipe)
    assert faults(assert_surface(slab, slab, recipe, "built")) == ""
    fixed = [index for constraint in slab.constraints for index in constraint.index.tolist()]
    assert fixed == (dimers.constraints[0].index.tolist() if suffix in {".extxyz", ".vasp", ".traj"} else [])
    ion = add_adsorbate(slab, find_sites(slab)[0], "Li")
    assert faults(assert_surface(ion, slab, recipe, "with ions")) == ""
    ion.positions[0] += [0, 0, -2]
    assert "broken" in faults(assert_surface(ion, slab, recipe, "with ions"))


def test_any_orientation_and_any_cut_through_the_vacuum(dimers, root):
    other = plain(dimers)
    other.positions[:, 2] += 9.0
    other.wrap()
    other.rotate(33, "x", rotate_cell=True)
    other.rotate(50, "z", rotate_cell=True)
    write(root / "facets/mine.extxyz", other)
    slab = build("mine", root)
    assert slab.cell.array == pytest.approx(dimers.cell.array, abs=1e-6)
    assert np.ptp(slab.positions[:, 2]) == pytest.approx(np.ptp(dimers.positions[:, 2]))
    assert {site.label for site in find_sites(slab)} == {site.label for site in find_sites(dimers)}


def test_a_layer_without_a_third_edge_gets_vacuum(root):
    layer = plain(build("graphene", STRUCTURES))
    layer.pbc = (True, True, False)
    layer.cell[2] = 0
    write(root / "facets/mine.extxyz", layer)
    slab = build("mine", root)
    assert slab.cell[2] == pytest.approx([0, 0, 17])
    assert {site.label for site in find_sites(slab)} == {"top", "bridge", "hollow"}


def test_sites_of_the_file_itself(dimers, root):
    slab = plain(dimers)
    slab.info = {"sites": {"mine": [0.25, 0.5]}}
    write(root / "facets/mine.extxyz", slab)
    write_structure(build("mine", root), root / "built.extxyz")
    (site,) = (site for site in find_sites(read_structure(root / "built.extxyz")) if site.label == "mine")
    assert site.xy == pytest.approx((0.25, 0.5))


def test_a_place_in_angstrom_lies_along_the_edge_of_the_file_however_that_lies(dimers, root):
    for turn_deg in (0, 33):
        slab = plain(dimers)
        slab.rotate(turn_deg, "z", rotate_cell=True)
        slab.info = {"sites": {"mine": {"x_A": 0.3, "y_A": 0.4}}}
        write(root / "facets/mine.extxyz", slab)
        edge_A, other_A = build("mine", root).cell.array[:2, :2]
        (site,) = (site for site in find_sites(build("mine", root)) if site.label == "mine")
        position_A = np.array(site.xy) @ [edge_A, other_A]
        assert position_A @ edge_A / np.linalg.norm(edge_A) == pytest.approx(0.3)
        assert position_A @ other_A / np.linalg.norm(other_A) == pytest.approx(0.4)


NUMBERS = "allowed: 2 numbers ≥ -1000 and ≤ 1000, or keys with values"
LABELS = "allowed: lower-case letters and digits, parts joined by '-', at most 40"


@pytest.mark.parametrize(
    ("sites", "said"),
    [
        ({"mine": [0.25]}, f"sites.mine: found [0.25]; {NUMBERS}"),
        ({"mine": "0.2 0.3"}, f"sites.mine: found '0.2 0.3'; {NUMBERS}"),
        ({"mine": [0.1, float("nan")]}, "sites.mine.1: found nan; allowed: a number ≥ -1000 and ≤ 1000"),
        ({"mine": {"x_A": 0.1}}, "sites.mine: key 'y_A' is missing"),
        ([0.25, 0.5], "sites: found [0.25, 0.5]; allowed: keys with values"),
        ("mine", "sites: found 'mine'; allowed: keys with values"),
        ({"my_site": [0.2, 0.3]}, f"sites.my_site: found the key 'my_site'; {LABELS}"),
    ],
)
def test_sites_of_a_file_are_those_that_a_recipe_could_hold(sites, said, dimers, root):
    slab = plain(dimers)
    slab.info = {"sites": sites}
    write(root / "facets/mine.extxyz", slab)
    with pytest.raises(UserError) as caught:
        build("mine", root)
    assert str(caught.value) == f"{root}/facets/mine.extxyz: info.{said}"


def tilted(slab):
    slab.cell[2, 0] = 3.0


def without_vacuum(slab):
    slab.center(vacuum=2.0, axis=2)


def without_plane(slab):
    slab.pbc = (False, False, True)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (tilted, "c perpendicular to a and b"),
        (without_vacuum, "at least 8 Å of vacuum"),
        (without_plane, "along a and b"),
    ],
)
def test_what_is_no_slab_is_refused(spoil, said, dimers, root):
    slab = plain(dimers)
    spoil(slab)
    write(root / "facets/mine.extxyz", slab)
    with pytest.raises(UserError, match=said) as caught:
        build("mine", root)
    assert "mine.extxyz" in str(caught.value)


def ocp(slab):
    """Return the tags of the Open Catalyst Project: 0 below, 1 for the surface."""
    return (slab.get_tags() <= 2) & (slab.numbers > 1)


TAGS = {
    "none": lambda slab: np.zeros(len(slab), dtype=int),
    "ocp": lambda slab: ocp(slab).astype(int),
    "one and two": lambda slab: 2 - ocp(slab),
    "from the bottom": lambda slab: 9 - slab.get_tags(),
    "halves": lambda slab: 1 + (slab.get_tags() > 4),
    "a gap": lambda slab: slab.get_tags() + (slab.get_tags() > 3),
    "huge": lambda slab: slab.get_tags() * 10**8,
    "negative": lambda slab: -slab.get_tags(),
    "H of its own": lambda slab: np.where(slab.numbers == 1, 9, slab.get_tags()),
    "as built": lambda slab: slab.get_tags(),
}


@pytest.mark.parametrize("tags", TAGS.values(), ids=TAGS.keys())
def test_layers_go_by_height_whatever_tags_mean_elsewhere(tags, dimers, root):
    slab = plain(dimers)
    slab.set_tags(tags(dimers))
    write(root / "facets/mine.extxyz", slab)
    built = build("mine", root)
    assert built.get_tags().tolist() == dimers.get_tags().tolist()
    geometry = add_adsorbate(built, find_sites(built)[0], "Li")
    assert height(geometry) == pytest.approx(geometry.positions[-1, 2] - built.positions[28:32, 2].mean())
    assert (built.get_tags() == 1).sum() == 4


def test_tags_may_say_that_a_buckled_layer_is_one(dimers, root):
    for tagged, top in ((True, 4), (False, 2)):
        slab = plain(dimers)
        slab.positions[[28, 30], 2] += 0.5
        if tagged:
            slab.set_tags(dimers.get_tags())
        write(root / "facets/mine.extxyz", slab)
        assert (build("mine", root).get_tags() == 1).sum() == top


def test_two_sides_are_what_a_file_says_only_if_they_are_alike(root):
    both = build_slab(load_recipe("C100-2x1", STRUCTURES).model_copy(update={"two_sided": True}))
    slab = plain(both)
    slab.info = {"two_sided": True, "sites": {"mine": [0.25, 0.5]}}
    write(root / "facets/mine.extxyz", slab)
    assert build("mine", root).get_tags().tolist() == both.get_tags().tolist()
    slab.positions[0] += [0, 0, 0.3]
    write(root / "facets/mine.extxyz", slab)
    with pytest.raises(UserError, match=r"mine\.extxyz: info\.two_sided: no symmetry takes its top to its back"):
        build("mine", root)
    slab.info = {"two_sided": "perhaps"}
    write(root / "facets/mine.extxyz", slab)
    with pytest.raises(UserError, match=r"info\.two_sided: found 'perhaps'; allowed: T or F"):
        build("mine", root)


def test_a_second_slab_in_the_cell_is_refused(dimers, root):
    slab = plain(dimers)
    other = slab.copy()
    other.positions[:, 2] += 20
    slab.cell[2, 2] += 40
    write(root / "facets/mine.extxyz", slab + other)
    with pytest.raises(UserError, match="besides the vacuum; allowed for a facet: one slab"):
        build("mine", root)


def test_a_molecule_is_no_facet(root):
    write(root / "facets/mine.xyz", molecule("CH4"))
    with pytest.raises(UserError, match=r"mine\.xyz: is periodic along \[\]; allowed for a facet: along a and b"):
        build("mine", root)
