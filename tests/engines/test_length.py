"""How long a run is does not decide what it is: made longer it resumes, made shorter it loses nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase.build import molecule

from iondrill.cli.status import as_text
from iondrill.collect.progress import progress
from iondrill.config.base import Thermalise, Thermostat
from iondrill.config.levels import XtbLevel
from iondrill.engines.base import StoppedError, read_result
from iondrill.engines.embedded.velocities import bodies, temperature_K
from iondrill.engines.execute import execute, publish
from iondrill.engines.external.attempt import EXIT
from iondrill.engines.folder import LAST, RESULT, THERMALISED
from iondrill.engines.length import FRAMES
from iondrill.geometry.checks import read_structure
from iondrill.jobs.frames import FrameLog, Frames
from iondrill.jobs.job import Job, Md

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.engines.base import Result

NAME = "drill.gfn2"


def job(steps: int, **changes: Any) -> Job:
    settings = {"timestep_fs": 0.5, "temperature_K": 300.0, "launch_m_s": 0.0, "save_every": 2, "seed": 5}
    task = Md(steps=steps, thermostat=Thermostat(time_constant_fs=20), **(settings | changes))
    level = XtbLevel(engine="xtb")
    return Job(stage="md", name=NAME, level_name="gfn2", level=level, task=task, kind="cluster")


def methane() -> Atoms:
    atoms = molecule("CH4")
    atoms.set_array("fragment", np.array(["lower"] * 5))
    return atoms


def pair() -> Atoms:
    """Return methane, and hydrogen far before it that is to be launched."""
    atoms = molecule("H2") + molecule("CH4")
    atoms.positions[:2, 0] -= 8
    atoms.set_array("fragment", np.array(["nd"] * 2 + ["lower"] * 5))
    return atoms


def run(the_job: Job, folder: Path, atoms: Atoms | None = None) -> tuple[Result, Frames]:
    atoms = methane() if atoms is None else atoms
    result = execute(the_job.model_dump(mode="json"), atoms, folder / RESULT, folder / LAST)
    if result.status == "converged":
        publish(the_job, folder)
    return result, Frames(folder / FRAMES, stride=the_job.task.save_every)


def equal(one: Frames, other: Frames) -> bool:
    return one.steps.tolist() == other.steps.tolist() and all(
        np.array_equal(one[i][name], other[i][name]) for i in range(len(one)) for name in one.fields
    )


def test_a_run_of_200_and_then_210_steps_equals_one_of_210(tmp_path: Path) -> None:
    whole, frames = run(job(210), tmp_path / "whole")
    short, _ = run(job(200), tmp_path / "longer")
    longer, continued = run(job(210), tmp_path / "longer")
    assert equal(frames, continued)
    assert (short.n_ionic_steps, longer.n_ionic_steps) == (200, 210)
    assert longer.energy_eV == whole.energy_eV
    assert short.input_hash == longer.input_hash
    # appended, not done again
    assert longer.attempts[-1].changed == "continued from step 200"
    assert [attempt.reason for attempt in longer.attempts] == ["finished"] * 2
    ends = [(tmp_path / name / LAST).read_text() for name in ("whole", "longer")]
    assert ends[0] == ends[1]


def test_a_run_that_is_made_shorter_loses_nothing(tmp_path: Path) -> None:
    _, whole = run(job(30), tmp_path / "whole")
    result, frames = run(job(20), tmp_path / "whole")
    alone, uninterrupted = run(job(20), tmp_path / "alone")
    assert equal(frames, uninterrupted)
    assert (result.energy_eV, result.n_ionic_steps) == (alone.energy_eV, 20)
    assert (
        result.attempts[-1].changed == "continued from step 20; 30 steps are there and kept, of which 20 are asked for"
    )
    last = read_structure(tmp_path / "whole" / LAST)
    assert np.allclose(last.positions, frames[10]["positions_A"], atol=1e-8)
    assert np.allclose(last.get_momenta(), read_structure(tmp_path / "alone" / LAST).get_momenta(), atol=1e-7)
    longer, again = run(job(36), tmp_path / "whole")
    assert longer.attempts[-1].changed == "continued from step 30"
    assert equal(again, run(job(36), tmp_path / "uninterrupted")[1])
    assert len(whole) == 16, "what was published of 30 steps is its own file still"


def test_other_settings_are_another_run() -> None:
    same = {job(n).input_hash(methane()) for n in (2, 4, 100)}
    assert len(same) == 1
    moving = methane()
    moving.set_velocities(np.ones((5, 3)))
    others = [job(2, seed=6), job(2, timestep_fs=1.0), job(2, save_every=1), job(2, thermalise=Thermalise(time_fs=9))]
    hashes = {other.input_hash(methane()) for other in others} | {job(2).input_hash(moving)}
    assert len(hashes | same) == len(others) + 2


def test_another_revision_of_the_engine_is_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    before = job(2).input_hash(methane())
    monkeypatch.setattr(XtbLevel, "revision", 2)
    second = job(2).input_hash(methane())
    monkeypatch.setattr(XtbLevel, "revision", 3)
    assert len({before, second, job(2).input_hash(methane())}) == 3


LAUNCHED = {"launch_m_s": 900.0, "thermalise": Thermalise(time_fs=100, time_constant_fs=10), "timestep_fs": 1.0}


def test_the_start_is_thermalised_and_then_launched(tmp_path: Path) -> None:
    """From rest to the temperature; then the nanodiamond alone gets its speed, and all else continues as it was."""
    result, frames = run(job(20, **LAUNCHED), tmp_path, pair())
    assert result.status == "converged"
    before = Frames(tmp_path / THERMALISED / FRAMES, stride=2)
    assert before.steps[-1] == 100
    assert np.allclose(before[0]["positions_A"], pair().positions)
    # the file between the two holds 8 decimals
    assert np.allclose(frames[0]["positions_A"], before[50]["positions_A"], atol=1e-8)
    assert np.allclose(frames[0]["velocities_A_fs"][2:], before[50]["velocities_A_fs"][2:], atol=1e-8)
    assert frames[0]["positions_A"] == pytest.approx(read_structure(tmp_path / THERMALISED / LAST).positions, abs=0)
    masses = pair().get_masses()[:2]
    assert masses @ frames[0]["velocities_A_fs"][:2] / masses.sum() * 1e5 == pytest.approx([900, 0, 0], abs=1e-3)
    assert read_result(tmp_path / THERMALISED / RESULT).n_ionic_steps == 100
    # few degrees of freedom: the mean of 100 fs is within a third of what was asked for, from twice that in frame 0
    hot = [before[i]["temperature_K"] for i in range(len(before))]
    assert np.mean(hot[25:]) == pytest.approx(300, rel=0.35)
    atoms = pair()
    found = temperature_K(
        atoms.get_masses(),
        frames[0]["velocities_A_fs"] / 0.0982269478845,  # Å/fs in ASE's unit
        np.ones(7, dtype=bool),
        bodies(atoms, launched=True),
    )
    assert frames[0]["temperature_K"] == pytest.approx(found, rel=1e-6)


def test_a_run_that_was_thermalised_is_made_longer_without_doing_that_again(tmp_path: Path) -> None:
    run(job(10, **LAUNCHED), tmp_path / "longer", pair())
    record = tmp_path / "longer" / THERMALISED / RESULT
    before = record.stat().st_mtime_ns
    _, continued = run(job(16, **LAUNCHED), tmp_path / "longer", pair())
    assert record.stat().st_mtime_ns == before
    assert equal(continued, run(job(16, **LAUNCHED), tmp_path / "whole", pair())[1])


def test_one_that_is_stopped_while_it_is_thermalised_goes_on_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped by an EXIT file in the folder of the run; and the whole is as if nothing had happened."""
    uninterrupted, frames = run(job(10, **LAUNCHED), tmp_path / "uninterrupted", pair())
    folder, append = tmp_path / "jobs" / "md" / NAME, FrameLog.append

    def append_and_ask(self: FrameLog, **frame: Any) -> None:
        append(self, **frame)
        if frame["step"] == 40:
            (folder / EXIT).touch()

    monkeypatch.setattr(FrameLog, "append", append_and_ask)
    with pytest.raises(StoppedError):
        run(job(10, **LAUNCHED), folder, pair())
    monkeypatch.undo()
    found = progress(tmp_path, "md", NAME)
    assert (found.thermalises, found.state, found.step, found.steps) == (True, "stopped", 40, 100)
    assert "thermalisation, 40 of 100 steps" in as_text([found])
    result, again = run(job(10, **LAUNCHED), folder, pair())
    assert read_result(folder / THERMALISED / RESULT).attempts[-1].changed == "continued from step 40"
    assert equal(frames, again)
    assert progress(tmp_path, "md", NAME).state == "converged"
    assert result.energy_eV == uninterrupted.energy_eV


def test_a_thermalisation_that_does_not_converge_is_said_of_the_run(tmp_path: Path) -> None:
    stuck = job(10, **LAUNCHED).model_copy(update={"level": XtbLevel(engine="xtb", max_scf_cycles=1)})
    result = execute(stuck.model_dump(mode="json"), pair(), tmp_path / RESULT, tmp_path / LAST)
    assert result.status == "not_converged"
    assert result.energy_eV is None
    assert result.attempts[-1].reason.startswith("before the run, while it was thermalised: SCF")
    assert json.loads((tmp_path / RESULT).read_text())["status"] == "not_converged"
