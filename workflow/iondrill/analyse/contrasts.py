"""Runs side by side: what differs between cases that differ in one thing alone, and whether the data support it.

A case is what was computed, seeds aside. Of each run and quantity the change counts: the mean over the second half of
its frames less the value at the start. Cases that differ in one factor are compared; where two factors cross, so is
how much the one changes what the other does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iondrill.analyse.statistics import Estimate, Sample, block_error, estimate
from iondrill.analyse.tables import read_columns, write_table
from iondrill.build.recipes import AssemblyRecipe, FlakeRecipe, load_recipe
from iondrill.engines.base import read_result
from iondrill.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from iondrill.config.models import MdRun
    from iondrill.prepare.plan import Plan

    Series = Mapping[str, NDArray[np.float64]]

QUANTITIES = (
    *("gap_edge_A", "gap_centre_A", "opening_angle_deg", "penetration_A", "nd_flake_bonds", "nd_sp3_fraction"),
    *("ion_carbon_cn", "ions_expelled", "charge_nd_e", "charge_ion_e", "charge_flake_e"),
)
FLAKE = ("upper", "lower")
COLUMNS = (
    *("case", "run", "quantity", "start", "late", "change", "error", "low", "high"),
    *("n_runs", "method", "level"),
)
VERDICTS = ("supported", "not supported", "cannot be said")
SAME = 1e-12
"""Differences below this are rounding."""
CRITERION = (
    "Supported: at least two runs (seeds) in every case compared, some scatter between runs or within them, and the "
    "95 % interval of the difference excludes 0. "
    "The change of a quantity is its mean over the second half of the frames less its value in the first frame. Of "
    "many comparisons at 95 %, one in twenty is expected to pass by chance."
)


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


class Comparison(NamedTuple):
    """A difference of differences, or of two cases."""

    factor: str
    plus: tuple[Case, ...]
    minus: tuple[Case, ...]
    words: str


def measure(series: Series) -> dict[str, Measure]:
    """Return start, second half and error of each quantity of a run.

    Parameters
    ----------
    series : mapping of str to (n_frames,) array
        By quantity; one that holds NaN is left out.
    """
    return {
        name: Measure(float(values[0]), float(late.mean()), block_error(late))
        for name, values in series.items()
        if len(values) and np.isfinite(values).all()
        for late in (values[len(values) // 2 :],)
    }


def charge_series(path: Path) -> dict[str, NDArray[np.float64]]:
    """Return the charges of nanodiamond, ions and flake over time, by quantity, from ``charges/<run>.csv``."""
    table = read_columns(path)
    sums: dict[str, Any] = {}
    for group, fragments in {"nd": ("nd",), "ion": ("ion",), "flake": FLAKE}.items():
        parts = [table["charge_e"][table["fragment"] == name].astype(float) for name in fragments]
        if any(len(part) for part in parts):
            sums[f"charge_{group}_e"] = np.sum([part for part in parts if len(part)], axis=0)
    return sums


def factors(plan: Plan, run: str) -> dict[str, str]:
    """Return what a run is made of and how, seeds aside: what two cases may differ in."""
    settings = plan.config.md.runs[run]
    recipe = load_recipe(settings.assembly, plan.recipes)
    if not isinstance(recipe, AssemblyRecipe):
        return {"structure": settings.assembly, **_settings(settings)}
    found = {"nanodiamond": recipe.cluster or "none", "box": recipe.box.model_dump_json()}
    found["cut"] = f"edge {recipe.edge}, tip {recipe.tip}, {recipe.distance_A:g} Å away" if recipe.cluster else "none"
    flake = load_recipe(recipe.flake, plan.recipes)
    if isinstance(flake, FlakeRecipe):
        ions = flake.ions
        found["ions"] = "none" if ions is None else f"{ions.count} {ions.element}"
        found["gap"] = f"{flake.gap_A:g} Å"
        found["flake"] = flake.model_dump_json(exclude={"description", "references", "ions", "gap_A"})
    else:
        found["flake"] = recipe.flake
    return {**found, "level": plan.run_level(run), **_settings(settings)}


def _settings(settings: MdRun) -> dict[str, str]:
    dumped = settings.model_dump(mode="json", exclude={"assembly", "seed", "level"})
    return {name: json.dumps(value) for name, value in dumped.items()}


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
            cases[key] = Case(name, plan.run_level(run), made_of)
        order = read_columns(plan.results / "md" / run / "order_parameters.csv")
        series = {name: order[name] for name in QUANTITIES if name in order and order[name].dtype == float}
        series |= charge_series(plan.results / "charges" / f"{run}.csv")
        cases[key].runs[run] = measure(series)
    return list(cases.values())


def comparisons(cases: Sequence[Case]) -> Iterator[Comparison]:
    """Yield the pairs of cases that differ in one factor, and the squares of cases that differ in two."""
    pairs = []
    for one, other in combinations(cases, 2):
        first, second = (one, other) if not _is_none(one, other) else (other, one)
        if (factor := _only_difference(first, second)) is not None:
            words = f"{factor} {first.factors[factor]} against {second.factors[factor]} ({first.name}, {second.name})"
            pairs.append(Comparison(factor, (first,), (second,), words))
    yield from pairs
    for first_pair, second_pair in combinations(pairs, 2):
        yield from _square(first_pair, second_pair)


def _square(first: Comparison, second: Comparison) -> Iterator[Comparison]:
    """Yield how much more one factor does with another than without it, if two pairs are the sides of that square.

    A square has two pairs of sides that give the same number; it is told of once.
    """
    factor, (a, b, c, d) = first.factor, (*first.plus, *first.minus, *second.plus, *second.minus)
    across = _only_difference(a, c)
    if factor != second.factor or across is None or across != _only_difference(b, d) or across > factor:
        return
    if any(one.factors[factor] != other.factors[factor] for one, other in ((a, c), (b, d))):
        return
    if _is_none(a, c):
        a, b, c, d = c, d, a, b
    effect = f"{factor} {a.factors[factor]} against {b.factors[factor]}"
    words = f"{effect}: more with {across} {a.factors[across]} than with {c.factors[across]}"
    yield Comparison(f"{factor} × {across}", (a, d), (b, c), words)


def _only_difference(one: Case, other: Case) -> str | None:
    """Return the factor that two cases differ in, if it is one; without a nanodiamond, cut and launch are nothing."""
    names = {name for name in {*one.factors, *other.factors} if one.factors.get(name) != other.factors.get(name)}
    if "nanodiamond" in names and "none" in {one.factors["nanodiamond"], other.factors["nanodiamond"]}:
        names -= {"cut", "launch_m_s"}
    return names.pop() if len(names) == 1 else None


def _is_none(one: Case, other: Case) -> bool:
    """Say whether the first case lacks what the second has."""
    return any(value == "none" != other.factors.get(name) for name, value in one.factors.items())


def findings(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Return each comparison of each quantity with what the data say of it."""
    found = []
    for comparison in comparisons(cases):
        both = (*comparison.plus, *comparison.minus)
        signs = [1] * len(comparison.plus) + [-1] * len(comparison.minus)
        for quantity in QUANTITIES:
            samples = [sample for case in both if (sample := case.sample(quantity)) is not None]
            if len(samples) == len(both):
                found.append(_finding(comparison, quantity, samples, estimate(samples, signs)))
    return found


