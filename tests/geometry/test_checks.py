"""Checks against brute force, and files with every kind of damage."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.constraints import FixAtoms
from ase.io import write
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from iondrill.errors import UserError
from iondrill.geometry.checks import Check, check_structure, read_structure
from iondrill.geometry.io import write_structure
from iondrill.geometry.labels import set_fragment

FORMATS = {".xyz": "xyz", ".extxyz": "extxyz", ".cif": "cif", ".vasp": "vasp", ".json": "json", ".traj": "traj"}
FORMATS |= {".pdb": "proteindatabank", ".gen": "gen", ".xsf": "xsf"}
fast = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def slab():
    atoms = bulk("C", "diamond", a=3.567, cubic=True).repeat((2, 2, 1))
    atoms.center(vacuum=6, axis=2)
    atoms.pbc = [True, True, False]
    set_fragment(atoms, "slab")
    atoms.set_constraint(FixAtoms([0, 3, 5]))
    return atoms


def brute_shortest(atoms):
    """The shortest distance over the images in two shells of cells."""
    shortest = np.inf
    for n in product(*[range(-2, 3) if periodic else [0] for periodic in atoms.pbc]):
        apart = atoms.positions[:, None] - atoms.positions + np.array(n) @ atoms.cell.array
        lengths = np.linalg.norm(apart, axis=2)
        shortest = min(shortest, lengths[lengths > 1e-9].min(initial=np.inf))
    return shortest


@fast
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 4),
    edges=st.tuples(*[st.floats(4, 9)] * 3),
    shear=st.tuples(*[st.floats(-1.5, 1.5)] * 3),
    pbc=st.tuples(*[st.booleans()] * 3),
)
def test_shortest_distance_is_that_of_brute_force(seed, count, edges, shear, pbc):
    cell = np.diag(edges)
    cell[1, 0], cell[2, 0], cell[2, 1] = shear
    random = np.random.default_rng(seed)
    atoms = Atoms(
        random.choice(["H", "C", "Li"], count), positions=random.random((count, 3)) @ cell, cell=cell, pbc=pbc
    )
    expected = brute_shortest(atoms)
    assume(expected > 2 * 0.75 * 1.28)  # two Li, the largest
    shortest_A = check_structure(atoms).shortest_A
    assert (np.inf if shortest_A is None else shortest_A) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "coordination", "electrons", "multiplicity"),
    [
        ("C6H6", {"C": {3: 6}, "H": {1: 6}}, 42, 1),
        ("CH4", {"C": {4: 1}, "H": {1: 4}}, 10, 1),
        ("CH3", {"C": {3: 1}, "H": {1: 3}}, 9, 2),
        ("C2H2", {"C": {2: 2}, "H": {1: 2}}, 14, 1),
        ("Li2", {}, 6, 1),
    ],
)
def test_molecules(name, coordination, electrons, multiplicity):
    check = check_structure(molecule(name))
    assert check.coordination == coordination
    assert (check.electrons, check.lowest_multiplicity) == (electrons, multiplicity)
    assert check.fragments == {}


def test_diamond_is_fourfold_across_its_boundaries():
    atoms = bulk("C", "diamond", a=3.567)
    check = check_structure(atoms)
    assert check.coordination == {"C": {4: 2}}
    assert check.shortest_A == pytest.approx(3.567 * np.sqrt(3) / 4, abs=1e-5)


def test_an_ion_is_no_neighbour():
    atoms = molecule("C6H6")
    atoms += Atoms("Li", [[0, 0, 1.75]])
    check = check_structure(atoms)
    assert check.coordination == {"C": {3: 6}, "H": {1: 6}}
    assert check.lowest_multiplicity == 2


def test_record_of_a_slab():
    check = check_structure(slab())
    assert check.elements == {"C": 32}
    assert check.fragments == {"slab": "C32"}
    assert check.fixed_atoms == 3
    assert check.pbc == (True, True, False)
    assert check.cell_A[0] == pytest.approx(2 * 3.567)


@fast
@given(first=st.integers(0, 31), second=st.integers(0, 31), distance_A=st.floats(0, 1.13))
def test_overlap_names_pair_distance_and_limit(first, second, distance_A):
    assume(first != second)
    atoms = slab()
    # into the neighbour, across the boundary where there is one
    atoms.positions[second] = atoms.positions[first] + [7.134 * (first % 3), 0.6 * distance_A, 0.8 * distance_A]
    with pytest.raises(UserError) as caught:
        check_structure(atoms, "my.xyz")
    (problem,) = caught.value.problems
    assert problem.where == "my.xyz"
    assert problem.allowed == "allowed: at least 1.140 Å"  # three quarters of two covalent radii of 0.76 Å
    named = {int(word[1:]) for word in problem.found.split() if word[1:].isdigit()}
    assert len(named) == 2
    vector = atoms.get_distance(*named, mic=True)
    assert f"{vector:.3f} Å apart" in problem.found


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (Atoms(), "no atoms"),
        (Atoms("X", [[0, 0, 0]]), "no element"),
        (Atoms("CH", [[0, 0, 0], [0, np.nan, 0]]), "atom 1"),
        (Atoms("CH", [[0, 0, -np.inf], [0, 0, 0]]), "atom 0"),
        (Atoms("CH", [[0, 0, 1e200], [0, 0, 0]]), "atom 0"),
        (Atoms("C", [[0, 0, 0]], pbc=True), "periodic"),
        (Atoms("C", [[0, 0, 0]], cell=[5, 5, 1e-9], pbc=True), "periodic"),
        (Atoms("C", [[0, 0, 0]], cell=[[5, 0, 0], [5, 1e-7, 0], [0, 0, 5]], pbc=True), "periodic"),
        (Atoms("C", [[0, 0, 0]], cell=[[5, 0, 0], [5, 0, 0], [0, 0, 5]], pbc=True), "periodic"),
        (Atoms("C", [[0, 0, 0]], cell=[5, 5, np.nan], pbc=True), "periodic"),
    ],
)
def test_what_is_no_structure(atoms, message):
    with pytest.raises(UserError, match=message):
        check_structure(atoms)


def test_unknown_fragments_are_refused():
    atoms = molecule("CH4")
    atoms.set_array("fragment", np.array(["nd", "nd", "nano", "nd", "slab"]))
    with pytest.raises(UserError, match=r"\['nano'\]; allowed: nd, below, lower"):
        check_structure(atoms)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_structure(tmp_path / "none.xyz")
    with pytest.raises(UserError, match="no such file"):
        read_structure(tmp_path)


def only_user_error(path):
    """Read; whatever is no sound structure must be the user's error, and name the file."""
    message = str(path)
    try:
        check_structure(read_structure(path))
    except UserError as error:
        message = str(error)
    assert str(path) in message


