"""How far a relaxation is, read from the logs of real programs while they grow, and from what GFN2 keeps."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.constraints import FixAtoms
from ase.units import Bohr, Hartree

from iondrill.cli.status import as_text
from iondrill.collect.progress import progress
from iondrill.config.levels import Cp2kLevel, VaspLevel, XtbLevel
from iondrill.engines.execute import execute
from iondrill.engines.folder import rounded, write_job
from iondrill.engines.registry import engine
from iondrill.geometry.constraints import largest_force_eV_A
from iondrill.jobs.job import Job, Relax, Static
from iondrill.jobs.journal import state_folder

if TYPE_CHECKING:
    from iondrill.config.levels import Level

DATA = Path(__file__).parents[1] / "data" / "cp2k"
NAME, WALL_S = "x.dft", 90.0
OUTCAR = """
---------------------------------------- Iteration      1(   1)  ----------------------------------------
---------------------------------------- Iteration      1(   2)  ----------------------------------------
------------------------ aborting loop because EDIFF is reached ----------------------------------------
 POSITION                                       TOTAL-FORCE (eV/Angst)
 -----------------------------------------------------------------------------------
      0.00000      0.00000      0.00000         9.000000      0.000000      0.000000
      1.00000      1.00000      1.00000         0.000000     -0.300000      0.400000
 -----------------------------------------------------------------------------------
    total drift:                                0.000001      0.000002      0.000003
  energy  without entropy=       -1.0  energy(sigma->0) =       -1.0
