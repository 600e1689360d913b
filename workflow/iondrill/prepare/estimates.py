"""Error estimates of adsorption energies, from the convergence studies that there are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from iondrill.geometry.recipes import FileRecipe
from iondrill.jobs.job import HOW_IT_RUNS
from iondrill.jobs.name import Subject

if TYPE_CHECKING:
    from iondrill.config.convergence import Study
    from iondrill.geometry.recipes import AnyRecipe
    from iondrill.prepare.plan import Plan

PROSE = {"description", "references"}
"""Keys of a recipe that are only for readers."""
MADE_OF = ("structure", "level", "level_settings", "recipes")
"""The keys of ``convergence/<study>.json`` that record its origin."""
COVERS = "error estimate covers"
"""The beginning of the words of an estimate."""


class ErrorEstimate(NamedTuple):
    """Error of E_ads from the settings of its level, eV, and the settings that it covers, in words."""

    error_eV: float
    covers: str


def error_estimates(plan: Plan) -> dict[str, ErrorEstimate]:
    """Return the errors of E_ads from the settings of its level, by facet, ion and level.

    The keys are like ``C100-2x1.Li.pbe-d3``. The estimate of a study for one site, as built, is used for all sites of
    the facet; of several studies the largest estimate counts.

    Parameters
    ----------
    plan : Plan
        Its ``convergence/<study>.json`` are read. A file is ignored if it is missing, if its origin is not `made_of`
        the study as it is now, or if it has no estimate with the settings that this covers.
    """
    found: dict[str, ErrorEstimate] = {}
    for name, study in plan.config.convergence.studies.items():
        subject = Subject.parse(study.structure)
        if not subject.is_facet:
            continue
        try:
            summary = json.loads((plan.results / "convergence" / f"{name}.json").read_text(encoding="utf-8"))
            was_made_of = {key: summary[key] for key in MADE_OF}
            covers, lacks = (
                ", ".join(summary[f"error_estimate_{which}"]["E_ads_meV"]) for which in ("covers", "lacks")
            )
            estimate = ErrorEstimate(
                float(summary["error_estimate"]["E_ads_meV"]) / 1000,
                f"{COVERS} {covers}" + (f", not {lacks}" if lacks else ""),
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if was_made_of == made_of(plan, study):
            key = f"{subject.structure}.{subject.ion}.{study.level}"
            found[key] = max(estimate, found.get(key, estimate))
    return found


def made_of(plan: Plan, study: Study) -> dict[str, Any]:
    """Return what decides the numbers of a convergence study, besides the values it sweeps; by `MADE_OF`.

    The title of a level is not enough: it names few of its settings. Settings in `HOW_IT_RUNS` do not count.
    """
    recipe, level = Subject.parse(study.structure).recipe, plan.config.levels[study.level]
    names = [] if recipe is None else [Path(path).stem for path in plan.project.recipe_files(recipe)]
    return {
        "structure": study.structure,
        "level": study.level,
        "level_settings": level.model_dump(mode="json", exclude=HOW_IT_RUNS),
        "recipes": {each: _digest(plan.project.recipe(each)) for each in names},
    }


def _digest(recipe: AnyRecipe) -> str:
    """Return the hash (16 hex digits) of everything that decides the structure of a recipe."""
    if isinstance(recipe, FileRecipe):
        content = recipe.path.read_bytes()
    else:
        content = json.dumps(recipe.model_dump(mode="json", exclude=PROSE), sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()[:16]
