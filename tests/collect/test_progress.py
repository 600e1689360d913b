"""How far a job is, read from its folder: before, while and after it runs, and when its files are damaged."""

from __future__ import annotations

import fcntl
import json
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
from iondrill.engines.execute import execute
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
