"""How far a job is: read from its folder alone, while it runs or after it died."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Literal

from iondrill.config.base import NonNegativeFloat, NonNegativeInt, Strict
from iondrill.engines.base import read_result
from iondrill.engines.external.launch import is_locked
from iondrill.engines.folder import JOB, RESULT, STRUCTURE, THERMALISED
from iondrill.engines.length import FRAMES
from iondrill.engines.registry import ENGINES, engine
from iondrill.engines.standing import Standing
from iondrill.errors import UserError
from iondrill.jobs.frames import last_step
from iondrill.jobs.journal import FINISHED, RUNNING, Journal

if TYPE_CHECKING:
    from pathlib import Path


State = Literal[
    "waiting",
    "written",
    "running",
    "stopped",
    "record_missing",
    "converged",
    "not_converged",
    "failed",
    "not_due",
    "unreadable",
]
SILENCE_S = 120.0
"""Where the file system has no locks: a job that has not beaten for so long does not run."""


class Progress(Strict):
    """How far a job is.

    Attributes
    ----------
    state
        waiting: nothing is there; written: inputs, nothing run; stopped: it has state and resumes when it is run
        again; record_missing: it finished, and its ``result.json`` is gone; not_due: it had nothing to compute;
        unreadable: its record is damaged.
    thermalises
        Whether the rest is of the segment before molecular dynamics.
    attempt
        Attempts so far, the running one among them.
    step, steps
        Done and to do, of molecular dynamics; of a relaxation those done, and None: nobody knows how many it takes.
    max_force_eV_A, fmax_eV_A
        Of a relaxation: the largest force at the last geometry that was computed, and what it has to come below.
    n_scf_cycles
        In all attempts.
    scf_cycle
        Cycles of the SCF that runs; 0 if that is not known.
    left_s
        Time to the last step of molecular dynamics, by the pace of the last attempt.
    pace_s
        Time that the last attempt takes for a geometry of a relaxation that is not done.
    reason
        Why the last attempt ended.
    log
        The log that Snakemake keeps; empty if there is none.
    """

    stage: str
    name: str
    state: State
    thermalises: bool = False
    attempt: NonNegativeInt = 0
    step: NonNegativeInt | None = None
    steps: NonNegativeInt | None = None
    max_force_eV_A: NonNegativeFloat | None = None
    fmax_eV_A: NonNegativeFloat | None = None
    n_scf_cycles: NonNegativeInt = 0
    scf_cycle: NonNegativeInt = 0
    left_s: NonNegativeFloat | None = None
    pace_s: NonNegativeFloat | None = None
    reason: str = ""
    log: str = ""


def progress(results: Path, stage: str, name: str) -> Progress:
    """Return how far a job is.

    Parameters
    ----------
    results : Path
        The folder of all results.
    stage, name : str
        Of the job: its folder is ``jobs/<stage>/<name>``.
    """
    folder = results / "jobs" / stage / name
    logs = sorted((results / "logs").glob(f"*/{name}.log"), key=lambda path: path.stat().st_mtime)
    found: dict[str, Any] = {"stage": stage, "name": name, "log": str(logs[-1]) if logs else ""}
    done, first = (folder / RESULT).exists(), folder / THERMALISED
    found["thermalises"] = not done and (first / JOB).exists() and not (first / RESULT).exists()
    here = first if found["thermalises"] else folder
    content = _content(here / JOB)
    state = here / "state" / str(content.get("input_hash"))
    if state.is_dir():
        found |= _of_attempts(state, content, done=done)
    if not done and found.get("reason") == FINISHED:
        why = "finished; Snakemake writes result.json again from what the job keeps"
        return Progress(**found | {"state": "record_missing", "reason": why, "left_s": None, "pace_s": None})
    if not done:
        return Progress(**found | {"state": found.get("state") or ("written" if content else "waiting")})
    try:
        result = read_result(folder / RESULT)
    except UserError as error:
        return Progress(**found | {"state": "unreadable", "reason": str(error)})
    reason = result.attempts[-1].reason if result.attempts else ""
    if "fmax_eV_A" in found:
        found |= {"step": result.n_ionic_steps, "max_force_eV_A": result.max_force_eV_A}
    return Progress(**found | {"state": result.status, "reason": reason, "left_s": None})


def _content(path: Path) -> dict[str, Any]:
    """Return what ``job.json`` holds; nothing if it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _of_attempts(state: Path, content: dict[str, Any], *, done: bool) -> dict[str, Any]:
    """Return what journal, lock, frames and logs say; nothing is read from the logs of a job that is done."""
    journal = Journal(state / "journal.json")
    if not journal.entries:
        return {}
    last = journal.entries[-1]
    runs = last["reason"] == RUNNING and _runs(state)
    reason = last["reason"] if last["reason"] != RUNNING else "" if runs else "killed"
    found: dict[str, Any] = {
        "state": "running" if runs else "stopped",
        "attempt": len(journal.entries),
        "n_scf_cycles": int(journal.cost("n_scf_cycles")),
        "reason": reason,
    }
    task = content.get("task", {})
    if task.get("task") in {"md", "umbrella"}:
        last_there, steps = last_step(state / FRAMES), int(task["steps"])
        step = last_there if last_there is None else min(last_there, steps)
        return found | {"step": step, "steps": steps, "left_s": _left_s(last, step or 0, steps)}
    if task.get("task") == "relax":
        found["fmax_eV_A"] = task.get("fmax_eV_A")
    if done or task.get("task") not in {"relax", "static"}:
        return found
    now = _standing(state, content, len(journal.entries), last)
    found |= {"scf_cycle": now.scf_cycle if runs else 0}
    if task["task"] == "relax":
        found |= {"step": now.step, "max_force_eV_A": now.max_force_eV_A, "pace_s": now.pace_s}
    return found


def _standing(state: Path, content: dict[str, Any], attempt: int, entry: dict[str, Any]) -> Standing:
    """Return how far a job is; a structure that cannot be read leaves the forces unknown."""
    from ase import Atoms

    from iondrill.geometry.checks import read_structure

    try:
        atoms = read_structure(state.parents[1] / STRUCTURE)
    except UserError:
        atoms = Atoms()
    name = str(content.get("level", {}).get("engine"))
    if name not in ENGINES:  # of a damaged job.json
        return Standing(_began(entry))
    return engine(name).standing(atoms, state, attempt, began=_began(entry), wall_s=entry["wall_s"])


def _runs(state: Path) -> bool:
    """Say whether a process works in a state folder."""
    locked = is_locked(state / "lock")
    if locked is None:
        return time.time() - (state / "journal.json").stat().st_mtime < SILENCE_S
    return locked


def _left_s(attempt: dict[str, Any], step: int, steps: int) -> float | None:
    """Return the time to the last step by the pace of an attempt; None if it has made no step."""
    done = step - _began(attempt)
    return round((steps - step) * attempt["wall_s"] / done, 1) if done > 0 else None


def _began(attempt: dict[str, Any]) -> int:
    """Return the step that an attempt resumed from."""
    return int(attempt["step"] or 0)
