"""The embedded engine: physics by invariants, and runs that survive being killed."""

from __future__ import annotations

import itertools
import json
import pickle
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.constraints import FixAtoms, FixCartesian, FixedPlane

from iondrill.config.levels import XtbLevel
from iondrill.engines.embedded.calculator import ScfNotConvergedError
from iondrill.engines.xtb import XtbEngine, blas
from iondrill.engines.xtb.calculator import XtbCalculator
from iondrill.errors import UserError
from iondrill.jobs.frame_format import record_type
from iondrill.jobs.frames import Frames
from iondrill.jobs.job import Job
from iondrill.jobs.journal import Journal, state_folder

if TYPE_CHECKING:
    from pathlib import Path

LEVEL = XtbLevel(engine="xtb")


def job(task: dict[str, Any], **changes: Any) -> Job:
    fields = {"stage": "md", "name": "x.gfn2", "level_name": "gfn2", "level": LEVEL, "kind": "cluster", "task": task}
    return Job.model_validate({**fields, **changes})


def md_job(**changes: Any) -> Job:
    task = {
        "task": "md",
        "steps": 30,
        "timestep_fs": 0.5,
        "temperature_K": 300,
        "thermostat": {"time_constant_fs": 20},
        "launch_m_s": 0,
        "save_every": 1,
        "seed": 7,
    }
    return job({**task, **changes})


def labelled(atoms: Atoms, fragment: str = "nd") -> Atoms:
    atoms.set_array("fragment", np.array([fragment] * len(atoms), dtype="U10"))
    return atoms


def benzene_and_lithium() -> Atoms:
    atoms = molecule("C6H6")
    labels = ["lower"] * len(atoms) + ["nd"]
    atoms += Atoms("Li", positions=[[0.0, 0.0, 2.2]])
    atoms.set_array("fragment", np.array(labels, dtype="U10"))
    return atoms


# --- the calculator --------------------------------------------------------------------------------------------


def test_forces_are_the_slope_of_the_energy() -> None:
    atoms = molecule("CH3OH")
    atoms.rattle(0.05, seed=1)
    atoms.calc = XtbCalculator(LEVEL.model_copy(update={"accuracy": 0.01}))
    forces, step = atoms.get_forces(), 1e-3
    for index, axis in ((0, 0), (1, 2), (4, 1)):
        energies = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions[index, axis] += sign * step
            moved.calc = XtbCalculator(LEVEL.model_copy(update={"accuracy": 0.01}))
            energies.append(moved.get_potential_energy())
        assert -(energies[0] - energies[1]) / (2 * step) == pytest.approx(forces[index, axis], abs=2e-4)


def test_energy_does_not_know_where_the_molecule_is() -> None:
    energies = []
    for turn, shift in ((0, 0), (40, 3)):
        atoms = molecule("C2H4")
        atoms.rotate(turn, (1, 2, 3))
        atoms.positions += shift
        atoms.calc = XtbCalculator(LEVEL)
        energies.append(atoms.get_potential_energy())
    assert energies[0] == pytest.approx(energies[1], abs=1e-5)


def test_same_energy_as_the_ase_interface_of_tblite() -> None:
    from tblite.ase import TBLite

    atoms = benzene_and_lithium()
    atoms.calc = XtbCalculator(LEVEL, unpaired=1)
    ours, charges = atoms.get_potential_energy(), atoms.get_charges()
    atoms.calc = TBLite(method="GFN2-xTB", multiplicity=2, verbosity=0)
    assert ours == pytest.approx(atoms.get_potential_energy(), abs=1e-5)
    assert charges.sum() == pytest.approx(0.0, abs=1e-6)


def test_scf_cycles_are_counted_and_a_warm_start_takes_fewer() -> None:
    atoms = molecule("C6H6")
    atoms.calc = calculator = XtbCalculator(LEVEL)
    atoms.get_forces()
    cold = calculator.n_scf_cycles
    atoms.positions[0, 0] += 1e-4
    atoms.get_forces()
    assert 0 < calculator.n_scf_cycles - cold < cold


