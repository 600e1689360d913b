"""From tables to the number that a claim is about: pure functions, one for each kind of test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iondrill.analyse.dynamics.statistics import Sample, estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from iondrill.analyse.claims import ledger
    from iondrill.analyse.claims.found import Found, Row

PER_SEED, OF_LEVEL, OF_SOURCE = "95 % interval", "with the error of the level", "range"
"""What an interval is."""


class Evidence(NamedTuple):
    """A number, and how sure it is.

    Attributes
    ----------
    value, low, high : float
        NaN of an interval that there is not.
    interval : str
        What the interval is, in words.
    levels, runs : tuple of str
        Where it comes from.
    n : int or None
        Independent seeds of the case that has fewest; None where the number does not scatter.
    q : float or None
        The share of chance among the comparisons as clear as this one; None where it is no comparison.
    what : str
        Which of several it is, in words.
    flaw : str
        Why it decides nothing, whatever its level.
    data, figure : str
        Files of the results.
    """

    value: float
    low: float
    high: float
    interval: str
    levels: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    n: int | None = None
    q: float | None = None
    what: str = ""
    flaw: str = ""
    data: str = ""
    figure: str = ""


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


def free_energy(test: ledger.FreeEnergy, found: Found) -> Iterator[Evidence]:
    """Yield the highest point of each profile of the kind, or of each pair of profiles at one level the difference."""
    profiles = [profile for profile in found.profiles if profile["coordinate"] == test.coordinate]
    ours = [profile for profile in profiles if fits(profile["factors"], test.case)]
    if test.less is None:
        yield from (_highest([profile], [1]) for profile in ours)
        return
    for profile in ours:
        for other in profiles:
            if other["level"] == profile["level"] and fits(other["factors"], test.less):
                yield _highest([profile, other], [1, -1])


def _highest(profiles: Sequence[Row], signs: Sequence[int]) -> Evidence:
    """Return a sum or difference of highest points; their errors are independent."""
    from scipy.stats import norm

    value = sum(sign * _known(one.get("highest_eV")) for sign, one in zip(signs, profiles, strict=True))
    half = float(norm.ppf(0.975)) * float(np.sqrt(sum(_known(one.get("highest_error_eV")) ** 2 for one in profiles)))
    flaws = [f"{one['profile']}: {one['flaw']}" for one in profiles if one["flaw"]]
    return Evidence(
        value,
        value - half,
        value + half,
        "95 % interval, bootstrap over blocks and seeds",
        levels=(profiles[0]["level"],),
        runs=tuple(one["run"] for one in profiles),
        n=min(int(one["n_seeds"]) for one in profiles),
        what=" less ".join(one["profile"] for one in profiles),
        flaw="; ".join(flaws),
        data="free_energy.csv",
        figure="figures/free_energy.svg",
    )


def _known(value: float | None) -> float:
    """Return a number; NaN where there is none."""
    return float("nan") if value is None else float(value)


def facets(test: ledger.Facets, found: Found) -> Iterator[Evidence]:
    """Yield at each level the energy of the ion and facet that bind least, each on its best site."""
    rows = [row for row in found.adsorption if row["termination"] == "clean" and row[test.column] not in ("", None)]
    rows = [row for row in rows if float(row["coverage_ML"] or 0) >= test.least_coverage_ML]
    for level in dict.fromkeys(row["level"] for row in rows):
        best: dict[tuple[str, str], Row] = {}
        for row in (row for row in rows if row["level"] == level):
            key = row["facet"], row["adsorbate"]
            # the densest layer counts, and of that the best site
            if key not in best or _rank(row, test.column) < _rank(best[key], test.column):
                best[key] = row
        wanted = [(facet, ion) for facet in test.facets for ion in test.ions]
        of_kind = [row for key, row in best.items() if any(_is_of(key, one) for one in wanted)]
        missing = [f"{ion} on {facet}" for facet, ion in wanted if not any(_is_of(k, (facet, ion)) for k in best)]
        if not of_kind:
            continue
        weakest = max(of_kind, key=lambda row: float(row[test.column]))
        value = float(weakest[test.column])
        error = max(test.error_eV, float(weakest["error_estimate_eV"] or 0))
        yield Evidence(
            value,
            value - error,
            value + error,
            OF_LEVEL,
            levels=(level,),
            what=f"{weakest['adsorbate']} on {weakest['facet']}, {weakest['site']}",
            flaw=f"no energy of {', '.join(missing)}" if missing else "",
            data="adsorption.csv",
            figure="figures/adsorption.svg",
        )


def _is_of(key: tuple[str, str], wanted: tuple[str, str]) -> bool:
    return key[0].startswith(wanted[0]) and key[1] == wanted[1]


def _rank(row: Row, column: str) -> tuple[float, float]:
    return -float(row["coverage_ML"] or 0), float(row[column])


def inside(test: ledger.Inside, found: Found) -> Iterator[Evidence]:
    """Yield at each level how much more it costs to be inside than on the surface, for the ion where it is least."""
    rows = [row for row in found.interstitials if row["E_interstitial_eV"] not in ("", None)]
    clean = [row for row in found.adsorption if row["termination"] == "clean" and row["E_ads_eV"] not in ("", None)]
    for level in dict.fromkeys(row["level"] for row in rows):
        costs: dict[str, float] = {}
        for ion in test.ions:
            within = [row for row in rows if row["level"] == level and row["ion"] == ion]
            largest = max((int(row["repeats"]) for row in within), default=0)
            bulk = [float(row["E_interstitial_eV"]) for row in within if int(row["repeats"]) == largest]
            on_top = [
                float(row["E_ads_eV"])
                for row in clean
                if row["level"] == level and row["adsorbate"] == ion and row["facet"].startswith(tuple(test.facets))
            ]
            if bulk and on_top:
                costs[ion] = min(bulk) - min(on_top)
        if not costs:
            continue
        least, which = min((cost, ion) for ion, cost in costs.items())
        ends = least - test.error_eV, least + test.error_eV
        missing = [each for each in test.ions if each not in costs]
        flaw = f"no energy of {', '.join(missing)} inside and on the surface" if missing else ""
        yield Evidence(least, *ends, OF_LEVEL, levels=(level,), what=which, flaw=flaw, data="interstitials.csv")


def compound(test: ledger.Compound, found: Found) -> Iterator[Evidence]:
    """Yield the formation energy of a compound at each level."""
    for row in found.compounds:
        if row["compound"] == test.compound and row["E_formation_eV_per_ion"] not in ("", None):
            value = float(row["E_formation_eV_per_ion"])
            ends = value - test.error_eV, value + test.error_eV
            yield Evidence(value, *ends, OF_LEVEL, levels=(row["level"],), data="intercalation.csv")


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


MEASURES: dict[str, Callable[[Any, Found], Iterable[Evidence]]] = {
    "contrast": contrast,
    "case": of_case,
    "frame_charge": frame_charge,
    "elf_bond": elf_bond,
    "free_energy": free_energy,
    "facets": facets,
    "inside": inside,
    "compound": compound,
    "spacing": spacing,
    "pulse": pulse,
    "none": nothing,
}
"""By the kind of a test."""