def _finding(comparison: Comparison, quantity: str, samples: Sequence[Sample], value: Estimate) -> dict[str, Any]:
    fewest = min(len(sample.values) for sample in samples)
    more = "less" if value.value < 0 else "more"
    text = f"{quantity} changes by {abs(value.value):.3g} {more}"
    if abs(value.value) < SAME and value.error < SAME:
        verdict, text = "not supported", f"{quantity} changes alike in all runs"
    elif fewest < 2 or value.error < SAME:
        verdict = "cannot be said"
        text += (
            ", but of one run nothing is known of other seeds" if fewest < 2 else ", but no run differs from another"
        )
    else:
        verdict = "supported" if value.low > 0 or value.high < 0 else "not supported"
        text += f" (95 % interval of the difference {value.low:.3g} to {value.high:.3g})"
    return {
        "factor": comparison.factor,
        "comparison": comparison.words,
        "plus": [case.name for case in comparison.plus],
        "minus": [case.name for case in comparison.minus],
        "quantity": quantity,
        "difference": value.value,
        **{name: getattr(value, name) for name in ("error", "low", "high", "method")},
        "fewest_runs": fewest,
        "level": ", ".join(dict.fromkeys(case.level for case in (*comparison.plus, *comparison.minus))),
        "verdict": verdict,
        "text": text,
    }


