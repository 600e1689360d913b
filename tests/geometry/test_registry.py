"""Structures by name: the shipped recipes, files in the place of recipes, and whatever is wrong with them."""

import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import yaml
from ase.io import write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iondrill import files
from iondrill.errors import UserError
from iondrill.geometry import recipes
from iondrill.geometry.checks import check_structure
from iondrill.geometry.crystal import crystal_names, crystal_path
from iondrill.geometry.recipes import load_recipe, recipe_files, recipe_path
from iondrill.geometry.registry import build, origins, parts

STRUCTURES = Path(__file__).parents[2] / "structures"
SHIPPED = {folder: sorted(p.stem for p in (STRUCTURES / folder).glob("*.yaml")) for folder in ("clusters", "flakes")}
ASSEMBLIES = {
    "drill-nd29-li": "C77H24Li2",
    "drill-nd29": "C77H24",
    "drill-none-li": "C48H24Li2",
    "drill-nd29-na": "C77H24Na2",
    "paper-li": "C183H36Li6",
    "paper-li-fitted": "C183H36Li6",
    "paper-none": "C108H36Li6",
    "paper-no-li": "C183H36",
    "paper-na": "C183H36Na6",
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A copy of the shipped clusters, flakes and assemblies that a test may change; besides, nothing is shipped."""
    monkeypatch.setattr(recipes, "SHIPPED", tmp_path / "nothing")
    for folder in ("clusters", "flakes", "assemblies"):
        shutil.copytree(STRUCTURES / folder, tmp_path / folder)
    return tmp_path


def put(root, where, **content):
    (root / f"{where}.yaml").write_text(yaml.safe_dump(content))


@pytest.mark.parametrize("name", SHIPPED["clusters"])
def test_shipped_clusters(name):
    atoms = build(name, STRUCTURES)
    assert set(atoms.symbols) == ({"C", "H"} if name.endswith("-h") else {"C"})
    assert set(atoms.arrays["fragment"]) == {"nd"}


@pytest.mark.parametrize("name", SHIPPED["flakes"])
def test_shipped_flakes_are_what_their_names_say(name):
    atoms = build(name, STRUCTURES)
    carbon, stacking, *ion = name.split("-")
    check = check_structure(atoms)
    order = round(np.sqrt(int(carbon[1:]) / 6))
    formula = f"C{6 * order**2}H{6 * order}"
    assert check.fragments["lower"] == check.fragments["upper"] == formula
    assert load_recipe(name, STRUCTURES).stacking == stacking.upper()
    assert bool(ion) == ("ion" in check.fragments)
    if ion:
        assert check.fragments["ion"].lower().startswith(ion[0])
    # an ion brings one valence electron
    assert check.lowest_multiplicity == 1 + (check.elements.get(ion[0][:2].title(), 0) % 2 if ion else 0)


@pytest.mark.parametrize(("name", "formula"), ASSEMBLIES.items())
def test_shipped_assemblies(name, formula):
    atoms = build(name, STRUCTURES)
    assert atoms.get_chemical_formula() == formula
    assert check_structure(atoms).lowest_multiplicity == 1
    lengths = atoms.cell.lengths()
    assert lengths == pytest.approx(lengths[0])
    assert (lengths - np.ptp(atoms.positions, axis=0)).min() >= (10 if "fitted" in name else 15) - 1e-9
    if "paper" in name and "fitted" not in name:
        assert lengths[0] == 50
    if "nd" in name or ("paper" in name and "none" not in name):
        assert (
            atoms.positions[atoms.arrays["fragment"] == "nd", 0].max()
            < atoms.positions[(atoms.arrays["fragment"] == "lower") & (atoms.symbols == "C"), 0].min()
        )


def test_the_drill_comes_with_its_sharp_end_first():
    atoms = build("paper-li", STRUCTURES)
    x = atoms.positions[atoms.arrays["fragment"] == "nd", 0]
    assert (x > x.max() - 0.1).sum() == 1


def test_every_shipped_recipe_says_what_it_is_and_where_it_comes_from():
    for folder in ("clusters", "flakes", "assemblies", "facets"):
        for path in (STRUCTURES / folder).iterdir():
            recipe = load_recipe(path.stem, STRUCTURES)
            assert recipe.description, path
            assert recipe.references, path


def test_building_twice_gives_the_same():
    first, second = (build("drill-nd29-li", STRUCTURES) for _ in range(2))
    assert (first.positions == second.positions).all()


def test_parts():
    assert parts("paper-li", STRUCTURES) == ("nd75-c3v", "c54-aa-li6")
    assert parts("paper-none", STRUCTURES) == (None, "c54-aa-li6")


def test_parts_of_what_is_no_assembly(root):
    with pytest.raises(UserError, match=r"nd29\.yaml: is a recipe of a cluster; allowed: an assembly"):
        parts("nd29", root)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cluster": "nd92"}, "nd29"),
        ({"cluster": "c24-aa"}, "'c24-aa' is a recipe of a flake; allowed: a cluster"),
        ({"flake": "nd29"}, "'nd29' is a recipe of a cluster; allowed: a flake"),
        ({"flake": "wrong"}, "there is no recipe 'wrong'"),
        ({"tip": [0, 0, 0]}, "tip (line 4): found [0, 0, 0]; allowed: indices that are not all zero"),
        ({"box": {"edge_A": 20}}, "each side"),
    ],
)
def test_wrong_assemblies_name_file_and_key(changes, message, root):
    put(root, "assemblies/mine", **{"kind": "assembly", "cluster": "nd29", "flake": "c24-aa"} | changes)
    with pytest.raises(UserError) as caught:
        build("mine", root)
    assert message in str(caught.value)
    assert "mine.yaml" in str(caught.value)
    assert next(iter(changes)) in str(caught.value)


def test_too_near_is_an_overlap(root):
    put(root, "assemblies/mine", kind="assembly", cluster="nd35", flake="c24-aa", tip=[1, 0, 0], distance_A=0.1)
    # half-way between the layers a tip stays clear of their carbon, so bring the layers together
    put(root, "flakes/c24-aa", kind="flake", ring_order=2, layers=1)
    with pytest.raises(UserError, match=r"mine\.yaml: .* Å apart; allowed: at least"):
        build("mine", root)


def test_a_broken_promise_names_the_recipe(root):
    put(root, "clusters/mine", kind="cluster", radius_A=2.96, expect_atoms=30)
    with pytest.raises(UserError, match=r"clusters/mine\.yaml: expect_atoms: the cut holds 29 atoms; expected: 30"):
        build("mine", root)


def test_unknown_name_suggests_the_nearest(root):
    with pytest.raises(UserError, match="did you mean 'nd75-c3v'"):
        build("nd75-c3", root)


def test_two_recipes_of_one_name_are_refused(root):
    shutil.copy(root / "clusters/nd29.yaml", root / "flakes/nd29.yaml")
    with pytest.raises(UserError, match=r"2 recipes 'nd29': clusters/nd29\.yaml, flakes/nd29\.yaml"):
        build("nd29", root)


@pytest.mark.parametrize("suffix", [".xyz", ".extxyz", ".cif", ".vasp", ".traj", ".pdb"])
def test_structure_files_stand_in_for_recipes(suffix, root):
    cluster, flake = build("nd29", root), build("c24-aa-na", root)
    for atoms, name in ((cluster, "clusters/mynd"), (flake, "flakes/mysheet")):
        atoms.center(vacuum=5)
        atoms.pbc = True
        if suffix == ".vasp":
            write(root / f"{name}{suffix}", atoms, format="vasp", sort=False)
        else:
            write(root / f"{name}{suffix}", atoms)
    put(root, "assemblies/mine", kind="assembly", cluster="mynd", flake="mysheet")
    put(root, "assemblies/theirs", kind="assembly", cluster="nd29", flake="c24-aa-na")
    mine, theirs = build("mine", root), build("theirs", root)
    assert mine.get_chemical_symbols() == theirs.get_chemical_symbols()
    assert mine.positions == pytest.approx(theirs.positions, abs=0.01)
    for name in ("fragment", "far_edge"):
        assert mine.arrays[name].tolist() == theirs.arrays[name].tolist()
    assert not mine.pbc.any()


def test_a_slab_file_keeps_its_cell_and_is_labelled(root):
    cluster = build("nd29", root)
    (root / "facets").mkdir()
    cluster.center(vacuum=5)
    cluster.pbc = [True, True, False]
    del cluster.arrays["fragment"]
    write(root / "facets/mine.extxyz", cluster)
    slab = build("mine", root)
    assert set(slab.arrays["fragment"]) == {"slab"}
    assert slab.pbc.tolist() == [True, True, False]
    assert slab.cell.array == pytest.approx(cluster.cell.array)


def test_a_file_with_the_labels_of_another_part_is_refused(root):
    write(root / "flakes/mine.extxyz", build("nd29", root))
    with pytest.raises(UserError, match=r"flakes/mine\.extxyz: has the fragments \['nd'\]; allowed in a flake"):
        build("mine", root)


def test_a_damaged_file_is_named(root):
    (root / "clusters/mine.xyz").write_text("3\n\nC 0 0 0\nC 0 0")
    with pytest.raises(UserError, match=r"clusters/mine\.xyz: ASE cannot read"):
        build("mine", root)


def test_what_a_project_does_not_have_is_taken_from_the_install(tmp_path):
    assert recipe_path("nd29", tmp_path) == files.SHIPPED / "clusters/nd29.yaml"
    (own,) = origins("c24-aa", tmp_path)
    assert (own.file, own.install) == ("structures/flakes/c24-aa.yaml", version("iondrill"))
    (tmp_path / "clusters").mkdir()
    put(tmp_path, "clusters/nd29", kind="cluster", radius_A=1, expect_atoms=1)
    assert recipe_path("nd29", tmp_path) == tmp_path / "clusters/nd29.yaml"
    assert len(build("nd29", tmp_path)) == 1
    of_both = origins("drill-nd29", tmp_path)
    assert [bool(one.install) for one in of_both] == [True, False, True], "assembly, cluster, flake"
    assert crystal_path("Li-bcc", tmp_path) == files.SHIPPED / "crystals/Li-bcc.yaml"
    assert crystal_path("none", tmp_path) == tmp_path / "crystals/none.yaml"


def test_notes_and_hidden_files_are_no_recipes(root):
    for name in ("README.md", ".nd29.yaml.swp", ".hidden"):
        (root / "clusters" / name).write_text("words")
    assert recipe_path("nd29", root).name == "nd29.yaml"
    with pytest.raises(UserError, match="no recipe"):
        recipe_path("README", root)


BACKUPS = [
    "{}~", "#{}#", ".#{}", ".{}.swp", "{}.swp", "{}.orig", "{}.bak", "{}.BAK", "{}.bak-1", "{}.~1~", "{}.rej",
    "{}.save", "{}.old", "{}.tmp", "{}.part", "{}.dpkg-old", "{}.rpmsave",
]  # fmt: skip


@pytest.mark.parametrize("backup", BACKUPS)
@pytest.mark.parametrize("name", ["clusters/nd29", "flakes/c24-aa-li", "assemblies/drill-nd29-li"])
def test_what_editors_leave_beside_a_recipe_is_none(name, backup, root):
    folder, stem = name.split("/")
    for kept in (f"{stem}.yaml", stem):
        (root / folder / backup.format(kept)).write_text("kind: [")
    assert recipe_path(stem, root) == root / f"{name}.yaml"
    facets = {path.stem for path in (STRUCTURES / "facets").iterdir()}
    assert set(recipe_files(root)) == set(recipe_files(STRUCTURES)) - facets


def test_folders_notes_and_pictures_beside_a_recipe_are_none(root):
    (root / "clusters/nd29").mkdir()
    (root / "clusters/nd29.d").mkdir()
    for suffix in ("md", "txt", "py", "png"):
        (root / f"clusters/nd29.{suffix}").write_text("words")
    assert recipe_path("nd29", root).name == "nd29.yaml"


def test_backups_of_crystals_are_no_crystals(tmp_path):
    shutil.copytree(STRUCTURES / "crystals", tmp_path / "crystals")
    for kept in ("#LiC6.yaml", ".#LiC6.yaml", "LiC6.yaml~", "LiC6_BACKUP_123.yaml"):
        (tmp_path / "crystals" / kept).write_text("kind: [")
    assert crystal_names(tmp_path) == crystal_names(STRUCTURES)


def test_a_spared_name_is_suggested_not_its_backup(root):
    (root / "clusters/nd29x.yaml~").write_text("")
    with pytest.raises(UserError, match="did you mean 'nd29'"):
        build("nd29x", root)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 10**9), st.floats(), st.text(max_size=5), st.just("full"), st.just("AB")
)
values = st.one_of(scalars, st.lists(scalars, max_size=4), st.dictionaries(st.text(max_size=5), scalars, max_size=2))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["clusters/nd75-c3v", "flakes/c24-aa-li", "assemblies/drill-nd29-li"]), data=st.data())
def test_corrupted_recipes_never_end_in_a_traceback(name, data, root):
    content = yaml.safe_load((STRUCTURES / f"{name}.yaml").read_text())
    known = sorted({*content, "radius_A", "cc_A", "gap_A", "layers", "stacking", "lattice_A", "centre", "edge"})
    for key in data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=2)):
        content[key] = data.draw(values)
    folder, _ = name.split("/")
    path = root / folder / f"my-{folder}.yaml"
    path.write_text(yaml.safe_dump(content))
    message = str(path)
    try:
        check_structure(build(path.stem, root))
    except UserError as error:
        message = str(error)
    assert str(path) in message
