"""What a job asks of a scheduler: memory and time, by what its engine says that it takes."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from iondrill.engines.registry import engine
from iondrill.jobs.job import Md, Neb, Relax

if TYPE_CHECKING:
    from iondrill.jobs.job import Job
    from iondrill.jobs.name import JobId
    from iondrill.jobs.size import Size
    from iondrill.prepare.plan import Plan


class Request(NamedTuple):
    """Memory in MB of all ranks together, and time in minutes."""

    mem_mb: int
    runtime: int


class Requests:
    """What the jobs of a plan ask for, each computed once: Snakemake asks whenever it chooses among jobs.

    Parameters
    ----------
    plan : Plan
        That of a configuration.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._known: dict[tuple[JobId, int], Request] = {}

    def of(self, job: JobId, attempt: int = 1) -> Request:
        """Return what a job asks for.

        Raises
        ------
        FileNotFoundError
            If its structure is not built yet.
        """
        key = job, attempt
        if key not in self._known:
            self._known[key] = request(self._plan.job(job), self._plan.stage(job).size(job), attempt)
        return self._known[key]


@cache
def limits() -> dict[str, Any]:
    """Return margins and limits, ``requests.yaml``."""
    content: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return content


def request(job: Job, size: Size, attempt: int = 1) -> Request:
    """Return what a job asks for.

    Parameters
    ----------
    job : Job
        Level and task.
    size : Size
        Of its structure.
    attempt : int
        From 1 on: each asks for as much again, of memory half as much.

    Returns
    -------
    Request
        With the margins of ``requests.yaml``, between its shortest and longest time.
    """
    table = limits()
    cost = engine(job.level.engine).cost(job, size)
    total_s = cost.step_s * _steps(job) / job.level.ranks
    minutes = math.ceil(table["margin"]["time"] * total_s * attempt / 60)
    return Request(
        math.ceil(table["margin"]["memory"] * cost.memory_MB * (1 + (attempt - 1) / 2)),
        min(max(minutes, table["shortest_min"]), table["longest_min"]),
    )


def _steps(job: Job) -> int:
    """Return how many times energy and forces are computed."""
    task = job.task
    if isinstance(task, Md):
        before = task.before()
        return task.steps + (before.steps if before else 0)
    if isinstance(task, Relax | Neb):
        images = task.images if isinstance(task, Neb) else 1
        # a single point starts from nothing, which takes as long as two steps
        around = 2 * len(task.look_around_A) if isinstance(task, Relax) else 0
        return images * min(task.max_steps, int(limits()["steps_of_a_relaxation"])) + around
    return 1
