"""Error estimates of adsorption energies, from the convergence studies that there are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iondrill.prepare.plan import Plan


def error_estimates(plan: Plan) -> dict[str, float]:
    """Return how far E_ads may be off for the settings of its level, eV, by facet, ion and level.

    The keys are like ``C100-2x1.Li.pbe-d3``. What a study found for one site serves all sites of the
    facet; of several studies the largest estimate counts.

    Parameters
    ----------
    plan : Plan
        Its ``convergence/<study>.json`` are read. One that is not there, was made of another structure or level than
        the study now has, or has no estimate, says nothing.
    """
    found: dict[str, float] = {}
    for name, study in plan.config.convergence.studies.items():
        facet, dot, filling = study.structure.partition(".")
        if not dot or facet == "atom":
            continue
        try:
            summary = json.loads((plan.results / "convergence" / f"{name}.json").read_text(encoding="utf-8"))
            made_of = (summary["structure"], summary["level"], summary["level_title"])
            estimate_eV = float(summary["error_estimate"]["E_ads_meV"]) / 1000
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if made_of == (study.structure, study.level, plan.config.levels[study.level].title):
            ion = filling.partition("-")[0].lstrip("0123456789")
            key = f"{facet}.{ion}.{study.level}"
            found[key] = max(estimate_eV, found.get(key, 0.0))
    return found
