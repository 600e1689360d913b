"""What a job of tight binding takes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from iondrill.engines.cost import Cost, coefficients, grown

if TYPE_CHECKING:
    from iondrill.jobs.job import Job
    from iondrill.jobs.size import Size


@cache
def _table() -> dict[str, Any]:
    return coefficients(__file__)


def cost(job: Job, size: Size) -> Cost:
    """Return what a job takes."""
    memory = _table()["memory_MB"]
    seconds = grown(_table()["step_s"]["cell" if job.sampled else "molecule"], size.n_atoms)
    return Cost(memory["fixed"] + memory["per_atom2"] * size.n_atoms**2, seconds)
