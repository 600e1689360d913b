"""Engines by name, and job folders that are written, read back and refused."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms, FixCartesian
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from iondrill import files
from iondrill.engines.external import templates
from iondrill.engines.external.box import check_slab, in_cube, off_the_fold
from iondrill.engines.folder import read_job, rounded
from iondrill.engines.registry import ENGINES, engine, write_folder
from iondrill.errors import UserError


@pytest.mark.parametrize("name", ENGINES)
def test_engines_are_found_by_their_name(name):
    found = engine(name)
    assert found.name == name
    assert found.available().engine == name


def test_unknown_engine_is_a_users_mistake():
    with pytest.raises(UserError, match="did you mean 'cp2k'"):
        engine("cp2")


@pytest.mark.parametrize("name", ["cp2k", "vasp"])
def test_a_missing_program_is_said_with_how_to_get_it(name, make_job):
    job = make_job(name, "atom", "static", level={"command": ["no-such-program"]})
    found = engine(name).available(job)
    assert not found.found
    assert "no-such-program" in found.detail
    assert found.install


@pytest.mark.parametrize(("name", "advice"), [("cp2k", "apt-get install cp2k"), ("vasp", "VASP is licensed")])
def test_a_missing_program_is_no_failed_calculation(name, advice, make_job, structure, tmp_path):
    job = make_job(name, "atom", "static", level={"command": ["no-such-program"]})
    with pytest.raises(UserError, match=f"no-such-program is not on the PATH; {advice}"):
        engine(name).run(job, structure("atom"), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["cp2k", "vasp"])
def test_folder_holds_job_and_structure_exactly(name, make_job, structure, tmp_path):
    job, atoms = make_job(name, "slab", "relax", note="from\na relaxation"), structure("slab")
    atoms.positions += 1 / 3
    files = write_folder(job, atoms, tmp_path / "new")
    assert {file.name for file in files} == {file.name for file in (tmp_path / "new").iterdir()}
    found, geometry = read_job(tmp_path / "new")
    assert found == job
    assert np.array_equal(geometry.positions, rounded(atoms).positions)
    assert geometry.constraints[0].get_indices().tolist() == [0]
    assert geometry.arrays["fragment"].tolist() == atoms.arrays["fragment"].tolist()
    assert json.loads((tmp_path / "new/job.json").read_text())["input_hash"] == job.input_hash(geometry)


def test_writing_leaves_the_callers_atoms_alone(make_job, structure, tmp_path):
    atoms = structure("cluster")
    before = atoms.copy()
    write_folder(make_job("cp2k", "cluster", "static"), atoms, tmp_path)
    assert np.array_equal(atoms.positions, before.positions)
    assert atoms.cell.rank == 0


def test_a_changed_folder_is_refused(make_job, structure, tmp_path):
    write_folder(make_job("cp2k", "slab", "relax"), structure("slab"), tmp_path)
    text = (tmp_path / "structure.extxyz").read_text()
    (tmp_path / "structure.extxyz").write_text(text.replace("10.00000000", "10.10000000"))
    with pytest.raises(UserError, match=r"job\.json: input_hash"):
        engine("cp2k").validate_inputs(tmp_path)


@pytest.mark.parametrize("name", ["cp2k", "vasp"])
def test_a_relaxation_in_which_nothing_moves_is_none(name, make_job, structure, tmp_path):
    atoms = structure("slab")
    atoms.set_constraint([FixAtoms([0, 1]), FixCartesian([2, 3, 4], (True, True, True))])
    with pytest.raises(UserError, match="all 5 atoms are fixed; allowed: at least one that may move"):
        write_folder(make_job(name, "slab", "relax"), atoms, tmp_path)
    assert write_folder(make_job(name, "slab", "static"), atoms, tmp_path)


def test_dynamics_with_atoms_fixed_in_part_are_refused(make_job, structure, tmp_path):
    atoms = structure("cluster")
    atoms.set_constraint(FixCartesian([2, 3], (True, False, False)))
    with pytest.raises(UserError, match="2 atoms are fixed along x alone; allowed in dynamics: atoms fixed as a whole"):
        write_folder(make_job("cp2k", "cluster", "md"), atoms, tmp_path)


def test_what_is_fixed_in_part_is_part_of_a_job(make_job, structure):
    job, hashes = make_job("cp2k", "slab", "relax"), set()
    for mask in ((False,) * 3, (True, False, False), (True, True, False), (True,) * 3):
        atoms = structure("slab")
        atoms.set_constraint(FixCartesian([2], mask))
        hashes.add(job.input_hash(atoms))
    assert len(hashes) == 4


def test_missing_templates_are_said(monkeypatch, make_job, structure, tmp_path):
    monkeypatch.setattr(files, "TEMPLATES", tmp_path / "nowhere")
    with pytest.raises(UserError, match="needs its repository"):
        write_folder(make_job("vasp", "atom", "static"), structure("atom"), tmp_path)


@pytest.mark.parametrize(
    ("text", "message"), [("{{ unheard }}", "'unheard' is undefined"), ("\n{% if %}", r"line 2\).*not valid Jinja")]
)
def test_a_broken_template_is_a_users_mistake(text, message, monkeypatch, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/broken.j2").write_text(text)
    monkeypatch.setattr(files, "TEMPLATES", tmp_path)
    with pytest.raises(UserError, match=message):
        templates.render("mine", "broken.j2")


def test_the_cube_centres_and_keeps_distances(structure):
    atoms = structure("cluster")
    boxed = in_cube(atoms)
    assert np.ptp(boxed.cell.lengths()) == 0
    assert np.allclose(boxed.positions.min(axis=0) + boxed.positions.max(axis=0), boxed.cell.lengths())
    assert np.allclose(boxed.get_all_distances(), atoms.get_all_distances())
    assert boxed.positions.min() == pytest.approx(7.5)  # half of the 15 Å of vacuum


def test_a_given_box_decides_and_may_be_too_small(structure):
    atoms = structure("cluster")
    atoms.set_cell([20, 12, 12])
    assert in_cube(atoms).cell.lengths().tolist() == [20, 20, 20]
    atoms.set_cell([6, 6, 6])
    with pytest.raises(UserError, match=r"6 Å long, and the atoms 6\.20"):
        in_cube(atoms)


@given(
    positions=arrays(float, (5, 3), elements=st.floats(-2, 2)),
    skew=st.floats(-3, 3),
)
def test_the_fold_lies_in_the_widest_gaps(positions, skew):
    """Five atoms leave a gap of a fifth or more along each vector; the fold is in its middle, and nothing is turned."""
    atoms = Atoms("C5", scaled_positions=positions, cell=[[4, 0, 0], [skew, 5, 0], [0, 0, 9]], pbc=True)
    moved = off_the_fold(atoms)
    shifts_A = moved.positions - atoms.positions
    assert np.allclose(shifts_A, shifts_A[0], atol=1e-9)
    folded = moved.cell.scaled_positions(moved.positions) % 1
    assert (np.abs(folded - 0.5).min(axis=0) > 0.1 - 1e-5).all()


def test_a_slab_needs_its_normal_along_z(structure):
    atoms = structure("slab")
    atoms.set_cell([*atoms.cell.array[:2], [0.5, 0, 18]])
    with pytest.raises(UserError, match="c along"):
        check_slab(atoms)


def test_engines_are_light_to_import():
    code = "import sys, iondrill.engines.cp2k, iondrill.engines.vasp; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pymatgen", "cp2k_input_tools", "jinja2", "pint", "tblite"} & set(loaded)
