"""What is fixed: every constraint of ASE is honoured exactly or refused by name."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.constraints import (
    FixAtoms,
    FixBondLengths,
    FixCartesian,
    FixCom,
    FixedLine,
    FixedPlane,
    FixInternals,
    FixScaled,
    Hookean,
)
from ase.io import write
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.errors import UserError
from iondrill.geometry.checks import read_structure
from iondrill.geometry.constraints import fix, fixed_atoms, fixed_directions, largest_force_eV_A, partly_fixed, turned
from iondrill.geometry.io import write_structure
from iondrill.geometry.recipes import load_recipe
from iondrill.geometry.registry import build
from iondrill.geometry.surfaces.slab import build_slab

STRUCTURES = Path(__file__).parents[2] / "structures"
CELL = [[3, 0, 0], [-1.5, 2.6, 0], [0, 0, 20]]  # c along z, b oblique


@pytest.fixture
def root(tmp_path):
    (tmp_path / "facets").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def plain():
    """Return a dimer slab as other programs hold it, of 40 atoms, 16 of them fixed, the dimers 28 to 31."""
    slab = build_slab(load_recipe("C100-2x1", STRUCTURES))
    del slab.arrays["fragment"], slab.arrays["tags"]
    return slab


def displaced(atoms, seed=0):
    """Return how each atom goes where ASE itself, with the constraints, is asked to move it anyhow."""
    free = atoms.copy()
    free.set_positions(atoms.positions + np.random.default_rng(seed).normal(0, 0.1, (len(atoms), 3)))
    return free.positions - atoms.positions


@settings(max_examples=60, deadline=None)
@given(
    kinds=st.lists(
        st.sampled_from(
            [
                FixAtoms,
                lambda some: FixCartesian(some, (True, False, True)),
                lambda some: FixCartesian(some, (False, True, False)),
                lambda some: FixScaled(some, (True, True, False)),
                lambda some: FixScaled(some, (False, False, True)),
                lambda some: FixedPlane(some, (0, 0, -2)),
                lambda some: FixedLine(some, (1, 0, 0)),
            ]
        ),
        min_size=1,
        max_size=1,
    ),
    some=st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True),
)
def test_atoms_move_along_the_axes_along_which_ase_lets_them(kinds, some):
    atoms = Atoms("C4", positions=2.0 * np.arange(12).reshape(4, 3), cell=CELL, pbc=True)
    atoms.set_constraint([kind(some) for kind in kinds])
    assert (~fixed_directions(atoms) == (np.abs(displaced(atoms)) > 1e-9)).all()


def test_two_constraints_on_an_atom_leave_what_both_leave():
    atoms = Atoms("C2", positions=[[0, 0, 0], [2, 0, 0]])
    atoms.set_constraint([FixedPlane([1], (1, 1, 0)), FixedPlane([1], (1, -1, 0))])  # oblique, but together along z
    assert fixed_directions(atoms).tolist() == [[False] * 3, [True, True, False]]
    assert (fixed_atoms(atoms), partly_fixed(atoms)) == ([], {"xy": [1]})


@settings(max_examples=30, deadline=None)
@given(fixed=st.lists(st.tuples(*[st.booleans()] * 3), min_size=5, max_size=5))
def test_what_is_fixed_comes_back_from_the_structure_file(fixed, tmp_path_factory):
    atoms = Atoms("C5", positions=2.0 * np.arange(15).reshape(5, 3))
    fix(atoms, np.array(fixed))
    path = tmp_path_factory.mktemp("fixed") / "made.extxyz"
    check = write_structure(atoms, path)
    assert (fixed_directions(read_structure(path)) == fixed).all()
    assert check.fixed_atoms == sum(map(all, fixed))
    assert sum(check.partly_fixed_atoms.values()) == sum(any(mask) and not all(mask) for mask in fixed)


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        (FixBondLengths([[28, 29]]), "holds the constraint FixBondLengths"),
        (FixInternals(bonds=[[1.38, [28, 29]]]), "holds the constraint FixInternals"),
        (Hookean(28, 29, k=5.0, rt=1.4), "holds the constraint Hookean"),
        (FixCom(), "holds the constraint FixCom"),
        (FixedPlane([28], (1, 1, 0)), "fixes atom 28 (counted from 0) in a direction that is not x, y or z"),
        (FixedLine([28], (0, 1, 1)), "fixes atom 28 (counted from 0) in a direction that is not x, y or z"),
        (FixAtoms([3, 50]), "holds a FixAtoms of an atom that is not there; allowed: 0 to 39"),
        (FixAtoms(range(40)), "fixes all 40 atoms; allowed: at least one that may move"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(constraint, said, plain, root):
    slab = plain.copy()
    slab.set_constraint(constraint)
    write(root / "facets/mine.traj", slab)
    with pytest.raises(UserError) as caught:
        build("mine", root)
    assert str(caught.value).startswith(f"{root}/facets/mine.traj: {said}")


@pytest.mark.parametrize("suffix", ["vasp", "extxyz", "traj"])
def test_a_file_that_fixes_the_dimers_in_the_plane_alone(suffix, plain, root):
    slab, fixed = plain.copy(), fixed_atoms(plain)
    mask = FixScaled if suffix == "vasp" else FixCartesian  # of the other, ASE writes nothing there
    slab.set_constraint([FixAtoms(fixed), *(mask([i], (True, True, False)) for i in range(28, 32))])
    write(root / f"facets/mine.{suffix}", slab, **({"sort": False} if suffix == "vasp" else {}))
    built = build("mine", root)
    check = write_structure(built, root / "built.extxyz")
    assert (check.fixed_atoms, check.partly_fixed_atoms) == (16, {"xy": 4})
    assert fixed_atoms(read_structure(root / "built.extxyz")) == fixed
    assert partly_fixed(read_structure(root / "built.extxyz")) == {"xy": [28, 29, 30, 31]}


def test_directions_turn_with_a_slab_that_lies_on_its_side(plain, root):
    slab = plain.copy()
    slab.rotate(90, "x", rotate_cell=True)  # the normal is -y
    slab.set_constraint(FixCartesian([28], (False, True, False)))
    write(root / "facets/mine.extxyz", slab)
    assert partly_fixed(build("mine", root)) == {"z": [28]}


def test_directions_that_lie_along_no_axis_once_turned_are_refused():
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    assert turned(np.array([[True, True, False]]), turn, "x").tolist() == [[True, True, False]]
    with pytest.raises(UserError, match="not x, y or z"):
        turned(np.array([[True, False, False]]), turn, "x")


@pytest.mark.parametrize("flags", ["f f f", ".FALSE. .FALSE. .FALSE.", "0 0 0"])
def test_flags_of_a_poscar_that_its_reader_takes_for_true_are_refused(flags, plain, root):
    path = root / "facets/mine.vasp"
    write(path, plain, sort=False)
    lines = path.read_text().splitlines()
    lines[10] = " ".join([*lines[10].split()[:3], flags])
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(UserError, match=r"mine\.vasp \(line 11\): has the flags .*; allowed: T or F"):
        build("mine", root)


@pytest.mark.parametrize("column", ["selective_dynamics", "fixed", "is_frozen", "if_pos"])
def test_columns_by_which_other_programs_fix_atoms_are_refused(column, plain, root):
    slab = plain.copy()
    slab.set_constraint()
    slab.set_array(column, np.zeros((len(slab), 3), dtype=int))
    write(root / "facets/mine.extxyz", slab)
    with pytest.raises(UserError, match=rf"has the column '{column}'; allowed for what is fixed: move_mask"):
        build("mine", root)


def test_a_move_mask_of_text_is_refused(root):
    (root / "facets/mine.extxyz").write_text("1\nProperties=species:S:1:pos:R:3:move_mask:S:1\nC 0 0 0 F\n")
    with pytest.raises(UserError, match="column move_mask as text"):
        build("mine", root)


def test_the_largest_force_is_that_along_which_an_atom_may_go():
    atoms = molecule("CH4")
    forces = np.zeros((5, 3))
    forces[:3] = [[9, 9, 9], [7, 0.3, 0.4], [0, 0, 0.1]]
    fix(atoms, np.array([[True] * 3, [True, False, False], *[[False] * 3] * 3]))
    assert largest_force_eV_A(forces, atoms) == pytest.approx(0.5)
    fix(atoms, np.ones((5, 3), dtype=bool))
    assert largest_force_eV_A(forces, atoms) is None
