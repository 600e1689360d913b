"""How far a job is: read from its folder alone, while it runs or after it died."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any, Literal

from iondrill.config.base import NonNegativeFloat, NonNegativeInt, Strict
from iondrill.engines.base import read_result
from iondrill.engines.folder import JOB
from iondrill.engines.launch import is_locked
from iondrill.errors import UserError
from iondrill.prepare.frames import last_step
from iondrill.prepare.journal import RUNNING, Journal

if TYPE_CHECKING:
    from pathlib import Path

State = Literal["waiting", "written", "running", "stopped", "converged", "not_converged", "failed", "unreadable"]
SILENCE_S = 120.0
"""Where the file system has no locks: a job that has not beaten for so long does not run."""


class Progress(Strict):
    """How far a job is.

    Attributes
    ----------
    state
        waiting: nothing is there; written: inputs, nothing run; stopped: it has state and goes on when it is run
        again; unreadable: its record is damaged.
    attempt
        Attempts so far, the running one among them.
    step, steps
        Done and to do, of molecular dynamics.
    n_scf_cycles
        In all attempts.
    left_s
        Time to the last step by the pace of the last attempt.
    reason
        Why the last attempt ended.
    log
        The log that Snakemake keeps; empty if there is none.
    """

    stage: str
    name: str
    state: State
    attempt: NonNegativeInt = 0
    step: NonNegativeInt | None = None
    steps: NonNegativeInt | None = None
    n_scf_cycles: NonNegativeInt = 0
    left_s: NonNegativeFloat | None = None
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
    content = _content(folder / JOB)
    state = folder / "state" / str(content.get("input_hash"))
    if state.is_dir():
        found |= _of_attempts(state, content.get("task", {}))
    if not (folder / "result.json").exists():
        return Progress(**found | {"state": found.get("state") or ("written" if content else "waiting")})
    try:
        result = read_result(folder / "result.json")
    except UserError as error:
        return Progress(**found | {"state": "unreadable", "reason": str(error)})
    reason = result.attempts[-1].reason if result.attempts else ""
    return Progress(**found | {"state": result.status, "reason": reason, "left_s": None})


def _content(path: Path) -> dict[str, Any]:
    """Return what ``job.json`` holds; nothing if it is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _of_attempts(state: Path, task: dict[str, Any]) -> dict[str, Any]:
    """Return what journal, lock and frames say."""
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
    if task.get("task") != "md":
        return found
    step, steps = last_step(state / "frames.bin"), int(task["steps"])
    return found | {"step": step, "steps": steps, "left_s": _left_s(last, step or 0, steps)}


def _runs(state: Path) -> bool:
    """Say whether a process works in a state folder."""
    locked = is_locked(state / "lock")
    if locked is None:
        return time.time() - (state / "journal.json").stat().st_mtime < SILENCE_S
    return locked


def _left_s(attempt: dict[str, Any], step: int, steps: int) -> float | None:
    """Return the time to the last step by the pace of an attempt; None if it has made no step."""
    began = re.search(r"continued from step (\d+)", attempt["changed"])
    done = step - (int(began.group(1)) if began else 0)
    return round((steps - step) * attempt["wall_s"] / done, 1) if done > 0 else None
