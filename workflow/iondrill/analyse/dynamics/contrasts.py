"""Runs side by side: what differs between cases that differ in one thing alone, and whether the data support it.

Cases that differ in one factor are compared; where two factors cross, so is how much the one changes what the other
does. What a case is, and what of its runs counts: `iondrill.analyse.dynamics.cases`.
"""

from __future__ import annotations

import json
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iondrill.analyse.columns import TableForm, number, text
from iondrill.analyse.dynamics.cases import QUANTITIES, Case, read_cases, verification_of
from iondrill.analyse.dynamics.statistics import Estimate, Sample, chance_of, effect_size, estimate
from iondrill.engines.base import read_result
from iondrill.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from iondrill.prepare.plan import Plan


class Change(NamedTuple):
    """A row of ``contrasts.csv``."""

    case: str
    run: str | None
    quantity: str
    start: float
    late: float
    change: float
    error: float | None
    low: float | None
    high: float | None
    n_runs: int
    method: str
    level: str


INTERVAL = (
    "the 95 % interval: Student's t with the degrees of freedom of Welch and Satterthwaite; from three seeds on, the "
    "wider of that and the bootstrap over seeds"
)
CONTRASTS = TableForm[Change](
    "a run and quantity, and, with an empty `run`, a *case*: runs that differ in their seed alone",
    (
        text("case", "name of the case"),
        text("run", "name of the run; empty for all runs of the case"),
        text(
            "quantity",
            "an order parameter, or `charge_nd_e`, `charge_ion_e`, `charge_flake_e`: sums over fragments of "
            "`charges/<run>.csv`",
        ),
        number(
            "start",
            "mean over the second half of the thermalisation (charges, and runs without one: value in the first frame)",
        ),
        number("late", "mean over the second half of the frames"),
        number("change", "their difference"),
        number(
            "error",
            "of one run, from blocks of the second half (Flyvbjerg and Petersen 1989: the largest from at least 6 "
            "blocks); of a case, the standard error of the mean change: from the scatter of the runs, but not less "
            "than their own errors leave",
        ),
        number("low", INTERVAL, heading="95 % from"),
        number("high", "its other end", heading="95 % to"),
        number("n_runs", "runs behind the row", heading="runs"),
        text("method", "how the interval comes about; of a single run, from its blocks alone"),
        text("level", "level of theory"),
    ),
)
"""``contrasts.csv``."""
VERDICTS = ("supported", "not supported", "cannot be said")
SAME = 1e-12
"""Differences below this are rounding."""
CRITERION = (
    "Supported: at least two runs (seeds) in every case compared, some scatter between runs or within them, the 95 % "
    "interval of the difference excludes 0, and q is at most 0.05: the share of chance among the comparisons of this "
    "table that are as clear or clearer (Benjamini and Yekutieli 2001). d is the difference in units of how far runs "
    "of the same case scatter. "
    "The change of a quantity is its mean over the second half of the frames less that before the run: the mean over "
    "the second half of the thermalisation, or the first frame if there was none."
)
MOST_CHANCE = 0.05


class Comparison(NamedTuple):
    """A difference of differences, or of two cases."""

    factor: str
    plus: tuple[Case, ...]
    minus: tuple[Case, ...]
    words: str


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

    A square has two pairs of sides that give the same number; it is given once.
    """
    factor, (a, b, c, d) = first.factor, (*first.plus, *first.minus, *second.plus, *second.minus)
    across = _only_difference(a, c)
    if factor != second.factor or across is None or across != _only_difference(b, d) or across >= factor:
        return
    if _is_none(a, c):
        a, b, c, d = c, d, a, b
    effect = f"{factor} {a.factors[factor]} against {b.factors[factor]}"
    words = f"{effect}: more with {across} {a.factors[across]} than with {c.factors[across]}"
    yield Comparison(f"{factor} × {across}", (a, d), (b, c), words)


def _only_difference(one: Case, other: Case) -> str | None:
    """Return the factor that two cases differ in, if one; without a nanodiamond its place and launch are nothing."""
    names = {name for name in {*one.factors, *other.factors} if one.factors.get(name) != other.factors.get(name)}
    if "nanodiamond" in names and "none" in {one.factors["nanodiamond"], other.factors["nanodiamond"]}:
        names -= {"cut", "height", "launch_m_s"}
    return names.pop() if len(names) == 1 else None


def _is_none(one: Case, other: Case) -> bool:
    """Say whether the first case lacks what the second has."""
    return any(value == "none" != other.factors.get(name) for name, value in one.factors.items())


class Compared(NamedTuple):
    """A quantity of a comparison."""

    comparison: Comparison
    quantity: str
    samples: list[Sample]
    value: Estimate

    @property
    def fewest_runs(self) -> int:
        """Those of the case that has the fewest."""
        return min(len(sample.values) for sample in self.samples)

    @property
    def is_same(self) -> bool:
        """Say whether all runs changed alike."""
        return abs(self.value.value) < SAME and self.value.error < SAME

    @property
    def decidable(self) -> bool:
        """Say whether the runs can tell the difference from chance."""
        return self.fewest_runs > 1 and self.value.error >= SAME


def findings(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Return each comparison of each quantity with what the data say of it."""
    compared = list(_compared(cases))
    chances = iter(chance_of([one.value.p for one in compared if one.decidable]))
    return [_finding(one, next(chances) if one.decidable else None) for one in compared]


def _compared(cases: Sequence[Case]) -> Iterator[Compared]:
    for comparison in comparisons(cases):
        both = (*comparison.plus, *comparison.minus)
        signs = [1] * len(comparison.plus) + [-1] * len(comparison.minus)
        for quantity in QUANTITIES:
            samples = [sample for case in both if (sample := case.sample(quantity)) is not None]
            if len(samples) == len(both):
                yield Compared(comparison, quantity, samples, estimate(samples, signs))


