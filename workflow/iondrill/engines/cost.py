"""What a job takes, before any margin: the common part of the engines' own estimates."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import yaml


class Cost(NamedTuple):
    """What a job takes.

    Attributes
    ----------
    memory_MB : float
        Of all ranks together.
    step_s : float
        Core-seconds for energy and forces of one geometry.
    """

    memory_MB: float
    step_s: float


def coefficients(module: str) -> dict[str, Any]:
    """Return the coefficients of an engine: ``costs.yaml`` in its folder."""
    content: dict[str, Any] = yaml.safe_load(Path(module).with_name("costs.yaml").read_text(encoding="utf-8"))
    return content


def grown(measured: dict[str, float], n_atoms: int) -> float:
    """Return what so many atoms take, by what was measured of some and a power of their number."""
    return float(measured["taken"] * (n_atoms / measured["atoms"]) ** measured["exponent"])
