"""Snakemake's executor for Slurm, when Slurm does not answer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import snakemake_executor_plugin_slurm as plugin

if TYPE_CHECKING:
    from pathlib import Path

JOBS = [SimpleNamespace(external_jobid=str(number), aux={}) for number in (1, 2)]


@pytest.fixture
def silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put commands of Slurm on the path that fail."""
    for name in ("squeue", "sacct", "scontrol"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def watched(jobs: list[SimpleNamespace], **counters: int) -> list[SimpleNamespace]:
    """Return which of its jobs the executor keeps watching after one round."""
    settings = SimpleNamespace(init_seconds_before_status_checks=2, status_attempts=2)
    executor = SimpleNamespace(
        workflow=SimpleNamespace(executor_settings=settings),
        logger=logging.getLogger("executor"),
        run_uuid="nobody",
        status_rate_limiter=contextlib.nullcontext(),
        get_status_command=lambda: "squeue",
        next_seconds_between_status_checks=2,
        **counters,
    )

    async def one_round() -> list[SimpleNamespace]:
        return [job async for job in plugin.Executor.check_active_jobs(executor, list(jobs))]

    # a browser's test in the same worker leaves its loop running in this thread
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, one_round()).result()


@pytest.mark.usefixtures("silent")
def test_jobs_are_still_watched_after_a_round_without_an_answer(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin.Executor, "check_active_jobs", plugin.Executor.check_active_jobs)
    counters = {"_status_query_calls": 0, "_status_query_failures": 0}
    assert not watched(JOBS, **counters), "the plugin is mended: workflow/rules/slurm.smk is not needed any more"
    path = root / "workflow/rules/slurm.smk"
    exec(compile(path.read_text(), str(path), "exec"), {"sys": sys})  # noqa: S102
    assert watched(JOBS, **counters) == JOBS
    assert not watched([]), "asked before it has jobs, and counters"
