"""How far a job is, read from its folder: before, while and after it runs, and when its files are damaged."""

from __future__ import annotations

import fcntl
import json
import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase.build import molecule
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iondrill.cli.status import as_text
from iondrill.collect.progress import progress
from iondrill.config.levels import XtbLevel
from iondrill.config.models import Thermostat
from iondrill.engines.base import AttemptEntry, read_result
from iondrill.engines.execute import execute
from iondrill.jobs.frames import FrameLog
from iondrill.jobs.job import Job, Md
from iondrill.jobs.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

NAME = "drill.gfn2"
STEPS = 8


def job(**changes: Any) -> dict[str, Any]:
    task = Md(
        steps=STEPS,
        timestep_fs=0.5,
        temperature_K=300,
        thermostat=Thermostat(),
        launch_m_s=0,
        save_every=2,
        seed=1,
    )
    settings = {"stage": "md", "name": NAME, "level_name": "gfn2", "kind": "cluster"} | changes
    return Job(level=XtbLevel(engine="xtb"), task=task, **settings).model_dump(mode="json")


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """Return the results folder of a run of real dynamics."""
    folder = tmp_path / "jobs" / "md" / NAME
    methane = molecule("CH4")
    methane.set_array("fragment", np.full(5, "lower"))
    execute(job(), methane, folder / "result.json", folder / "last.extxyz")
    (tmp_path / "logs" / "run_md").mkdir(parents=True)
    (tmp_path / "logs" / "run_md" / f"{NAME}.log").touch()
    return tmp_path


def state_of(results: Path) -> Path:
    (state,) = (results / "jobs" / "md" / NAME / "state").iterdir()
    return state


def test_nothing_there(tmp_path: Path) -> None:
    found = progress(tmp_path, "md", NAME)
    assert (found.state, found.attempt, found.log, found.n_scf_cycles, found.scf_cycle) == ("waiting", 0, "", 0, 0)
    assert (found.step, found.steps, found.left_s, found.pace_s, found.reason) == (None, None, None, None, "")


def test_finished(finished: Path) -> None:
    found = progress(finished, "md", NAME)
    assert (found.state, found.attempt, found.step, found.steps) == ("converged", 1, STEPS, STEPS)
    assert found.left_s is None
    assert found.n_scf_cycles > STEPS
    assert found.log.endswith(f"run_md/{NAME}.log")
    assert f"{STEPS} of {STEPS} steps" in as_text([found])


@pytest.mark.parametrize(
    ("reasons", "said"), [(["killed at step 3", "SCF not converged"], "SCF not converged"), ([], "")]
)
def test_what_ended_says_why_its_last_attempt_ended(finished: Path, reasons: list[str], said: str) -> None:
    file = finished / "jobs/md" / NAME / "result.json"
    attempts = [AttemptEntry(reason=reason) for reason in reasons]
    read_result(file).model_copy(update={"status": "not_converged", "attempts": attempts}).write(file)
    found = progress(finished, "md", NAME)
    assert (found.state, found.reason) == ("not_converged", said)


def test_running_and_killed_are_told_apart_by_the_lock(finished: Path) -> None:
    state = state_of(finished)
    (finished / "jobs/md" / NAME / "result.json").unlink()
    frames = state / "frames.bin"
    record = (frames.stat().st_size - 1024) // (STEPS // 2 + 1)
    with frames.open("r+b") as file:  # step 4 is the last whole one, of the next half is written
        file.truncate(1024 + 3 * record + record // 2)
    entry = {"reason": "running", "changed": "continued from step 2", "wall_s": 3.0, "core_s": 3.0, "n_scf_cycles": 9}
    (state / "journal.json").write_text(json.dumps([dict(entry, reason="killed", changed=""), entry]))
    killed = progress(finished, "md", NAME)
    assert (killed.state, killed.reason, killed.step) == ("stopped", "killed", 4)
    with (state / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        runs = progress(finished, "md", NAME)
    assert (runs.state, runs.reason, runs.attempt, runs.n_scf_cycles) == ("running", "", 2, 18)
    # two steps took 3 s, four are left
    assert runs.left_s == pytest.approx(6.0)


def test_a_soft_stop_says_why(finished: Path) -> None:
    state = state_of(finished)
    (finished / "jobs/md" / NAME / "result.json").unlink()
    journal = Journal(state / "journal.json")
    journal.explain("stopped at the wall time")
    found = progress(finished, "md", NAME)
    assert (found.state, found.reason) == ("stopped", "stopped at the wall time")


def test_written_only(finished: Path) -> None:
    state = state_of(finished)
    for path in [*state.iterdir(), finished / "jobs/md" / NAME / "result.json"]:
        path.unlink()
    assert progress(finished, "md", NAME).state == "written"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.sampled_from(["job.json", "result.json", "journal.json", "frames.bin"]),
    content=st.one_of(st.binary(max_size=80), st.sampled_from([b"[]", b"{}", b"null", b'[{"reason": 3}]'])),
)
def test_damaged_files_never_end_in_a_traceback(finished: Path, which: str, content: bytes) -> None:
    folder = finished / "jobs" / "md" / NAME
    path = folder / which if which in {"job.json", "result.json"} else state_of(finished) / which
    kept = path.read_bytes()
    path.write_bytes(content)
    found = progress(finished, "md", NAME)
    path.write_bytes(kept)
    assert found.state in {"converged", "unreadable"}
    if which == "result.json":
        assert found.state == "unreadable"
        assert "result.json" in found.reason


def at_work(folder: Path, task: dict[str, Any], *entries: dict[str, Any], engine: str = "cp2k") -> Path:
    """Write the folder of a job by hand, with a journal of such entries; return that of its state."""
    state = folder / "state" / "h"
    state.mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps({"input_hash": "h", "task": task, "level": {"engine": engine}}))
    blank = {"reason": "running", "code": "", "step": None, "notes": [], "wall_s": 0, "core_s": 0, "n_scf_cycles": 0}
    (state / "journal.json").write_text(json.dumps([blank | entry for entry in entries]))
    return state


