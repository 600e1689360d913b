"""From tables of runs and reflections to the number that a claim is about: a pure function for each kind of test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from iondrill.analyse.claims.evidence import OF_SOURCE, PER_SEED, Evidence
from iondrill.analyse.dynamics.statistics import Sample, estimate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from iondrill.analyse.claims import ledger
    from iondrill.analyse.claims.found import Found, Row


def fits(factors: Mapping[str, str], wanted: Mapping[Any, str]) -> bool:
    """Say whether a case is of a kind: with nanodiamond or ions, without, or with ions of an element."""
    return all(_fits(factors[name], pattern) if name in factors else False for name, pattern in wanted.items())


def _fits(value: str, pattern: str) -> bool:
    if pattern in {"some", "none"}:
        return (value == "none") == (pattern == "none")
    return re.fullmatch(rf"\d+ {pattern}", value) is not None


def contrast(test: ledger.Contrast, found: Found) -> Iterator[Evidence]:
    """Yield each comparison of two cases that is of the kind."""
    cases = {case["name"]: case for case in found.cases}
    for finding in found.findings:
        if not cases.keys() >= {*finding["plus"], *finding["minus"]}:
            continue
        if len(finding["plus"]) > 1 or (finding["factor"], finding["quantity"]) != (test.factor, test.quantity):
            continue
        first, second = cases[finding["plus"][0]], cases[finding["minus"][0]]
        for plus, minus, sign in ((first, second, 1), (second, first, -1)):
            if not _are_sides(test, plus["factors"], minus["factors"]):
                continue
            low, high = sorted((sign * finding["low"], sign * finding["high"]))
            yield Evidence(
                sign * finding["difference"],
                *_of_seeds(low, high, finding["fewest_runs"]),
                PER_SEED,
                levels=tuple(finding["levels"]),
                runs=(*plus["runs"], *minus["runs"]),
                n=finding["fewest_runs"],
                q=finding["q"],
                what=f"{plus['name']} against {minus['name']}",
                flaw="no run differs from another" if finding["q"] is None and finding["fewest_runs"] > 1 else "",
                data="contrasts.json",
                figure=f"figures/{plus['runs'][0]}.svg",
            )
            break


def _of_seeds(low: float, high: float, n: float) -> tuple[float, float]:
    """Return an interval; none of a single run, whose drift is no scatter."""
    return (low, high) if n > 1 else (float("nan"), float("nan"))


def _are_sides(test: ledger.Contrast, plus: Mapping[str, str], minus: Mapping[str, str]) -> bool:
    sides = fits(plus, {test.factor: test.plus, **test.both}) and fits(minus, {test.factor: test.minus, **test.both})
    if sides and test.plus == test.minus:  # the same ions: more of them less fewer
        return _count(plus[test.factor]) > _count(minus[test.factor])
    return sides


def _count(value: str) -> int:
    return int(value.split(maxsplit=1)[0])


def of_case(test: ledger.OfCase, found: Found) -> Iterator[Evidence]:
    """Yield the quantity of each case of the kind, late in its runs or by its change."""
    changes = {row["case"]: row for row in found.changes if row["quantity"] == test.quantity}
    for case in found.cases:
        row = changes.get(case["name"])
        if row is None or not fits(case["factors"], test.case):
            continue
        change, low, high, start = (float(row[name]) for name in ("change", "low", "high", "start"))
        shift = start if test.what == "late" else 0.0
        yield Evidence(
            shift + change,
            *_of_seeds(shift + low, shift + high, float(row["n_runs"])),
            PER_SEED,
            levels=(case["level"],),
            runs=tuple(case["runs"]),
            n=int(float(row["n_runs"])),
            what=case["name"],
            data="contrasts.csv",
            figure=f"figures/{case['runs'][0]}.svg",
        )


def frame_charge(test: ledger.FrameCharge, found: Found) -> Iterator[Evidence]:
    """Yield how the charge of the nanodiamond changed in each case of the kind."""

    def change(rows: Sequence[Row]) -> float | None:
        own = sorted((int(row["step"]), float(row["charge_e"])) for row in rows if row["fragment"] == "nd")
        return own[-1][1] - own[0][1] if len(own) > 1 else None

    files = ("elf/{}/charges.csv", "elf/{}/{}.png")
    yield from _over_seeds(test.case, found, {run: change(rows) for run, rows in found.charges.items()}, files)


def elf_bond(test: ledger.ElfBond, found: Found) -> Iterator[Evidence]:
    """Yield the ELF half-way along the bonds of nanodiamond and flake in each case of the kind; 0 without a bond."""

    def largest(rows: Sequence[Row]) -> float | None:
        pairs = [(float(row["distance_A"]), float(row["elf_midpoint"])) for row in rows if row["pair"] == "nd-flake"]
        return max((elf for apart, elf in pairs if apart < test.nearer_A), default=0.0) if pairs else None

    files = ("elf/{}/summary.csv", "elf/{}/film.gif")
    yield from _over_seeds(test.case, found, {run: largest(rows) for run, rows in found.contacts.items()}, files)


def _over_seeds(
    case_of: Mapping[Any, str], found: Found, values: Mapping[str, float | None], files: tuple[str, str]
) -> Iterator[Evidence]:
    """Yield the mean over the runs of each case of a kind that have a number."""
    data, figure = files
    for case in found.cases:
        own = {run: value for run in case["runs"] if (value := values.get(run)) is not None}
        if not own or not fits(case["factors"], case_of):
            continue
        of_all = estimate([Sample(tuple(own.values()), (float("nan"),) * len(own))])
        ends = _of_seeds(of_all.low, of_all.high, len(own))
        first = next(iter(own))
        yield Evidence(
            of_all.value,
            *ends,
            PER_SEED,
            levels=(found.elf_level,),
            runs=tuple(own),
            n=len(own),
            what=case["name"],
            data=data.format(first),
            figure=figure.format(first, 0),
        )


def spacing(test: ledger.Spacing, found: Found) -> Iterator[Evidence]:
    """Yield the widest distance of layers that the paper's reflections are of."""
    gaps = [float(row["gap_A"]) for row in found.reflections if row["source"].startswith("Bragg's law")]
    if gaps:
        widest = max(gaps)
        ends = widest - test.error_A, widest + test.error_A
        error = "with the error of a laboratory diffractometer"
        yield Evidence(widest, *ends, error, data="diffraction.csv", figure="figures/diffraction.svg")


def pulse(test: ledger.Pulse, found: Found) -> Iterator[Evidence]:  # noqa: ARG001
    """Yield the length of a pulse over the longest time of diffusion, and over the shortest as the other end."""
    low, high = test.pulse_s / max(test.diffusion_s), test.pulse_s / min(test.diffusion_s)
    yield Evidence(low, low, high, OF_SOURCE)


def nothing(test: ledger.Nothing, found: Found) -> Iterable[Evidence]:  # noqa: ARG001
    """Return nothing: what it takes is not computed yet."""
    return ()