---------------------------------------- Iteration      2(   1)  ----------------------------------------
"""


def methane() -> Atoms:
    atoms = molecule("CH4")
    atoms.set_array("fragment", np.full(5, "nd"))
    return atoms


def job(level: Level, fmax_eV_A: float = 0.05) -> Job:
    task = Relax(fmax_eV_A=fmax_eV_A, max_steps=50)
    return Job(stage="relax", name=NAME, level_name="dft", level=level, task=task, kind="cluster")


def running(results: Path, work: Job, atoms: Atoms, **entry: Any) -> Path:
    """Write the folder of a job that runs; return that of its attempt."""
    folder = results / "jobs/relax" / NAME
    folder.mkdir(parents=True)
    atoms = rounded(atoms)
    write_job(work, atoms, folder)
    state = state_folder(folder, work.input_hash(atoms))
    first = {"reason": "running", "changed": "", "wall_s": WALL_S, "core_s": WALL_S, "n_scf_cycles": 1} | entry
    (state / "journal.json").write_text(json.dumps([first]))
    (state / "lock").touch()
    (state / "attempt-001").mkdir()
    return state / "attempt-001"


def norms_eV_A(text: str) -> np.ndarray:
    """Return the length of the last forces in a log of CP2K."""
    rows = text.rsplit("ATOMIC FORCES in [a.u.]", maxsplit=1)[-1].splitlines()[3:8]
    return np.linalg.norm([[float(word) for word in row.split()[3:]] for row in rows], axis=1) * Hartree / Bohr


def test_a_relaxation_by_cp2k_while_its_log_grows(tmp_path: Path) -> None:
    lines = (DATA / "relaxed.out").read_text().splitlines(keepends=True)
    attempt = running(tmp_path, job(Cp2kLevel(engine="cp2k")), methane())
    begins = [k for k, line in enumerate(lines) if line.strip().startswith("1 OT DIIS")]
    assert len(begins) == 5  # four geometries, and the last once more

    found = progress(tmp_path, "relax", NAME)
    assert (found.step, found.max_force_eV_A, found.scf_cycle, found.pace_s) == (0, None, 0, None)
    with (attempt.parent / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for geometry, begin in enumerate(begins[:4]):
            text = "".join(lines[: begin + 3])  # three cycles of this SCF
            (attempt / "job.out").write_text(text)
            found = progress(tmp_path, "relax", NAME)
            assert (found.state, found.step, found.scf_cycle) == ("running", max(geometry - 1, 0), 3)
            assert found.left_s is None
            if geometry:
                assert found.max_force_eV_A == pytest.approx(norms_eV_A(text).max())
                assert WALL_S / (geometry + 1) < found.pace_s < WALL_S / geometry
            else:
                assert found.max_force_eV_A is found.pace_s is None
        table = as_text([found])
    for words in ("step 2, force 0.12 of 0.05 eV/Å, SCF cycle 3", "s a step"):
        assert words in table
    assert progress(tmp_path, "relax", NAME).scf_cycle == 0  # killed


def test_a_single_point_says_in_which_cycle_it_is(tmp_path: Path) -> None:
    lines = (DATA / "static.out").read_text().splitlines(keepends=True)
    begin = next(k for k, line in enumerate(lines) if line.strip().startswith("1 OT DIIS"))
    work = job(Cp2kLevel(engine="cp2k")).model_copy(update={"task": Static()})
    attempt = running(tmp_path, work, methane())
    (attempt / "job.out").write_text("".join(lines[: begin + 5]))
    with (attempt.parent / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = progress(tmp_path, "relax", NAME)
    assert (found.scf_cycle, found.step, found.max_force_eV_A, found.pace_s) == (5, None, None, None)
    assert "SCF cycle 5" in as_text([found])


def test_fixed_atoms_and_lost_ones_do_not_count(tmp_path: Path) -> None:
    text = (DATA / "relaxed.out").read_text()
    (tmp_path / "attempt-001").mkdir()
    (tmp_path / "attempt-001/job.out").write_text(text)
    atoms = methane()
    largest = int(norms_eV_A(text).argmax())
    atoms.set_constraint(FixAtoms([largest]))
    found = engine("cp2k").standing(atoms, tmp_path, 1, began=0, wall_s=1)
    assert found.max_force_eV_A == pytest.approx(np.delete(norms_eV_A(text), largest).max())
    assert found.scf_cycle == 0
    assert engine("cp2k").standing(atoms[:4], tmp_path, 1, began=0, wall_s=1).max_force_eV_A is None
    assert largest_force_eV_A([[float("nan")] * 3], Atoms("H")) is None


def test_a_relaxation_by_vasp_whose_atoms_stand_in_another_order(tmp_path: Path) -> None:
    """The POSCAR begins with carbon, which is fixed."""
    atoms = Atoms("HC", positions=[[1, 1, 1], [0, 0, 0]], constraint=FixAtoms([1]))
    atoms.set_array("fragment", np.full(2, "nd"))
    attempt = running(tmp_path, job(VaspLevel(engine="vasp")), atoms, changed="continued from step 4")
    (attempt / "OUTCAR").write_text(OUTCAR)
    found = progress(tmp_path, "relax", NAME)
    assert (found.state, found.step) == ("stopped", 5)
    assert found.max_force_eV_A == pytest.approx(0.5)
    # two of three cycles were those of the geometry that is done
    assert found.pace_s == pytest.approx(WALL_S * 2 / 3)


def test_a_relaxation_by_gfn2_and_one_that_is_done(tmp_path: Path) -> None:
    folder, atoms, work = tmp_path / "jobs/relax" / NAME, methane(), job(XtbLevel(engine="xtb"), fmax_eV_A=0.01)
    atoms.positions[1] *= 1.2
    result = execute(work.model_dump(mode="json"), atoms, folder / "result.json", folder / "relaxed.extxyz")
    assert result.n_ionic_steps > 1
    done = progress(tmp_path, "relax", NAME)
    assert (done.state, done.step, done.pace_s) == ("converged", result.n_ionic_steps, None)
    assert f"step {done.step}, force" in as_text([done])
    (folder / "result.json").unlink()
    missed = progress(tmp_path, "relax", NAME)
    assert (missed.state, missed.step) == ("record_missing", result.n_ionic_steps)
    assert missed.max_force_eV_A == pytest.approx(result.max_force_eV_A)
    assert missed.pace_s is None, "nothing is left to do"


@pytest.mark.parametrize("name", ["structure.extxyz", "job.out"])
def test_damage_leaves_the_force_out(tmp_path: Path, name: str) -> None:
    attempt = running(tmp_path, job(Cp2kLevel(engine="cp2k")), methane())
    (attempt / "job.out").write_bytes((DATA / "relaxed.out").read_bytes())
    damaged = attempt / name if name == "job.out" else attempt.parents[2] / name
    damaged.write_bytes(b"\xff\x00 nothing of the kind\n")
    found = progress(tmp_path, "relax", NAME)
    assert found.max_force_eV_A is None
    assert found.step == (0 if name == "job.out" else 3)


def test_a_relaxation_by_gfn2_that_goes_on_counts_its_own_steps(tmp_path: Path) -> None:
    """Steps 5 to 8 of an attempt that went on from 4 are four geometries; from the start there is one more."""
    forces = np.zeros((5, 3))
    forces[1] = 0.3, 0.0, 0.4
    np.savez(tmp_path / "point-8.npz", forces=forces)
    found = engine("xtb").standing(methane(), tmp_path, 2, began=4, wall_s=12.0)
    assert found == (8, pytest.approx(0.5), 0, pytest.approx(3.0))
    assert engine("xtb").standing(methane(), tmp_path, 1, began=0, wall_s=18.0).pace_s == pytest.approx(2.0)
    assert engine("xtb").standing(methane(), tmp_path, 3, began=8, wall_s=1.0).pace_s is None
    assert engine("xtb").standing(methane(), tmp_path / "nothing", 1, began=3, wall_s=1.0) == (3, None, 0, None)