def _finding(one: Compared, chance: float | None) -> dict[str, Any]:
    comparison, value = one.comparison, one.value
    size = None if chance is None else effect_size(one.samples, value.value)
    levels = list(dict.fromkeys(case.level for case in (*comparison.plus, *comparison.minus)))
    verdict, text = _verdict(one, chance, size)
    return {
        "factor": comparison.factor,
        "comparison": comparison.words,
        "plus": [case.name for case in comparison.plus],
        "minus": [case.name for case in comparison.minus],
        "quantity": one.quantity,
        "difference": value.value,
        **{name: getattr(value, name) for name in ("error", "low", "high", "method")},
        "effect_size": size,
        "p": None if chance is None else value.p,
        "q": chance,
        "fewest_runs": one.fewest_runs,
        "level": ", ".join(levels),
        "levels": levels,
        "verdict": verdict,
        "text": text,
    }


def _verdict(one: Compared, chance: float | None, size: float | None) -> tuple[str, str]:
    """Return the verdict of a comparison, and the sentence that goes with it."""
    (words, unit), value = QUANTITIES[one.quantity], one.value
    if one.is_same:
        return "not supported", f"{words}: the same change in all runs"
    text = f"{words}: {_with_unit(abs(value.value), unit)} {'less' if value.value < 0 else 'more'}"
    if one.fewest_runs < 2:
        return "cannot be said", f"{text}, but of one run nothing is known of other seeds"
    if chance is None:
        return "cannot be said", f"{text}, but no run differs from another"
    supported = (value.low > 0 or value.high < 0) and chance <= MOST_CHANCE
    interval = f"95 % interval of the difference {_with_unit(value.low)} to {_with_unit(value.high, unit)}"
    measures = ([] if size is None else [f"d = {_with_unit(size)}"]) + [f"q = {chance:.2g}"]
    return "supported" if supported else "not supported", f"{text} ({interval}; {', '.join(measures)})"


def _with_unit(value: float, unit: str = "") -> str:
    space = " " if unit not in {"", "°"} else ""
    return f"{value:.3g}{space}{unit}".replace("-", "−")


def compare_runs(plan: Plan) -> None:
    """Compare the runs of a plan that converged, were analysed and not refused; say which are left out.

    Parameters
    ----------
    plan : Plan
        Of a run, done or not.
    """
    finished = [run for run in plan.config.md.run if _is_analysed(plan, run)]
    left_out = [run for run in plan.config.md.run if run not in finished]
    write_contrasts(read_cases(plan, finished), left_out, plan.results)


def _is_analysed(plan: Plan, run: str) -> bool:
    """Say whether a run converged, its tables are there, and it was not refused."""
    record = plan.folder(plan.md.of_run(run)) / "result.json"
    tables = (plan.md.results_of(run) / "order_parameters.csv", plan.results / "charges" / f"{run}.csv")
    if not all(file.is_file() for file in (record, *tables)) or read_result(record).status != "converged":
        return False
    verification = verification_of(plan, run)
    return verification is None or not verification.refused


def write_contrasts(cases: Sequence[Case], left_out: Sequence[str], folder: Path) -> None:
    """Write ``contrasts.csv`` (runs and cases), ``contrasts.json`` and ``contrasts.md`` (what the data support).

    Parameters
    ----------
    cases : sequence of Case
        From `read_cases`.
    left_out : sequence of str
        Runs that did not converge, were refused, or are not there yet.
    folder : Path
        Where they go.
    """
    CONTRASTS.write((row for case in cases for row in case_rows(case)), folder / "contrasts.csv")
    found = findings(cases)
    content = {"criterion": CRITERION, "left_out": list(left_out), "findings": found}
    write_text(folder / "contrasts.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    write_text(folder / "contrasts.md", _markdown(cases, found, left_out))


def case_rows(case: Case) -> Iterator[Change]:
    """Yield a row for each run and quantity, and one for all runs of the case."""
    for quantity in QUANTITIES:
        measures = {run: values[quantity] for run, values in case.runs.items() if quantity in values}
        for run, m in measures.items():
            error = m.error if np.isfinite(m.error) else None
            yield Change(
                case.name, run, quantity, *(m.start, m.late, m.change), error, None, None, 1, "blocks", case.level
            )
        sample = case.sample(quantity)
        if sample is not None:
            all_runs, ends = estimate([sample]), [*measures.values()]
            start, late = (float(np.mean([m[k] for m in ends])) for k in (0, 1))
            interval = (all_runs.value, all_runs.error, all_runs.low, all_runs.high)
            yield Change(case.name, None, quantity, start, late, *interval, len(ends), all_runs.method, case.level)


def _markdown(cases: Sequence[Case], found: Sequence[dict[str, Any]], left_out: Sequence[str]) -> str:
    lines = ["# What the runs say side by side", "", CRITERION, ""]
    lines += [f"Left out, not converged, refused or not there: {', '.join(left_out)}.", ""] if left_out else []
    runs = [f"{case.name}: {len(case.runs)} ({case.level})" for case in cases]
    lines += [f"Runs of each case: {'; '.join(runs)}.", ""]
    if not found:
        lines += ["No two cases differ in exactly one factor, so no effect can be attributed.", ""]
    for words in dict.fromkeys(finding["comparison"] for finding in found):
        lines += [f"## {words[0].upper()}{words[1:]}", ""]
        for verdict in VERDICTS:
            texts = [f["text"] for f in found if f["comparison"] == words and f["verdict"] == verdict]
            lines += [f"{verdict[0].upper()}{verdict[1:]}:", "", *(f"- {text}" for text in texts), ""] if texts else []
    return "\n".join(lines)
