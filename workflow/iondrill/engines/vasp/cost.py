"""What a job of VASP takes."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

from iondrill.engines.cost import Cost, coefficients, grown

if TYPE_CHECKING:
    from iondrill.config.levels import VaspLevel
    from iondrill.jobs.job import Job
    from iondrill.jobs.size import Size


@cache
def _table() -> dict[str, Any]:
    return coefficients(__file__)


def cost(job: Job, level: VaspLevel, size: Size) -> Cost:
    """Return what a job takes."""
    table, kpoints = _table(), math.prod(level.kpoints) if job.sampled else 1
    memory_MB = table["memory_MB"]["fixed"] + table["memory_MB"]["per_rank"] * level.ranks
    memory_MB += kpoints * grown(table["kpoint_MB"], size.n_atoms)
    cycle_s = table["cycle_s"]["fixed"] + kpoints * grown(table["cycle_per_kpoint_s"], size.n_atoms)
    return Cost(memory_MB, cycle_s * table["cycles_per_step"][job.task.task])