@fast
@given(content=st.binary(max_size=300), suffix=st.sampled_from([*FORMATS, "", ".db", ".nc", ".cube", ".inp", ".foo"]))
def test_random_bytes(content, suffix, tmp_path):
    path = tmp_path / f"random{suffix}"
    path.write_bytes(content)
    only_user_error(path)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    for suffix, name in FORMATS.items():
        atoms = slab()
        if name in {"proteindatabank", "xsf", "cif"}:
            atoms.pbc = True
        write(folder / f"slab{suffix}", atoms, format=name)
    return folder


@fast
@given(suffix=st.sampled_from(list(FORMATS)), keep=st.floats(0, 1))
def test_truncated_files(suffix, keep, sound, tmp_path):
    whole = (sound / f"slab{suffix}").read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole[: int(keep * len(whole))])
    only_user_error(path)


@fast
@given(suffix=st.sampled_from(list(FORMATS)), at=st.floats(0, 0.999), byte=st.integers(0, 255))
def test_files_with_a_wrong_byte(suffix, at, byte, sound, tmp_path):
    content = bytearray((sound / f"slab{suffix}").read_bytes())
    content[int(at * len(content))] = byte
    path = tmp_path / f"wrong{suffix}"
    path.write_bytes(content)
    only_user_error(path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_sound_files_are_read(suffix, sound):
    atoms = read_structure(sound / f"slab{suffix}")
    assert atoms.get_chemical_formula() == "C32"
    assert atoms.calc is None


def test_a_path_with_an_at_sign(tmp_path):
    path = tmp_path / "a@b" / "c@1.xyz"
    path.parent.mkdir()
    write(path.parent / "plain.xyz", molecule("CH4"))
    (path.parent / "plain.xyz").rename(path)
    assert len(read_structure(path)) == 5


@fast
@given(
    seed=st.integers(0, 10**6),
    labels=st.lists(st.sampled_from(["nd", "lower", "upper", "ion", "slab", "adsorbate"]), min_size=1, max_size=6),
    fixed=st.sets(st.integers(0, 5)),
    pbc=st.tuples(*[st.booleans()] * 3),
)
def test_written_structures_come_back(seed, labels, fixed, pbc, tmp_path):
    random = np.random.default_rng(seed)
    count = len(labels)
    positions = random.random((count, 3)) + 3 * np.arange(count)[:, None]
    atoms = Atoms(random.choice(["H", "C", "Li"], count), positions=positions, cell=[30, 31, 32], pbc=pbc)
    set_fragment(atoms, labels)
    far = random.random(count) < 0.5
    atoms.set_array("far_edge", far)
    kept = sorted(index for index in fixed if index < count)
    if kept:
        atoms.set_constraint(FixAtoms(kept))
    path = tmp_path / "new" / "made.extxyz"
    check = write_structure(atoms, path)
    back = read_structure(path)
    assert back.get_chemical_symbols() == atoms.get_chemical_symbols()
    assert np.abs(back.positions - atoms.positions).max() <= 1e-8
    assert back.cell.array == pytest.approx(atoms.cell.array)
    assert tuple(back.pbc) == pbc
    assert back.arrays["fragment"].tolist() == labels
    assert back.arrays["far_edge"].tolist() == far.tolist()
    assert sorted(i for constraint in back.constraints for i in constraint.index.tolist()) == kept
    assert Check.model_validate_json(path.with_suffix(".json").read_text()) == check
    assert sorted(p.name for p in path.parent.iterdir()) == ["made.extxyz", "made.json"]


def test_a_structure_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "made.extxyz"
    write_structure(molecule("CH4"), path)
    before = [(p.name, p.read_bytes()) for p in sorted(tmp_path.iterdir())]
    with pytest.raises(UserError, match=r"made\.extxyz"):
        write_structure(Atoms("C2", [[0, 0, 0], [0, 0, 0.5]]), path)
    assert [(p.name, p.read_bytes()) for p in sorted(tmp_path.iterdir())] == before


def test_record_is_plain_json(tmp_path):
    write_structure(slab(), tmp_path / "slab.extxyz")
    record = json.loads((tmp_path / "slab.json").read_text())
    assert {"formula", "elements", "shortest_A", "coordination", "cell_A"} <= record.keys()


def test_labels_survive_joining():
    short, long = molecule("CH4"), Atoms("Li", [[5, 5, 5]])
    set_fragment(short, "nd")
    set_fragment(long, "adsorbate")
    assert (short + long).arrays["fragment"][-1] == "adsorbate"


def test_only_whole_files_appear(tmp_path, monkeypatch):
    path = tmp_path / "made.extxyz"

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_structure(molecule("CH4"), path)
    assert not list(tmp_path.iterdir())
