"""What a program is started with, and how long another one is waited for."""

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from iondrill.engines.external.launch import END_TIME, LOCK_WAIT, WALLTIME, Program, only_one, patience_s
from iondrill.errors import UserError

INNER = "import json; from iondrill.engines.external.launch import allocation; print(json.dumps(allocation()))"
# what Snakemake's executor does between the job and what it computes
OUTER = """
import os, subprocess, sys
kept = {name: word for name, word in os.environ.items() if not name.startswith("SLURM_") or name == "SLURM_JOB_ID"}
subprocess.run([sys.executable, "-c", sys.argv[1]], env=kept | {"SLURM_JOB_ID": sys.argv[2]}, check=True)
"""
GIVEN = {"SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "n[1-2]", "SLURM_NTASKS": "4"}


def found(job: str, **given: str) -> dict[str, str]:
    environment = {name: word for name, word in os.environ.items() if not name.startswith("SLURM_")} | given
    done = subprocess.run(
        [sys.executable, "-c", OUTER, INNER, job], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_what_an_executor_kept_of_slurms_allocation_is_found_again() -> None:
    assert found("7", **GIVEN) == GIVEN


def test_the_allocation_of_another_job_is_not_taken() -> None:
    assert found("8", **GIVEN) == {}


def test_a_program_has_one_thread_in_each_rank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "32")  # Snakemake's, of a job with 32 ranks
    said = tmp_path / "said"
    with (tmp_path / "lock").open("w") as lock:
        assert Program(["sh", "-c", "echo $OMP_NUM_THREADS"], tmp_path, said, lock).wait(20)
        program = Program(
            ["env", "OMP_NUM_THREADS=4", "sh", "-c", "echo $OMP_NUM_THREADS"], tmp_path, tmp_path / "4", lock
        )
        assert program.wait(20)
    assert said.read_text().split() == ["1"]
    assert (tmp_path / "4").read_text().split() == ["4"]


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (WALLTIME, END_TIME, LOCK_WAIT):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def held(path: Path, seconds: float) -> Iterator[None]:
    """Let a file be locked by somebody else for a while."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        timer = threading.Timer(seconds, lambda: fcntl.flock(file, fcntl.LOCK_UN))
        timer.start()
        yield
        timer.cancel()


@pytest.mark.usefixtures("unlimited")
def test_a_job_with_a_time_limit_waits_as_long_as_it_could_work(monkeypatch: pytest.MonkeyPatch) -> None:
    assert patience_s() == 20  # nobody's job: a person waits for it
    monkeypatch.setenv(END_TIME, f"{time.time() + 1000:.0f}")
    assert patience_s() == pytest.approx(900, abs=2)
    monkeypatch.setenv(WALLTIME, "86400")
    assert patience_s() == pytest.approx(86400 - 600, abs=1)
    monkeypatch.setenv(LOCK_WAIT, "7.5")
    assert patience_s() == 7.5
    monkeypatch.setenv(LOCK_WAIT, "a while")
    with pytest.raises(UserError, match=f"{LOCK_WAIT}: found 'a while'"):
        patience_s()


@pytest.mark.usefixtures("unlimited")
def test_a_copy_takes_over_with_the_time_that_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WALLTIME, "60")
    began = time.monotonic()
    with held(tmp_path / "lock", 0.5), only_one(tmp_path / "lock"):
        waited_s = time.monotonic() - began
    assert waited_s >= 0.5
    assert float(os.environ[WALLTIME]) == pytest.approx(60 - waited_s, abs=0.1)


@pytest.mark.usefixtures("unlimited")
def test_who_is_not_waited_for_longer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WALLTIME, "0.4")
    with (
        held(tmp_path / "lock", 30),
        pytest.raises(UserError, match="another run works in this folder"),
        only_one(tmp_path / "lock"),
    ):
        pass
