"""From tables of energies to the number that a claim is about: pure functions, one for each kind of test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iondrill.analyse.claims.evidence import OF_LEVEL, Evidence
from iondrill.analyse.claims.measures import fits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from iondrill.analyse.claims import ledger
    from iondrill.analyse.claims.found import Found, Row


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


def mixing(test: ledger.Mixing, found: Found) -> Iterator[Evidence]:
    """Yield at each level the energy of mixing on the cluster with the largest number of ions."""
    rows = [row for row in found.shells if row["E_mixing_eV_per_ion"] not in ("", None)]
    for level in dict.fromkeys(row["level"] for row in rows):
        row = max((row for row in rows if row["level"] == level), key=lambda row: int(row["n"]))
        value = float(row["E_mixing_eV_per_ion"])
        ends = value - test.error_eV, value + test.error_eV
        what = f"{row['ions']} on {row['cluster']}"
        yield Evidence(value, *ends, OF_LEVEL, levels=(level,), what=what, data="shells.csv")


def widened(test: ledger.Widened, found: Found) -> Iterator[Evidence]:
    """Yield at each level the energy of an ion at the distance nearest to `far_A` less that nearest to `near_A`."""
    rows = [row for row in found.insertion if row["ion"] == test.ion and row["E_insertion_eV"] not in ("", None)]
    for level in dict.fromkeys(row["level"] for row in rows):
        of_level = [row for row in rows if row["level"] == level]
        near, far = (
            min(of_level, key=lambda row, wanted=wanted: abs(float(row["gap_A"]) - wanted))  # type: ignore[misc]
            for wanted in (test.near_A, test.far_A)
        )
        value = float(far["E_insertion_eV"]) - float(near["E_insertion_eV"])
        ends = value - test.error_eV, value + test.error_eV
        apart = far["gap_A"] != near["gap_A"]
        yield Evidence(
            value,
            *ends,
            OF_LEVEL,
            levels=(level,),
            what=f"{test.ion}, layers {float(far['gap_A']):g} and {float(near['gap_A']):g} Å apart",
            flaw="" if apart else "energies at one distance alone",
            data="insertion.csv",
        )


def compound(test: ledger.Compound, found: Found) -> Iterator[Evidence]:
    """Yield the formation energy of a compound at each level."""
    for row in found.compounds:
        if row["compound"] == test.compound and row["E_formation_eV_per_ion"] not in ("", None):
            value = float(row["E_formation_eV_per_ion"])
            ends = value - test.error_eV, value + test.error_eV
            yield Evidence(value, *ends, OF_LEVEL, levels=(row["level"],), data="intercalation.csv")
