"""What a job of CP2K takes: the grid of its box, and its k-points."""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import TYPE_CHECKING, Any

from iondrill.engines.cost import Cost, coefficients, grown

if TYPE_CHECKING:
    from iondrill.config.levels import Cp2kLevel
    from iondrill.jobs.job import Job
    from iondrill.jobs.size import Size

BOHR_A = 0.529177210544


@cache
def _table() -> dict[str, Any]:
    return coefficients(__file__)


def cost(job: Job, level: Cp2kLevel, size: Size) -> Cost:
    """Return what a job takes; isolated structures are put in cubes."""
    table = _table()
    points = grid_points(size.cube if job.kind == "cluster" else size, level.cutoff_Ry)
    memory = table["memory_MB"]
    memory_MB = memory["fixed"] + memory["per_rank"] * level.ranks + memory["per_point"] * points
    cycle_s = table["cycle_s"]["fixed"] + table["cycle_s"]["per_point"] * points
    if job.sampled:
        cycle_s += math.prod(level.kpoints) * grown(table["cycle_per_kpoint_s"], size.n_atoms)
    return Cost(memory_MB, cycle_s * table["cycles_per_step"][job.task.task])


def grid_points(size: Size, cutoff_Ry: float) -> int:
    """Return the points of CP2K's finest grid.

    Along an edge L it is the next number of factors 2, 3 and 5 from 2⌊L√E/2π⌋ + 1 on (bohr, Ry).
    """
    least = (2 * int(edge / BOHR_A * math.sqrt(cutoff_Ry) / (2 * math.pi)) + 1 for edge in size.edges_A)
    return math.prod(next(n for n in itertools.count(start) if _is_smooth(n)) for start in least)


def _is_smooth(number: int) -> bool:
    for factor in (2, 3, 5):
        while number % factor == 0:
            number //= factor
    return number == 1