def test_too_few_cycles_are_an_error_never_a_number() -> None:
    atoms = molecule("C6H6")
    atoms.calc = XtbCalculator(LEVEL.model_copy(update={"max_scf_cycles": 2}))
    with pytest.raises(ScfNotConvergedError, match="2 cycles"):
        atoms.get_potential_energy()


def test_a_fallback_of_the_ladder_is_recorded() -> None:
    """The first start is refused, as by an SCF that does not converge; the next one counts, by its name."""
    atoms = molecule("LiF")
    atoms.calc = calculator = XtbCalculator(LEVEL.model_copy(update={"max_scf_cycles": 60}))
    original = calculator._singlepoint
    refused: list[str] = []

    def refuse_warm_starts(fallback: Any) -> Any:
        if fallback.restart or not refused:
            refused.append(fallback.name)
            raise RuntimeError("SCF not converged")
        return original(fallback)

    calculator._singlepoint = refuse_warm_starts  # type: ignore[method-assign]
    atoms.get_potential_energy()
    assert refused == ["start from superposed atoms"]
    assert calculator.remarks == ["mixer of short memory"]


def test_a_fast_blas_is_bound() -> None:
    assert blas.bind().fast, "libopenblas.so.0 is needed: apt-get install libopenblas0"


# --- relaxation and single points ------------------------------------------------------------------------------


def test_relaxation_ends_where_the_forces_vanish(tmp_path: Path) -> None:
    atoms = labelled(molecule("C2H6"))
    atoms.rattle(0.1, seed=3)
    result, final = XtbEngine().run(job({"task": "relax", "fmax_eV_A": 0.02, "max_steps": 200}), atoms, tmp_path)
    assert result.status == "converged"
    assert result.max_force_eV_A is not None
    assert result.max_force_eV_A <= 0.02
    fresh = final.copy()
    fresh.calc = XtbCalculator(LEVEL)
    assert np.linalg.norm(fresh.get_forces(), axis=1).max() <= 0.025
    assert result.energy_eV == pytest.approx(fresh.get_potential_energy(), abs=1e-4)


def test_fixed_atoms_stay(tmp_path: Path) -> None:
    atoms = labelled(molecule("C2H6"))
    atoms.rattle(0.1, seed=3)
    atoms.set_constraint(FixAtoms([0, 3]))
    _, final = XtbEngine().run(job({"task": "relax", "fmax_eV_A": 0.05, "max_steps": 200}), atoms, tmp_path)
    assert np.array_equal(final.positions[[0, 3]], atoms.positions[[0, 3]])
    assert not np.allclose(final.positions, atoms.positions)


def test_atoms_fixed_along_axes_move_along_the_others_alone(tmp_path: Path) -> None:
    atoms = labelled(molecule("C2H6"))
    atoms.rattle(0.1, seed=3)
    atoms.set_constraint([FixAtoms([0]), FixCartesian([1, 4], (True, True, False)), FixedPlane([5], (1, 0, 0))])
    task = job({"task": "relax", "fmax_eV_A": 0.02, "max_steps": 200})
    result, final = XtbEngine().run(task, atoms, tmp_path)
    moved = np.abs(final.positions - atoms.positions) > 1e-12
    assert (result.status, moved[[0, 1, 4, 5]].tolist()) == (
        "converged",
        [[False] * 3, [False, False, True], [False, False, True], [False, True, True]],
    )
    final.calc = XtbCalculator(LEVEL)
    forces = final.get_forces(apply_constraint=False)  # what is left is on fixed atoms, and far more
    free = np.where(moved[[1, 4, 5]], forces[[1, 4, 5]], 0.0)
    largest = max(np.linalg.norm(np.vstack([free, forces[[2, 3, 6, 7]]]), axis=1))
    assert result.max_force_eV_A == pytest.approx(largest, abs=2e-3)
    assert largest < 0.025
    assert np.linalg.norm(forces, axis=1).max() > 0.1


