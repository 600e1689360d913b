"""What a program is started with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from iondrill.engines.launch import Program

INNER = "import json; from iondrill.engines.launch import allocation; print(json.dumps(allocation()))"
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
