"""What each job adds to a run of many: Snakemake looks at those that wait when one has ended, not every second."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from projects import ROOT, make_project, run, snakemake

from faultdrill.projects import C100

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.workflow

CONFIG = {
    "levels": {"gfn2": {"engine": "xtb"}},
    "adsorption": {"level": "gfn2", "facets": ["tiny-100"], "ions": ["Li"], "sites": ["cave", "top"]},
}


def noop_run(folder: Path, *options: str) -> str:
    """Run six jobs that compute nothing; return what Snakemake says."""
    project = make_project(folder, CONFIG, {"facets/tiny-100.yaml": C100})
    noop = os.pathsep.join([str(ROOT / "benchmarks/noop"), str(ROOT / "workflow")])
    words = snakemake(project, "results/adsorption.csv", "--cores", "2", "--verbose", *options)
    done = run(words, PYTHONPATH=noop)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stderr.count("Finished jobid") == 6
    return done.stderr


def test_jobs_are_chosen_among_when_one_has_ended(tmp_path: Path) -> None:
    said = noop_run(tmp_path)
    assert "Execute 2 jobs" in said
    assert said.count("Ready jobs") <= 7


def test_a_limit_that_is_asked_for_is_kept(tmp_path: Path) -> None:
    assert "Execute 2 jobs" not in noop_run(tmp_path, "--max-jobs-per-timespan", "1/1s")
