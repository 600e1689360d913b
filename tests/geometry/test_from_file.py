"""Clusters and flakes from structure files: laid as recipes build them, or refused before anything is run."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from ase.build import graphene
from ase.io import write
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from iondrill.errors import UserError
from iondrill.geometry.constraints import fix, partly_fixed
from iondrill.geometry.registry import build

STRUCTURES = Path(__file__).parents[2] / "structures"


@pytest.fixture
def root(tmp_path):
    for folder in ("clusters", "flakes", "assemblies"):
        shutil.copytree(STRUCTURES / folder, tmp_path / folder)
    return tmp_path


def bare(name):
    """Return what files of other programs hold: no labels."""
    atoms = build(name, STRUCTURES)
    for array in ("fragment", "far_edge"):
        atoms.arrays.pop(array, None)
    return atoms


def written(atoms, root, folder, suffix="extxyz"):
    name = f"my-{folder}"
    write(root / folder / f"{name}.{suffix}", atoms)
    return build(name, root)


def lies_as(flake, built):
    """Whether a flake is the built one, but for a symmetry of it and the position."""
    a, b = ({"x": np.ptp(one.positions[:, 0]), "y": np.ptp(one.positions[:, 1])} for one in (flake, built))
    distances = [np.sort(one.get_all_distances(), axis=None) for one in (flake, built)]
    return a == pytest.approx(b, abs=0.03) and distances[0] == pytest.approx(distances[1], abs=1e-4)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(angle_deg=st.floats(-180, 180), axis=st.sampled_from(["x", "y", (1, 2, 3), (1, 0, -1)]))
def test_a_flake_that_stands_or_leans_is_laid_flat(angle_deg, axis, root):
    built, atoms = build("c24-aa-li", STRUCTURES), bare("c24-aa-li")
    atoms.rotate(angle_deg, axis)
    flake = written(atoms, root, "flakes")
    assert lies_as(flake, built)
    for name in ("lower", "upper"):
        layer = flake[flake.arrays["fragment"] == name]
        assert layer.get_chemical_formula() == "C24H12"
        assert np.ptp(layer.positions[:, 2]) < 0.03  # what less than a tenth of a degree leaves
    assert flake.arrays["far_edge"].sum() == built.arrays["far_edge"].sum()


def test_an_upright_plain_xyz_is_laid_flat_with_zigzag_sides_before_and_behind(root):
    built, atoms = build("c24-aa-li", STRUCTURES), bare("c24-aa-li")
    atoms.rotate(90, "x")
    atoms.rotate(20, "y")  # neither a side nor a corner ahead
    assert lies_as(written(atoms, root, "flakes", "xyz"), built)


def test_labels_say_which_layer_is_up(root):
    atoms = build("c24-aa-li", STRUCTURES)
    atoms.rotate(170, "x")
    flake = written(atoms, root, "flakes")
    z = {name: flake.positions[flake.arrays["fragment"] == name, 2].mean() for name in ("lower", "upper")}
    assert z["upper"] - z["lower"] == pytest.approx(3.7, abs=1e-4)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shift=st.tuples(*[st.floats(0, 1)] * 3), periodic=st.booleans(), name=st.sampled_from(["nd29", "c24-aa-li"]))
@example(shift=(0.0, 0.0, 0.5), periodic=False, name="c24-aa-li")  # no bond is cut, one layer below the other
def test_what_is_cut_by_the_edges_of_its_cell_is_joined(shift, periodic, name, root):
    atoms = bare(name)
    expected = np.sort(atoms.get_all_distances(), axis=None)
    atoms.center(vacuum=5)
    atoms.pbc = True
    atoms.positions += np.array(shift) @ atoms.cell.array
    atoms.wrap()
    atoms.pbc = periodic
    found = written(atoms, root, "clusters" if name == "nd29" else "flakes")
    assert np.sort(found.get_all_distances(), axis=None) == pytest.approx(expected, abs=1e-4)
    assert not found.pbc.any()


def cut(atoms):
    """Cut a structure by the edges of a cell that is lost."""
    atoms.center(vacuum=5)
    atoms.pbc = True
    atoms.positions += atoms.cell.lengths() / 2
    atoms.wrap()
    atoms.pbc, atoms.cell = False, None
    return atoms


def with_layers(*places):
    layer = bare("c24-aa")[:36]
    atoms = layer[:0]
    for position in places:
        moved = layer.copy()
        moved.positions += position
        atoms += moved
    return atoms


def infinite():
    sheet = graphene(size=(4, 4, 1), vacuum=8)
    sheet.pbc = True
    return sheet


@pytest.mark.parametrize(
    ("atoms", "folder", "said"),
    [
        (lambda: cut(bare("nd29")), "clusters", "pieces: "),
        (lambda: cut(bare("c24-aa")), "flakes", "pieces besides ions"),
        (lambda: bare("nd29") + with_layers([20, 0, 0]), "clusters", "is of 2 pieces: C24H12, C29"),
        (lambda: with_layers([0, 0, 0], [0, 0, 3.7], [0, 0, 7.4]), "flakes", "is of 3 pieces besides ions"),
        (lambda: with_layers([0, 0, 0], [15, 0, 0.2]), "flakes", "two pieces side by side"),
        (lambda: with_layers([0, 0, 0], [0, 0, 13]), "flakes", "C24H12 13.0 Å away from the rest"),
        (lambda: bare("nd29"), "flakes", "lie in no common plane"),
        (infinite, "flakes", "continues through its cell along ['a', 'b', 'c']"),
        (infinite, "clusters", "continues through its cell along ['a', 'b', 'c']"),
    ],
)
def test_what_is_no_cluster_or_flake_is_refused(atoms, folder, said, root):
    with pytest.raises(UserError) as caught:
        written(atoms(), root, folder)
    assert str(caught.value).startswith(f"{root}/{folder}/my-{folder}.extxyz: ")
    assert said in str(caught.value)
    assert "; allowed" in str(caught.value)


def test_a_flake_with_a_bare_armchair_edge_is_taken(root):
    """Its pairs of two-coordinated C have 1.24 Å, a triple bond."""
    sheet = with_layers([0, 0, 0])
    bonds = sheet.get_all_distances()
    hydrogen = np.flatnonzero(sheet.numbers == 1)
    rim = [int(np.flatnonzero((bonds[h] < 1.3) & (sheet.numbers == 6))[0]) for h in hydrogen]
    first = next(i for i in rim if any(j != i and bonds[i, j] < 1.5 for j in rim))
    second = next(j for j in rim if j != first and bonds[first, j] < 1.5)
    sheet.set_distance(first, second, 1.24)
    del sheet[[h for h, carbon in zip(hydrogen, rim, strict=True) if carbon in {first, second}]]
    flake = written(sheet, root, "flakes")
    assert flake.get_chemical_formula() == "C24H10"
    assert flake.get_distance(first, second) == pytest.approx(1.24, abs=1e-6)


def test_moments_charges_masses_and_forces_of_a_file_do_not_count(root):
    atoms, plain = bare("c24-aa-li"), bare("c24-aa-li")
    atoms.set_initial_magnetic_moments(np.ones(len(atoms)))
    atoms.set_initial_charges(np.ones(len(atoms)))
    atoms.set_masses(np.full(len(atoms), 50.0))
    atoms.set_array("mulliken_e", np.ones(len(atoms)))
    atoms.info = {"charge": 3, "sites": {"x": [0, 0]}}
    write(root / "flakes/plain.traj", plain)
    found, expected = written(atoms, root, "flakes", "traj"), build("plain", root)
    assert set(found.arrays) == set(expected.arrays) == {"numbers", "positions", "fragment", "far_edge"}
    assert found.info == {}
    assert found.get_masses() == pytest.approx(plain.get_masses())


def test_directions_turn_with_the_flake(root):
    atoms = bare("c24-aa")
    fixed = np.zeros((len(atoms), 3), dtype=bool)
    fixed[5] = [False, False, True]
    fix(atoms, fixed)
    atoms.rotate(90, "x")  # turns no constraint: what was along the normal is along x's other neighbour
    fix(atoms, fixed[:, [0, 2, 1]])
    assert partly_fixed(written(atoms, root, "flakes")) == {"z": [5]}


def test_a_tip_of_miller_indices_wants_the_crystal_axes_where_they_should_be(root):
    for name, turn_deg in (("along", 0), ("aside", 35)):
        atoms = bare("nd35")
        atoms.rotate(turn_deg, (1, 2, 0.5))
        write(root / f"clusters/{name}.extxyz", atoms)
        for tip in ([-1, -1, -1], "atom"):
            recipe = {"kind": "assembly", "cluster": name, "flake": "c24-aa", "tip": tip}
            path = root / f"assemblies/{name}-{'atom' if tip == 'atom' else 'miller'}.yaml"
            path.write_text(yaml.safe_dump(recipe))
    for built in ("along-miller", "along-atom", "aside-atom"):
        assert build(built, root).get_chemical_formula() == "C83H24"
    with pytest.raises(UserError, match=r"aside\.extxyz: the bonds of its fourfold carbon do not lie along <111>"):
        build("aside-miller", root)