def log_steps(state: Path, *steps: int) -> None:
    with FrameLog.open(state / "frames.bin", 1, forces=False, charges=False) as log:
        for step in steps:
            scalars = dict.fromkeys(("time_fs", "temperature_K", "potential_eV", "conserved_eV"), 0.0)
            log.append(step=step, positions_A=np.zeros((1, 3)), velocities_A_fs=np.zeros((1, 3)), **scalars)


DYNAMICS = {"task": "md", "steps": 20}


@pytest.mark.parametrize(
    ("steps", "began", "step", "left_s"),
    [
        ((), None, None, None),
        ((0,), None, 0, None),
        ((0, 5), None, 5, 30.0),  # five steps took 10 s, fifteen are left
        ((0, 4, 8), 4, 8, 30.0),  # four did
        ((0, 7), None, 7, 18.6),
        ((0, 8), 8, 8, None),
        ((0, 20), None, 20, 0.0),
        ((0, 25), None, 20, 0.0),  # of a run that was longer
    ],
)
def test_what_is_left_goes_by_the_pace_of_the_last_attempt(
    tmp_path: Path, steps: tuple[int, ...], began: int | None, step: int | None, left_s: float | None
) -> None:
    last = {"step": began, "wall_s": 10.0, "n_scf_cycles": 3}
    state = at_work(tmp_path / "jobs/md" / NAME, DYNAMICS, {"reason": "killed", "wall_s": 99, "n_scf_cycles": 4}, last)
    if steps:
        log_steps(state, *steps)
    (state / "lock").touch()
    found = progress(tmp_path, "md", NAME)
    assert (found.step, found.steps, found.left_s) == (step, 20, left_s)
    assert (found.state, found.reason, found.attempt, found.n_scf_cycles) == ("stopped", "killed", 2, 7)
    assert not found.thermalises


def test_a_segment_before_is_told_until_it_is_done(tmp_path: Path) -> None:
    folder = tmp_path / "jobs/md" / NAME
    log_steps(at_work(folder, DYNAMICS, {"reason": "stopped"}), 0, 3)
    log_steps(at_work(folder / "thermalise", {"task": "md", "steps": 9}, {"reason": "stopped"}), 0, 2)
    found = progress(tmp_path, "md", NAME)
    assert (found.thermalises, found.step, found.steps) == (True, 2, 9)
    (folder / "thermalise/result.json").touch()
    found = progress(tmp_path, "md", NAME)
    assert (found.thermalises, found.step, found.steps) == (False, 3, 20)
    (folder / "thermalise/result.json").unlink()
    (folder / "result.json").touch()
    found = progress(tmp_path, "md", NAME)
    assert (found.thermalises, found.step, found.state) == (False, 3, "unreadable")


@pytest.mark.parametrize(("quiet_s", "state"), [(0, "running"), (60, "running"), (300, "stopped")])
def test_where_there_are_no_locks_a_job_that_beats_runs(tmp_path: Path, quiet_s: float, state: str) -> None:
    journal = at_work(tmp_path / "jobs/md" / NAME, DYNAMICS, {}) / "journal.json"  # and no lock file
    os.utime(journal, (time.time() - quiet_s,) * 2)
    assert progress(tmp_path, "md", NAME).state == state


@pytest.mark.parametrize("task", [DYNAMICS, {"task": "relax", "fmax_eV_A": 0.05}, {"task": "static"}, {"task": "neb"}])
def test_a_job_whose_record_is_gone_says_so_and_has_nothing_left(tmp_path: Path, task: dict[str, Any]) -> None:
    state = at_work(tmp_path / "jobs/md" / NAME, task, {"reason": "finished", "wall_s": 5.0, "n_scf_cycles": 2})
    log_steps(state, 0, 10)
    found = progress(tmp_path, "md", NAME)
    assert (found.state, found.left_s, found.pace_s, found.n_scf_cycles) == ("record_missing", None, None, 2)
    assert "Snakemake writes result.json again" in found.reason
    assert found.fmax_eV_A == task.get("fmax_eV_A")
    assert found.step == {"md": 10, "relax": 0}.get(task["task"])


def test_a_job_of_an_engine_that_is_unknown_keeps_the_step_that_it_began_with(tmp_path: Path) -> None:
    relax = {"task": "relax", "fmax_eV_A": 0.05}
    at_work(tmp_path / "jobs/md" / NAME, relax, {"reason": "stopped", "step": 4, "wall_s": 5.0}, engine="another")
    found = progress(tmp_path, "md", NAME)
    assert (found.state, found.step, found.max_force_eV_A, found.pace_s) == ("stopped", 4, None, None)


def test_a_journal_without_attempts_and_a_job_that_is_no_mapping(tmp_path: Path) -> None:
    state = at_work(tmp_path / "jobs/md" / NAME, DYNAMICS)
    found = progress(tmp_path, "md", NAME)
    assert (found.state, found.attempt, found.steps) == ("written", 0, None)
    state.parents[1].joinpath("job.json").write_text("[]")
    assert progress(tmp_path, "md", NAME).state == "waiting"


def test_the_log_is_the_one_that_was_written_last(tmp_path: Path) -> None:
    for age_s, rule in ((50, "a"), (10, "c"), (30, "b"), (70, "d")):
        path = tmp_path / "logs" / rule / f"{NAME}.log"
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, (time.time() - age_s,) * 2)
    assert progress(tmp_path, "md", NAME).log == str(tmp_path / "logs" / "c" / f"{NAME}.log")
