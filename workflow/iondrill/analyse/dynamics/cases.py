"""Cases: what was computed, seeds aside, and what happened in the runs of each.

Of each run and quantity the change counts: the mean over the second half of its frames less the value at the start,
which is that at rest, before the launch, where the run was thermalised, and else that of its first frame.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iondrill.analyse.dynamics.order import ORDER
from iondrill.analyse.dynamics.rest import Rest, rests
from iondrill.analyse.dynamics.statistics import Sample, block_error
from iondrill.analyse.tables import read_columns
from iondrill.analyse.verification.record import FILE as VERIFIED
from iondrill.analyse.verification.record import Verification
from iondrill.files import is_empty
from iondrill.geometry.labels import SHEETS
from iondrill.geometry.recipes import AssemblyRecipe, FlakeRecipe, load_recipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from iondrill.config.models import MdRun
    from iondrill.prepare.plan import Plan

    Series = Mapping[str, NDArray[np.float64]]

CHARGES_OF = {
    "charge_nd_e": ("charge of the nanodiamond", ("nd",)),
    "charge_ion_e": ("charge of the ions", ("ion",)),
    "charge_flake_e": ("charge of the flake", SHEETS),
}
"""Sums over fragments, in words."""
QUANTITIES = {column.name: (column.words, column.unit) for column in ORDER.columns if column.heading} | {
    name: (words, "e") for name, (words, _) in CHARGES_OF.items()
}
"""What is compared, in words and with its unit."""


class Measure(NamedTuple):
    """A quantity of a run: at the start, in the second half, and the error of the latter from blocks."""

    start: float
    late: float
    error: float

    @property
    def change(self) -> float:
        """What happened to it."""
        return self.late - self.start


@dataclass
class Case:
    """Runs that differ in their seed alone."""

    name: str
    level: str
    factors: dict[str, str]
    runs: dict[str, dict[str, Measure]] = field(default_factory=dict)

    def sample(self, quantity: str) -> Sample | None:
        """Return the changes of a quantity in all runs; None if they do not have it."""
        found = [run[quantity] for run in self.runs.values() if quantity in run]
        return Sample(tuple(m.change for m in found), tuple(m.error for m in found)) if found else None


def measure(series: Series, rest: Mapping[str, Rest]) -> dict[str, Measure]:
    """Return start, second half and error of each quantity of a run.

    Parameters
    ----------
    series : mapping of str to (n_frames,) array
        By quantity; one that holds NaN is left out.
    rest : mapping of str to Rest
        The start of those that are in it; of the others it is the first frame.
    """
    return {
        name: Measure(rest[name].mean if name in rest else float(values[0]), float(late.mean()), block_error(late))
        for name, values in series.items()
        if len(values) and np.isfinite(values).all()
        for late in (values[len(values) // 2 :],)
    }


def charge_series(path: Path) -> dict[str, NDArray[np.float64]]:
    """Return the charges of nanodiamond, ions and flake over time, by quantity, from ``charges/<run>.csv``."""
    table = read_columns(path)
    sums: dict[str, Any] = {}
    for name, (_, fragments) in CHARGES_OF.items():
        parts = [table["charge_e"][table["fragment"] == each].astype(float) for each in fragments]
        if any(len(part) for part in parts):
            sums[name] = np.sum([part for part in parts if len(part)], axis=0)
    return sums


def factors(plan: Plan, run: str) -> dict[str, str]:
    """Return what a run is made of and how, seeds aside: what two cases may differ in."""
    settings = plan.config.md.runs[run]
    recipe = load_recipe(settings.assembly, plan.recipes)
    if not isinstance(recipe, AssemblyRecipe):
        return {"structure": settings.assembly, **_settings(settings)}
    found = {"nanodiamond": recipe.cluster or "none", "box": recipe.box.model_dump_json()}
    found["cut"] = f"edge {recipe.edge}, tip {recipe.tip}, {recipe.distance_A:g} Å away" if recipe.cluster else "none"
    found["height"] = recipe.height if recipe.cluster else "none"
    found |= {name: str(getattr(recipe, name)) for name in ("charge", "multiplicity")}
    flake = load_recipe(recipe.flake, plan.recipes)
    if isinstance(flake, FlakeRecipe):
        ions = flake.ions
        found["ions"] = "none" if ions is None else f"{ions.count} {ions.element}"
        found["gap"] = f"{flake.gap_A:g} Å"
        found["flake"] = flake.model_dump_json(exclude={"description", "references", "ions", "gap_A"})
    else:
        found["flake"] = recipe.flake
    return {**found, "level": plan.md.of_run(run).level, **_settings(settings)}


def _settings(settings: MdRun) -> dict[str, str]:
    dumped = settings.model_dump(mode="json", exclude={"assembly", "seed", "level"})
    return {name: json.dumps(value) for name, value in dumped.items()}


def verification_of(plan: Plan, run: str) -> Verification | None:
    """Return what the verification of a run says; None where there is none: not asked for, or not converged."""
    path = plan.md.results_of(run) / VERIFIED
    there = run in plan.verify.runs() and path.is_file() and not is_empty(path)
    return Verification.read(path) if there else None


def read_cases(plan: Plan, runs: Iterable[str]) -> list[Case]:
    """Read runs, those of the same case together.

    Parameters
    ----------
    plan : Plan
        Of the configuration.
    runs : iterable of str
        Names of finished runs.
    """
    cases: dict[tuple[tuple[str, str], ...], Case] = {}
    for run in runs:
        made_of = factors(plan, run)
        key = tuple(made_of.items())
        if key not in cases:
            name = run.removesuffix(f"-s{plan.config.md.runs[run].seed}")
            cases[key] = Case(name, plan.md.of_run(run).level, made_of)
        order = read_columns(plan.md.results_of(run) / "order_parameters.csv")
        verification = verification_of(plan, run)
        untold = set() if verification is None else verification.untold
        told = [name for name in QUANTITIES if name in order and name not in untold]
        series = {name: order[name] for name in told if order[name].dtype == float}
        series |= charge_series(plan.results / "charges" / f"{run}.csv")
        cases[key].runs[run] = measure(series, rests(read_columns(plan.md.results_of(run) / "thermalisation.csv")))
    return list(cases.values())