@pytest.mark.parametrize("name", ["killed", "Größe 'a'; \udcff"])
def test_an_interrupted_relaxation_goes_on_digit_for_digit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Interrupted in every second SCF, it takes the same steps to the same point as one that nothing interrupted.

    Whatever the folder is called that the wavefunction is kept in.
    """
    atoms, task = labelled(molecule("C2H6")), job({"task": "relax", "fmax_eV_A": 0.02, "max_steps": 200})
    atoms.rattle(0.1, seed=3)
    uninterrupted, there = XtbEngine().run(task, atoms, tmp_path / "uninterrupted")
    calls, climb = itertools.count(1), XtbCalculator._climb

    def interrupted(calculator: XtbCalculator) -> Any:
        if next(calls) % 3 == 0:
            raise KeyboardInterrupt
        return climb(calculator)

    monkeypatch.setattr(XtbCalculator, "_climb", interrupted)
    for _ in range(uninterrupted.n_ionic_steps + 2):
        with suppress(KeyboardInterrupt):
            result, final = XtbEngine().run(task, atoms, tmp_path / name)
            break
    assert len(result.attempts) > 2
    assert result.n_ionic_steps == uninterrupted.n_ionic_steps
    assert result.energy_eV == uninterrupted.energy_eV
    assert np.array_equal(final.positions, there.positions)


def test_a_relaxation_that_runs_out_of_steps_has_no_energy(tmp_path: Path) -> None:
    atoms = labelled(molecule("C2H6"))
    atoms.rattle(0.2, seed=3)
    result, _ = XtbEngine().run(job({"task": "relax", "fmax_eV_A": 1e-4, "max_steps": 2}), atoms, tmp_path)
    assert result.status == "not_converged"
    assert result.energy_eV is None
    assert result.max_force_eV_A is None
    assert "2 steps" in result.attempts[-1].reason


def test_an_scf_that_fails_gives_a_record_without_energy(tmp_path: Path) -> None:
    level = LEVEL.model_copy(update={"max_scf_cycles": 2})
    result, _ = XtbEngine().run(job({"task": "static"}, level=level), labelled(molecule("C6H6")), tmp_path)
    assert result.status == "not_converged"
    assert result.energy_eV is None
    assert "SCF" in result.attempts[-1].reason


def test_open_shells_follow_from_the_electrons(tmp_path: Path) -> None:
    """The lithium atom is a doublet: its GFN2 energy is that of one unpaired electron."""
    result, _ = XtbEngine().run(job({"task": "static"}), labelled(Atoms("Li")), tmp_path)
    atom = Atoms("Li")
    atom.calc = XtbCalculator(LEVEL, unpaired=1)
    assert result.energy_eV == pytest.approx(atom.get_potential_energy(), abs=1e-8)


def test_an_element_without_parameters_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no parameters for Xe"):
        XtbEngine().write_inputs(job({"task": "static"}), labelled(Atoms("Xe")), tmp_path)


# --- molecular dynamics ----------------------------------------------------------------------------------------


def frames_of(the_job: Job, atoms: Atoms, folder: Path) -> Frames:
    return Frames(state_folder(folder, the_job.input_hash(atoms)) / "frames.bin", stride=the_job.task.save_every)


def test_energy_is_conserved_without_thermostat_and_heat_is_booked_with_it(tmp_path: Path) -> None:
    """The drift of velocity Verlet falls with the square of the time step."""
    drifts = {}
    for kind in ("none", "csvr"):
        for timestep in (0.5, 0.25):
            atoms = labelled(molecule("C2H6"))
            steps = int(20 / timestep)
            level = LEVEL.model_copy(update={"accuracy": 0.01})
            run = md_job(steps=steps, timestep_fs=timestep, thermostat={"kind": kind, "time_constant_fs": 20})
            run = run.model_copy(update={"level": level})
            folder = tmp_path / f"{kind}-{timestep}"
            XtbEngine().run(run, atoms, folder)
            conserved = np.concatenate([chunk["conserved_eV"] for chunk in frames_of(run, atoms, folder).chunks()])
            drifts[kind, timestep] = np.ptp(conserved)
    assert drifts["none", 0.5] < 0.05
    assert drifts["csvr", 0.5] < 0.05
    assert 2.5 < drifts["none", 0.5] / drifts["none", 0.25] < 6.0


def test_momentum_stays_zero_when_nothing_is_fixed(tmp_path: Path) -> None:
    atoms = labelled(molecule("C2H6"))
    run = md_job()
    _, final = XtbEngine().run(run, atoms, tmp_path)
    assert np.abs(final.get_momenta().sum(axis=0)).max() < 1e-3


def test_launch_gives_the_nanodiamond_its_speed_and_the_flake_none(tmp_path: Path) -> None:
    atoms = benzene_and_lithium()
    atoms.set_constraint(FixAtoms([0]))
    run = md_job(steps=1, launch_m_s=500, thermostat={"group": "flake"})
    XtbEngine().run(run, atoms, tmp_path)
    velocities = frames_of(run, atoms, tmp_path)[0]["velocities_A_fs"]
    assert velocities[-1] == pytest.approx([500e-5, 0, 0])
    assert np.array_equal(velocities[0], [0, 0, 0])
    assert np.abs(velocities[1:-1, 0].mean()) < 2e-2


def test_thermostat_of_the_flake_leaves_the_nanodiamond_alone(tmp_path: Path) -> None:
    """Without forces between them the launched atom would keep its speed; far away it nearly does."""
    atoms = benzene_and_lithium()
    atoms.positions[-1] += [0, 0, 20]
    run = md_job(steps=20, launch_m_s=1000, thermostat={"group": "flake", "time_constant_fs": 1})
    XtbEngine().run(run, atoms, tmp_path)
    frames = frames_of(run, atoms, tmp_path)
    assert frames[20]["velocities_A_fs"][-1, 0] == pytest.approx(1000e-5, rel=1e-3)
    assert frames[20]["positions_A"][-1, 0] == pytest.approx(20 * 0.5 * 1000e-5, rel=1e-3)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


RUN = """
import pathlib, pickle, sys
from iondrill.engines.xtb import XtbEngine
job, atoms = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())
XtbEngine().run(job, atoms, pathlib.Path(sys.argv[2]))
"""


def test_a_killed_run_goes_on_digit_for_digit(tmp_path: Path) -> None:
    """SIGKILL at several moments; every step is there once, and equals the run that nothing interrupted."""
    run, atoms = md_job(steps=60), benzene_and_lithium()
    XtbEngine().run(run, atoms, tmp_path / "whole")
    whole = frames_of(run, atoms, tmp_path / "whole")
    folder = tmp_path / "killed"
    (tmp_path / "job.pickle").write_bytes(pickle.dumps((run, atoms)))
    state = state_folder(folder, run.input_hash(atoms))
    frame_bytes = record_type(len(atoms), forces=True, charges=True).itemsize
    for target in (3, 11, 22):
        process = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path / "job.pickle"), str(folder)])
        while process.poll() is None and _size(state / "frames.bin") < target * frame_bytes:
            time.sleep(0.001)
        assert process.poll() is None, "the run was over before it could be killed"
        process.kill()
        process.wait()
    result, _ = XtbEngine().run(run, benzene_and_lithium(), folder)
    again = frames_of(run, atoms, folder)
    assert again.steps.tolist() == list(range(61))
    for field in again.fields:
        assert all(np.array_equal(again[i][field], whole[i][field]) for i in range(61)), field
    assert [attempt.reason.split(" at ")[0] for attempt in result.attempts] == ["killed"] * 3 + ["finished"]
    assert "continued from step" in result.attempts[-1].changed


@pytest.mark.parametrize("victims", ["wavefunction-6", "point-6", "wavefunction-*", "point-*"])
def test_a_damaged_state_costs_time_and_changes_nothing(tmp_path: Path, victims: str) -> None:
    """Found by the drill: it went on from superposed atoms, near what it would have been, but not equal."""
    run, atoms = md_job(steps=6), benzene_and_lithium()
    XtbEngine().run(run, atoms, tmp_path)
    whole = [frame.copy() for frame in frames_of(run, atoms, tmp_path)]
    damaged = list(state_folder(tmp_path, run.input_hash(atoms)).glob(f"{victims}.npz"))
    assert len(damaged) == (2 if "*" in victims else 1)
    for path in damaged:
        path.write_bytes(path.read_bytes()[:100])
    result, _ = XtbEngine().run(run, benzene_and_lithium(), tmp_path)
    assert result.attempts[-1].changed == ("" if "*" in victims else "continued from step 5")
    again = frames_of(run, atoms, tmp_path)
    assert again.steps.tolist() == list(range(7))
    for field in again.fields:
        assert all(np.array_equal(again[i][field], frame[field]) for i, frame in enumerate(whole)), field


@pytest.mark.parametrize("victims", ["wavefunction", "point"])
def test_a_relaxation_with_a_damaged_state_ends_as_if_it_were_whole(tmp_path: Path, victims: str) -> None:
    run = job({"task": "relax", "fmax_eV_A": 1e-4, "max_steps": 6})
    uninterrupted, end = XtbEngine().run(run, benzene_and_lithium(), tmp_path / "uninterrupted")
    XtbEngine().run(run, benzene_and_lithium(), tmp_path / "cut")
    (last, *_) = sorted((tmp_path / "cut").glob(f"state/*/{victims}-*.npz"))[-1:]
    last.write_bytes(last.read_bytes()[:100])
    result, again = XtbEngine().run(run, benzene_and_lithium(), tmp_path / "cut")
    assert result.energy_eV == uninterrupted.energy_eV
    assert np.array_equal(again.positions, end.positions)


def test_a_run_whose_frames_are_lost_begins_at_its_start(tmp_path: Path) -> None:
    """Found by the drill: it began at the geometry of the restart whose frame was lost."""
    run, atoms = md_job(steps=8), benzene_and_lithium()
    XtbEngine().run(run, atoms, tmp_path)
    log = state_folder(tmp_path, run.input_hash(atoms)) / "frames.bin"
    whole = [frame.copy() for frame in frames_of(run, atoms, tmp_path)]
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    XtbEngine().run(run, benzene_and_lithium(), tmp_path)
    again = frames_of(run, atoms, tmp_path)
    assert all(np.array_equal(again[i]["positions_A"], frame["positions_A"]) for i, frame in enumerate(whole))


def test_the_seed_decides_the_run(tmp_path: Path) -> None:
    energies = []
    for number, seed in enumerate((7, 7, 8)):
        result, _ = XtbEngine().run(md_job(steps=5, seed=seed), benzene_and_lithium(), tmp_path / str(number))
        energies.append(result.energy_eV)
    assert energies[0] == energies[1] != energies[2]


def test_a_cut_journal_does_not_stop_a_run(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    path.write_text('[{"reason": "run')
    journal = Journal(path)
    journal.begin()
    journal.end("finished", 3)
    assert [entry["reason"] for entry in json.loads(path.read_text())] == ["finished"]
    assert journal.cost("n_scf_cycles") == 3


@pytest.mark.parametrize("level_K", [300.0, 2500.0])
def test_the_last_way_to_start_an_scf_has_hotter_electrons_than_the_level(
    level_K: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    calculator = XtbCalculator(LEVEL.model_copy(update={"electronic_temperature_K": level_K, "max_scf_cycles": 1}))
    asked_K, api = [], calculator.api

    def noted(temperature_K: float | None = None, settings: Any = ()) -> Any:
        asked_K.append(temperature_K)
        made = api(temperature_K, settings)
        if temperature_K is not None:
            made.set("max-iter", 250)  # the hotter one converges, the level's own does not
        return made

    monkeypatch.setattr(calculator, "api", noted)
    atoms = molecule("CH4")
    atoms.calc = calculator
    with pytest.raises(ScfNotConvergedError):
        atoms.get_potential_energy()
    hot_K = [kelvin for kelvin in asked_K if kelvin is not None]
    assert hot_K
    assert min(hot_K) > level_K
