"""Error estimates of adsorption energies, from the convergence studies that there are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from iondrill.prepare.plan import Plan


COVERS = "error estimate covers"
"""How the words of an estimate begin."""


class Estimate(NamedTuple):
    """How far E_ads may be off for the settings of its level, eV, and which settings were looked at, in words."""

    error_eV: float
    covers: str


def error_estimates(plan: Plan) -> dict[str, Estimate]:
    """Return how far E_ads may be off for the settings of its level, by facet, ion and level.

    The keys are like ``C100-2x1.Li.pbe-d3``. What a study found for one site, as built, serves all sites of the
    facet; of several studies the largest estimate counts.

    Parameters
    ----------
    plan : Plan
        Its ``convergence/<study>.json`` are read. One that is not there, was made of another structure or level than
        the study now has, has no estimate, or does not tell what that covers, says nothing.
    """
    found: dict[str, Estimate] = {}
    for name, study in plan.config.convergence.studies.items():
        facet, dot, filling = study.structure.partition(".")
        if not dot or facet == "atom":
            continue
        try:
            summary = json.loads((plan.results / "convergence" / f"{name}.json").read_text(encoding="utf-8"))
            made_of = (summary["structure"], summary["level"], summary["level_title"])
            covers, lacks = (
                ", ".join(summary[f"error_estimate_{which}"]["E_ads_meV"]) for which in ("covers", "lacks")
            )
            estimate = Estimate(
                float(summary["error_estimate"]["E_ads_meV"]) / 1000,
                f"{COVERS} {covers}" + (f", not {lacks}" if lacks else ""),
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if made_of == (study.structure, study.level, plan.config.levels[study.level].title):
            ion = filling.partition("-")[0].lstrip("0123456789")
            key = f"{facet}.{ion}.{study.level}"
            found[key] = max(estimate, found.get(key, estimate))
    return found
