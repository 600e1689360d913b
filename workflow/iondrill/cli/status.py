"""``iondrill status``: every job of a configuration, how far it is, and why it stopped."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

from iondrill.collect.progress import Progress, State, progress
from iondrill.engines.folder import JOB
from iondrill.errors import UserError, nearest
from iondrill.prepare.published import published

if TYPE_CHECKING:
    from pathlib import Path

    from iondrill.prepare.plan import Plan

HEADER = ("stage", "job", "state", "attempt", "progress", "left", "why it stopped", "log")
REASON = 60
ENDED = {"converged", "not_converged", "failed", "not_due", "unreadable", "record_missing"}
"""States of a job that nothing is left to be computed of."""
STATES: tuple[State, ...] = get_args(State)
BAD = {"failed", "not_converged", "unreadable", "record_missing"}
"""Those of a job that has ended without a result."""


def survey(plan: Plan) -> list[Progress]:
    """Return how far each job is: those that the default target runs, and others whose folders are there."""
    planned = [(job.stage, job.name) for job in plan.executed()]
    there = sorted(path.parent for path in (plan.results / "jobs").glob(f"*/*/{JOB}"))
    jobs = dict.fromkeys([*planned, *((folder.parent.name, folder.name) for folder in there)])
    return [progress(plan.results, stage, name) for stage, name in jobs]


def missing(plan: Plan, jobs: list[Progress]) -> list[Path]:
    """Return the files of a run that are not there though all its jobs have ended; nothing while some have not."""
    ended = {(job.stage, job.name) for job in jobs if job.state in ENDED}
    if not ended.issuperset((job.stage, job.name) for job in plan.executed()):
        return []
    return [file for file in published(plan) if not file.exists()]


def chosen(jobs: list[Progress], words: str) -> list[Progress]:
    """Return the jobs of some states.

    Parameters
    ----------
    jobs : list of Progress
        All jobs.
    words : str
        States with commas between: ``failed,running``. Of ``failed`` are all that ended badly; empty: every state.

    Raises
    ------
    UserError
        If a word is no state.
    """
    asked = {word.strip().replace(" ", "_") for word in words.split(",") if word.strip()}
    for word in sorted(asked.difference(STATES)):
        raise UserError.of("--only", f"there is no state '{word}'", nearest(word, STATES))
    states = asked | (BAD if "failed" in asked else set())
    return [job for job in jobs if job.state in states or not asked]


def as_text(jobs: list[Progress], shown: list[Progress] | None = None) -> str:
    """Return a line that counts the states of all jobs, and a table of those to be shown, by default of all."""
    counts = Counter(job.state for job in jobs)
    total = ", ".join(f"{counts[state]} {state.replace('_', ' ')}" for state in STATES if counts[state])
    rows = [HEADER, *(_row(job) for job in (jobs if shown is None else shown))]
    *widths, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = ["  ".join([*map(str.ljust, row, widths), row[-1]]) for row in rows]
    return "\n".join(line.rstrip() for line in [f"{len(jobs)} jobs: {total}", *(lines if len(rows) > 1 else [])])


def _row(job: Progress) -> tuple[str, ...]:
    # a job that ended well needs no reason, and a broken line no table
    reason = "" if job.state == "converged" else " ".join(job.reason.split())
    reason = reason if len(reason) <= REASON else reason[: REASON - 1] + "…"
    attempt = str(job.attempt) if job.attempt else ""
    left = _duration(job.left_s) or (f"{_duration(job.pace_s)} a step" if job.pace_s else "")
    return (job.stage, job.name, job.state.replace("_", " "), attempt, _done(job), left, reason, job.log)


def _done(job: Progress) -> str:
    """Return how far a job is: steps of those to do, or step and force of a relaxation; cycles of the SCF that runs."""
    words = [f"{'thermalisation, ' * job.thermalises}{job.step or 0} of {job.steps} steps"] if job.steps else []
    if job.fmax_eV_A is not None and job.step is not None:
        words.append(f"step {job.step}")
        if job.max_force_eV_A is not None:
            words.append(f"force {job.max_force_eV_A:.2g} of {job.fmax_eV_A:g} eV/Å")
    if job.scf_cycle:
        words.append(f"SCF cycle {job.scf_cycle}")
    if not words and job.n_scf_cycles:
        words.append(f"{job.n_scf_cycles} SCF cycles")
    return ", ".join(words)


def _duration(seconds: float | None) -> str:
    """Return a time as people say it."""
    if seconds is None:
        return ""
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{hours} h" if hours < 72 else f"{round(hours / 24)} d"
