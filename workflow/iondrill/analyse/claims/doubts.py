"""How far a number can be believed: whether its level, its runs and its seeds let it decide a claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iondrill.analyse.claims.evidence import Evidence
    from iondrill.analyse.claims.found import Found
    from iondrill.analyse.claims.ledger import Claim

FEWEST_SEEDS = 2


def doubt(claim: Claim, one: Evidence, found: Found) -> str:
    """Say why a number decides nothing; nothing if it may decide."""
    return next(_doubts(claim, one, found), "")


def _doubts(claim: Claim, one: Evidence, found: Found) -> Iterator[str]:
    if one.flaw:
        yield one.flaw
    if one.n is not None and one.n < FEWEST_SEEDS:
        yield "of one run nothing is known of other seeds"
    if not np.isfinite([one.low, one.high]).all():
        yield "it has no interval"
    if claim.level == "any":
        return
    poor = [level for level in one.levels if not found.is_reference(level)]
    if poor and claim.level == "reference":
        yield f"{', '.join(map(found.title, poor))} is a preview, and density-functional theory decides"
    for run in one.runs:
        level = found.run_levels.get(run, "")
        checked = found.checked.get(run)
        if not found.is_reference(level) and (checked is None or checked.verdict != "trusted"):
            said = "was not verified" if checked is None else f"is {checked.verdict}"
            yield f"run {run} ({found.title(level)}) {said}"
    if not one.runs:
        checks = (found.spot_checks(level) for level in poor)
        yield from (check.sentence for check in checks if check.verdict != "trusted")


def why_believed(claim: Claim, one: Evidence, found: Found) -> str:
    """Say why a number may decide."""
    if claim.level == "any":
        return "no simulation decides it"
    checked = [found.checked[run] for run in one.runs if run in found.checked]
    if checked:
        return f"{len(checked)} runs are trusted; the first: {checked[0].sentence}"
    poor = [level for level in one.levels if not found.is_reference(level)]
    return "; ".join(found.spot_checks(level).sentence for level in poor) or "the reference itself"
