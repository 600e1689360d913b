"""What a job with a calculator of ASE takes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from iondrill.engines.cost import Cost, coefficients, grown

if TYPE_CHECKING:
    from iondrill.config.levels import AseLevel
    from iondrill.jobs.size import Size


@cache
def _table() -> dict[str, Any]:
    return coefficients(__file__)


def cost(level: AseLevel, size: Size) -> Cost:
    """Return what a job takes."""
    entry = _table().get(level.calculator, _table()["other"])
    memory = entry["memory_MB"]
    return Cost(memory["fixed"] + memory["per_atom"] * size.n_atoms, grown(entry["step_s"], size.n_atoms))
