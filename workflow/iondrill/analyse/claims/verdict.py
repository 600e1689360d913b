"""What the numbers say of a claim: supported, refuted or not shown, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iondrill.analyse.claims import energies, measures
from iondrill.analyse.claims.doubts import doubt, why_believed
from iondrill.analyse.claims.evidence import OF_LEVEL, Evidence
from iondrill.analyse.columns import TableForm, number, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from iondrill.analyse.claims.found import Found
    from iondrill.analyse.claims.ledger import Claim, Region

MEASURES: dict[str, Callable[[Any, Found], Iterable[Evidence]]] = {
    "contrast": measures.contrast,
    "case": measures.of_case,
    "frame_charge": measures.frame_charge,
    "elf_bond": measures.elf_bond,
    "free_energy": energies.free_energy,
    "facets": energies.facets,
    "inside": energies.inside,
    "mixing": energies.mixing,
    "widened": energies.widened,
    "compound": energies.compound,
    "spacing": measures.spacing,
    "pulse": measures.pulse,
    "none": measures.nothing,
}
"""By the kind of a test."""
OF_RUNS = {"contrast", "case"}
"""Kinds of tests whose numbers come from runs side by side."""
SUPPORTED, REFUTED, NOT_SHOWN = "supported", "refuted", "not shown"
MOST_CHANCE = 0.05
"""The largest share of chance among comparisons as clear as one that decides a claim."""


class Decided(NamedTuple):
    """A row of the ledger: a claim, and what there is to say of it."""

    id: str
    claim: str
    source: str
    verdict: str
    sentence: str
    quantity: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    n: int | None
    level: str
    verification: str
    criterion: str
    figure: str
    data: str
    command: str


CLAIMS = TableForm[Decided](
    "a claim of the paper",
    (
        text("id", "its letter, and its number where a claim has parts"),
        text("claim", "in brief", heading="Claim", role="words"),
        text("source", "where the paper says it", heading="In the paper"),
        text("verdict", "`supported`, `refuted` or `not shown`", heading="Verdict"),
        text("sentence", "why, with the number; and what it would take, where it is not shown", role="words"),
        text("quantity", "what the number is"),
        number("value", "the number, the weakest of several; empty if there is none"),
        number("low", "lower end of its interval", heading="from"),
        number("high", "the other end", heading="to"),
        text("unit", "of all three"),
        number("n", "independent seeds of the case that has fewest", heading="seeds"),
        text("level", "levels of theory"),
        text("verification", "how far level and runs can be believed", role="words"),
        text("criterion", "what supports the claim, and what refutes it"),
        text("figure", "file of the results that shows it"),
        text("data", "file of the results that holds the number"),
        text("command", "what computes it"),
    ),
)
"""``claims.csv``."""


class Said(NamedTuple):
    """The verdict on a claim, why, and how far the number can be believed."""

    verdict: str
    sentence: str
    verification: str


def decide(claim: Claim, found: Found) -> Decided:
    """Return what the results say of a claim.

    Of several numbers of the kind that a claim is about, all have to say the same; the weakest is given. A number
    decides nothing if its level is below what the claim asks for, if a run behind it was not verified, is doubtful or
    was refused, if its seeds are fewer than two, or if chance makes more than one in twenty comparisons as clear.
    """
    all_of_it = list(MEASURES[claim.test.kind](claim.test, found))
    if not all_of_it or claim.supported is None or claim.refuted is None:
        why = _refusals(claim, found)
        sentence = f"not shown: {why}. Needs {_needs(claim)}" if why else f"not shown: needs {_needs(claim)}"
        return _row(claim, None, found, Said(NOT_SHOWN, sentence, why or "nothing was computed"))
    doubts = [doubt(claim, one, found) for one in all_of_it]
    sound = [one for one, why in zip(all_of_it, doubts, strict=True) if not why]
    shown = weakest(sound or all_of_it, claim.supported)
    if not sound:
        why = doubts[all_of_it.index(shown)]
        if shown.interval == OF_LEVEL:  # what is not verified has no known error
            shown = shown._replace(low=float("nan"), high=float("nan"))
        sentence = f"not shown: {why}. So far: {_number(claim, shown, found)}. Needs {_needs(claim)}"
        return _row(claim, shown, found, Said(NOT_SHOWN, sentence, why))
    sentence = _number(claim, shown, found)
    verdict, *others = {_verdict(claim.supported, claim.refuted, one) for one in sound}
    if others:
        verdict, sentence = NOT_SHOWN, f"not shown: {len(sound)} cases do not say the same. The weakest: {sentence}"
    elif verdict == NOT_SHOWN:
        sentence = f"not shown: {sentence} does not decide. Needs {_needs(claim)}"
    return _row(claim, shown, found, Said(verdict, sentence, why_believed(claim, shown, found)))


def weakest(several: Sequence[Evidence], supported: Region) -> Evidence:
    """Return the number that is farthest from supporting a claim."""
    if supported.above is not None:
        return min(several, key=lambda one: one.low if np.isfinite(one.low) else one.value)
    if supported.below is not None:
        return max(several, key=lambda one: one.high if np.isfinite(one.high) else one.value)
    smallest = supported.apart is not None
    return min(several, key=lambda one: abs(one.value) if smallest else -abs(one.value))


def _verdict(supported: Region, refuted: Region, one: Evidence) -> str:
    number_ = one.value, one.low, one.high
    by_chance = one.q is not None and one.q > MOST_CHANCE
    if supported.holds(*number_) and not (by_chance and supported.differs_from_zero):
        return SUPPORTED
    if refuted.holds(*number_) and not (by_chance and refuted.differs_from_zero):
        return REFUTED
    return NOT_SHOWN


def _number(claim: Claim, one: Evidence, found: Found) -> str:
    """Return the number in words: what it is, its interval, its seeds and its level."""
    unit = f" {claim.unit}" if claim.unit else ""
    words = f"{claim.quantity}: {_digits(one.value)}{unit}"
    if np.isfinite([one.low, one.high]).all():
        words += f" ({one.interval} {_digits(one.low)} to {_digits(one.high)}{unit})"
    seeds = "" if one.n is None else f"{one.n} seed{'' if one.n == 1 else 's'} a case"
    chance = "" if one.q is None else f"q = {one.q:.2g}"
    return ", ".join(filter(None, [words, *map(found.title, one.levels), one.what, seeds, chance]))


def _digits(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _needs(claim: Claim) -> str:
    """Return what it would take, in words and as a command."""
    command = f"`{claim.command}`" if claim.command else ""
    level = {"verified": "a level verified on its own frames", "reference": "density-functional theory", "any": ""}
    words = claim.needs or ("" if claim.test.kind == "none" else level[claim.level])
    return ": ".join(filter(None, [words, command]))


def _refusals(claim: Claim, found: Found) -> str:
    """Say which runs count in no comparison, of a claim on runs; nothing if none was refused."""
    refused = {run: one.reason for run, one in found.checked.items() if one.verdict == "refused"}
    if claim.test.kind not in OF_RUNS or not refused:
        return ""
    first = next(iter(refused))
    share = f"{len(refused)} of {len(found.checked)} verified runs were refused and count in no comparison"
    return f"{share}: of {first}, {refused[first]}"


def _row(claim: Claim, one: Evidence | None, found: Found, said: Said) -> Decided:
    regions = [(SUPPORTED, claim.supported), (REFUTED, claim.refuted)]
    sentence = said.sentence
    return Decided(
        id=claim.id,
        claim=claim.claim,
        source=claim.source,
        verdict=said.verdict,
        sentence=sentence[0].upper() + sentence[1:] + ".",
        quantity=claim.quantity,
        value=None if one is None else _finite(one.value),
        low=None if one is None else _finite(one.low),
        high=None if one is None else _finite(one.high),
        unit=claim.unit,
        n=None if one is None else one.n,
        level="" if one is None else ", ".join(map(found.title, one.levels)),
        verification=said.verification,
        criterion="; ".join(f"{word} where {region.words(claim.unit)}" for word, region in regions if region),
        figure="" if one is None else one.figure,
        data="" if one is None else one.data,
        command=claim.command,
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
