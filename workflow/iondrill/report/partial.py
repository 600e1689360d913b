"""The page of a run that is not done: what is there, and what is not."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from iondrill.analyse.claims.evaluate import judge
from iondrill.analyse.dynamics.contrasts import compare_runs
from iondrill.prepare.plan import Plan
from iondrill.report.data import read_results_so_far
from iondrill.report.page.build import render, write_page
from iondrill.report.running import running_runs

if TYPE_CHECKING:
    from iondrill.config.models import Config
    from iondrill.report.data import Results


def report_so_far(config: Config) -> tuple[Path, Results]:
    """Write ``report.html`` from whatever results there are.

    Parameters
    ----------
    config : Config
        The configuration of the run.

    Returns
    -------
    Path
        The page, dated before all results, so that Snakemake makes it again once it can.
    Results
        What it contains.
    """
    plan = Plan(config)
    if config.md.run:
        compare_runs(plan)
    judge(plan)
    page = Path(config.results) / "report.html"
    with TemporaryDirectory() as scratch:
        results = _with_running(config, Path(scratch))
        write_page(results, page)
    dated = page.stat().st_mtime
    for path in page.parent.glob("jobs/*/*/result.json"):
        dated = min(dated, path.stat().st_mtime)
    os.utime(page, (dated - 1, dated - 1))
    return page, results


def render_so_far(config: Config) -> str:
    """Return the page of whatever results there are, to be followed; nothing is written into the results."""
    with TemporaryDirectory() as scratch:
        return render(_with_running(config, Path(scratch)), follow=True)


def _with_running(config: Config, scratch: Path) -> Results:
    results = read_results_so_far(config)
    return replace(results, running=list(running_runs(Plan(config), scratch)))
