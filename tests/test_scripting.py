"""What every script of the workflow writes to its log."""

import os
import re

import pytest

from iondrill.scripting import SUBMITTED, logged
from iondrill.engines.external.launch import END_TIME, WALLTIME
from iondrill.errors import UserError

SPENT = r"Took (\d+\.\d) s, (\d+\.\d) s of CPU time, at most (\d+) MB in one process\n\Z"


def test_a_log_ends_with_what_the_job_took(tmp_path):
    with logged(tmp_path / "logs/job.log"):
        held = bytearray(b"x" * 50_000_000)
        print(len(held))
    text = (tmp_path / "logs/job.log").read_text()
    assert text.startswith("50000000\n")
    _, cpu_s, memory_MB = map(float, re.search(SPENT, text).groups())
    assert cpu_s > 0
    assert 50 < memory_MB < 20_000


def test_a_mistake_is_told_before_it(tmp_path, capsys):
    with pytest.raises(SystemExit), logged(tmp_path / "job.log"):
        raise UserError.of("config.yaml", "is odd", "allowed: even")
    text = (tmp_path / "job.log").read_text()
    assert text.startswith("iondrill: config.yaml: is odd")
    assert re.search(SPENT, text)
    assert "Took" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        ({}, None),
        ({"SLURM_JOB_ID": "1"}, None),  # Snakemake itself runs in an allocation, and its jobs share that
        ({SUBMITTED: "1"}, "120"),
        ({SUBMITTED: "1", WALLTIME: "7"}, "7"),
        ({SUBMITTED: "1", END_TIME: "2000000000"}, None),
    ],
)
def test_the_time_that_was_asked_for_is_a_limit_where_a_job_was_submitted(tmp_path, monkeypatch, given, limit):
    for name in (SUBMITTED, WALLTIME, END_TIME):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(WALLTIME, "1")
    monkeypatch.delenv(WALLTIME)  # put back when the test is over
    for name, word in given.items():
        monkeypatch.setenv(name, word)
    with logged(tmp_path / "job.log", 2):
        assert os.environ.get(WALLTIME) == limit
