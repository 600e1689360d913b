"""The first screen: the question, the answer in a sentence with how sure it is, three numbers, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.prepare.plan import Plan
from iondrill.prepare.result_files import RESULT_FILES, SETTINGS
from iondrill.report.data import UNDER_WAY, refusal_of
from iondrill.report.sections.dynamics import so_far
from iondrill.report.sections.highlights import highlights
from iondrill.report.sections.trust import Badge, badge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from iondrill.report.data import Results, Run
    from iondrill.report.sections.chapters import Claim, Happened
    from iondrill.report.sections.highlights import Highlight
    from iondrill.report.sections.ledger import Entry
    from iondrill.report.sections.still import Still

MOST_NUMBERS, MOST_STEPS = 3, 2


class Answer(NamedTuple):
    """A sentence, how sure it is, and the level that it is from; None where nothing is known."""

    text: str
    sure: str
    badge: Badge | None
    verdict: str = ""
    """Of a claim: supported, refuted or not shown."""


class Number(NamedTuple):
    """A number, and its badge where its level is not that of the answer, or of a number before it."""

    highlight: Highlight
    badge: Badge | None


class Step(NamedTuple):
    """What to do next: what for, and the command or file."""

    words: str
    code: str


class FirstScreen(NamedTuple):
    """All of it."""

    answer: Answer
    numbers: list[Number]
    still: Still | None
    steps: list[Step]


def main_run(results: Results) -> Run | None:
    """Return the run that the first screen tells about: the first with a nanodiamond whose numbers are results."""
    told = results.told_runs or results.finished_runs
    drilling = [run for run in told if np.isfinite(run.order.numbers("penetration_A")).any()]
    return next(iter(drilling or told), None)


def first_screen(
    results: Results,
    claims: Sequence[Entry],
    happened: Mapping[str, Happened | None],
    comparisons: Sequence[Claim],
    still: Still | None,
) -> FirstScreen:
    """Return the first screen.

    Parameters
    ----------
    results : Results
        The run of the workflow.
    claims : sequence of Entry
        The ledger; without it the answer is what the main run did.
    happened : mapping
        What was looked for in each run, by its name.
    comparisons : sequence of Claim
        What runs side by side say.
    still : Still, optional
        The decisive moment of the main run.
    """
    answer = _of_claims(results, claims) or _of_run(results, happened, comparisons) or _of_adsorption(results)
    if not answer.verdict:
        also = [answer.sure, _refusals(results), _counted(claims) if claims else ""]
        answer = answer._replace(sure=" ".join(filter(None, also)))
    return FirstScreen(answer, list(_numbers(results, answer)), still, list(_steps(results, claims))[:MOST_STEPS])


def _of_claims(results: Results, claims: Sequence[Entry]) -> Answer | None:
    """Return what is decided of the first claim, a1, a2, …, which is the question; None if nothing is."""
    chosen = next((entry for entry in claims if entry.decided and entry.id[0] == claims[0].id[0]), None)
    if chosen is None:
        return None
    known = badge(results, chosen.level) if chosen.level else None
    if known is not None and chosen.verification:
        known = known._replace(says=chosen.verification)
    return Answer(chosen.sentence, _counted(claims), known, chosen.verdict)


def _counted(claims: Sequence[Entry]) -> str:
    """Return how many claims of the ledger are decided."""
    counts = {verdict: sum(entry.verdict == verdict for entry in claims) for verdict in ("supported", "refuted")}
    rest = len(claims) - sum(counts.values())
    return f"{len(claims)} claims: {counts['supported']} supported, {counts['refuted']} refuted, {rest} not shown."


def _refusals(results: Results) -> str:
    """Return which run its verification refused, and why; nothing if there is none."""
    refused = [(run, refusal) for run in results.finished_runs if (refusal := refusal_of(run)) is not None]
    if not refused:
        return ""
    (run, refusal), *others = refused
    length = f"{run.order.numbers('time_fs')[-1] / 1000:.3g} ps"
    more = f", and {len(others)} more" if others else ""
    return f"Run {run.name} ({length}) was refused{more}: {', '.join(refusal.reasons[:1])}."


def _of_run(results: Results, happened: Mapping[str, Happened | None], comparisons: Sequence[Claim]) -> Answer | None:
    """Return what the main run did, and what the comparison of runs says; None without a run."""
    run = main_run(results)
    if run is None:
        return None
    known, seen, end_fs = badge(results, run.level, run), happened.get(run.name), run.order.numbers("time_fs")[-1]
    if refusal_of(run) is not None:
        return Answer("No answer: the error of the level is too large for this run.", "", known)
    if seen is None:
        text = f"Run {run.name} covers {end_fs:g} fs; no events were looked for."
    elif seen.rows:
        text = f"In run {run.name}: {'; '.join(_event(row) for row in seen.rows[:3])}."
    else:
        text = f"In {end_fs:g} fs {seen.unseen}."
    sure = "One trajectory: causes need controls and other seeds."
    if comparisons:
        supported = sum(claim.verdict == "supported" for claim in comparisons)
        sure = (
            f"The data support {supported or 'none'} of {len(comparisons)} comparisons of runs. About one in twenty "
            "would pass by chance alone."
        )
    return Answer(text, sure, known)


def _event(row: Mapping[str, object]) -> str:
    return f"{row['what']} at {float(str(row['time_fs'])):g} fs" if row["time_fs"] is not None else str(row["what"])


def _of_adsorption(results: Results) -> Answer:
    """Return the strongest binding of the table; where there is none, that there is no result."""
    found = [each for each in highlights(results) if each.section == "adsorption"]
    if not found and results.running:
        return Answer("No answer yet.", " ".join(map(so_far, results.running)), None)
    if not found:
        done = sum(job.result.status == "converged" for job in results.computed)
        counted = "1 job has" if done == 1 else f"{done} jobs have"
        return Answer(f"No answer yet: {counted} converged.", "", None)
    first = found[0]
    text = f"{first.value} is the {first.what}."
    return Answer(text, "A repeated calculation gives the same number; the error is that of the level.", first.badge)


def _numbers(results: Results, answer: Answer) -> Iterator[Number]:
    """Yield the first numbers of the runs, and one of the adsorption energies; a level is named once."""
    found = highlights(results)
    binding = [each for each in found if each.section == "adsorption"]
    moving = [each for each in found if each.section != "adsorption"]
    chosen = [*moving[: MOST_NUMBERS - bool(binding)], *binding][:MOST_NUMBERS]
    named = {answer.badge.title} if answer.badge else set[str]()
    for each in chosen:
        yield Number(each, None if each.badge.title in named else each.badge)
        named.add(each.badge.title)


def _steps(results: Results, claims: Sequence[Entry]) -> Iterator[Step]:
    """Yield what to do next, the most urgent first."""
    plan = Plan(results.config)
    stopped = any(item.state not in {*UNDER_WAY, "missing"} for item in results.missing)
    if stopped or any(job.result.status != "converged" for job in results.computed):
        yield Step("Resume what stopped:", "snakemake")
    trust = {badge(results, job.id.level).trust for job in results.computed}
    if "not verified" in trust and results.config.md.verify is None:
        yield Step("Compare frames of the run with its reference:", "md.verify")
    asked = [entry for entry in claims if entry.id[0] == claims[0].id[0]]
    alone = results.config.md.run and not results.config.md.matrix
    if alone and asked and asked[0].command and not any(entry.decided for entry in asked):
        yield Step("Ask the question with controls and seeds:", asked[0].command)
    inputs = results.config.inputs
    if "preview" in trust and any((inputs.relax, inputs.md, inputs.elf, inputs.adsorption)):
        yield Step("Write the DFT jobs:", "snakemake inputs")
    studies = [path for file in RESULT_FILES if file.chapter is SETTINGS for path in file.paths(plan)]
    if studies and not any(path.exists() for path in studies):
        yield Step("Check the settings:", "snakemake convergence")
