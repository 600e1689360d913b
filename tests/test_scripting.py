"""What every script of the workflow writes to its log."""

import re

import pytest

from iondrill.scripting import logged
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