def compare_runs(plan: Plan) -> None:
    """Compare the runs of a plan that converged and were analysed; of the others, say that they are left out.

    Parameters
    ----------
    plan : Plan
        Of a run, done or not.
    """
    finished = [run for run in plan.config.md.run if _is_analysed(plan, run)]
    left_out = [run for run in plan.config.md.run if run not in finished]
    write_contrasts(read_cases(plan, finished), left_out, plan.results)


def _is_analysed(plan: Plan, run: str) -> bool:
    """Say whether a run converged, and its tables are there."""
    record = plan.results / "jobs" / "md" / f"{run}.{plan.run_level(run)}" / "result.json"
    tables = (plan.results / "md" / run / "order_parameters.csv", plan.results / "charges" / f"{run}.csv")
    return all(file.is_file() for file in (record, *tables)) and read_result(record).status == "converged"


def write_contrasts(cases: Sequence[Case], left_out: Sequence[str], folder: Path) -> None:
    """Write ``contrasts.csv`` (runs and cases), ``contrasts.json`` and ``contrasts.md`` (what the data support).

    Parameters
    ----------
    cases : sequence of Case
        From `read_cases`.
    left_out : sequence of str
        Runs that did not converge, or are not there yet.
    folder : Path
        Where they go.
    """
    write_table(folder / "contrasts.csv", COLUMNS, (row for case in cases for row in _rows(case)))
    found = findings(cases)
    content = {"criterion": CRITERION, "left_out": list(left_out), "findings": found}
    write_text(folder / "contrasts.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    write_text(folder / "contrasts.md", _markdown(cases, found, left_out))


def _rows(case: Case) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each run and quantity, and one for all runs of the case."""
    for quantity in QUANTITIES:
        measures = {run: values[quantity] for run, values in case.runs.items() if quantity in values}
        for run, m in measures.items():
            error = m.error if np.isfinite(m.error) else None
            yield case.name, run, quantity, m.start, m.late, m.change, error, None, None, 1, "blocks", case.level
        sample = case.sample(quantity)
        if sample is not None:
            all_runs, ends = estimate([sample]), [*measures.values()]
            start, late = (float(np.mean([m[k] for m in ends])) for k in (0, 1))
            interval = (all_runs.value, all_runs.error, all_runs.low, all_runs.high)
            yield case.name, None, quantity, start, late, *interval, len(ends), all_runs.method, case.level


def _markdown(cases: Sequence[Case], found: Sequence[dict[str, Any]], left_out: Sequence[str]) -> str:
    lines = ["# What the runs say side by side", "", CRITERION, ""]
    lines += [f"Left out, not converged or not there: {', '.join(left_out)}.", ""] if left_out else []
    runs = [f"{case.name}: {len(case.runs)} ({case.level})" for case in cases]
    lines += [f"Runs of each case: {'; '.join(runs)}.", ""]
    if not found:
        lines += ["No two cases differ in one thing alone: of causes, nothing can be said.", ""]
    for words in dict.fromkeys(finding["comparison"] for finding in found):
        lines += [f"## {words[0].upper()}{words[1:]}", ""]
        for verdict in VERDICTS:
            texts = [f["text"] for f in found if f["comparison"] == words and f["verdict"] == verdict]
            lines += [f"{verdict[0].upper()}{verdict[1:]}:", "", *(f"- {text}" for text in texts), ""] if texts else []
    return "\n".join(lines)
