"""The state that a job keeps in its folder, and the journal of the attempts at it.

State lives in ``<job folder>/state/<input hash>/``. Snakemake does not know of it, so that it outlives a killed
job; another start geometry or setting has another hash, so that nothing stale is continued.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Literal

from iondrill.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Code = Literal["", "density_on_edge"]
"""What a program asks for of an attempt: whether the density touches the faces of the box."""
RUNNING = "running"
FINISHED = "finished"
"""Why an attempt ended that needs no other."""
RESUMED = "continued from step "
PULSE_S = 5.0
COSTS = ("wall_s", "core_s", "n_scf_cycles")
KINDS: dict[str, type | tuple[type, ...]] = {
    "reason": str,
    "code": str,
    "step": (int, type(None)),
    "notes": list,
    "wall_s": (int, float),
    "core_s": (int, float),
    "n_scf_cycles": int,
}
"""What an entry holds."""


def state_folder(folder: Path, input_hash: str) -> Path:
    """Return, and make, the folder of the state that belongs to these inputs."""
    state = folder / "state" / input_hash
    state.mkdir(parents=True, exist_ok=True)
    return state


class Journal:
    """The attempts at one job, each with why it ended, what was changed for it and what it cost.

    An entry holds ``reason`` and, where a program asks for it, its ``code``; ``step``, from which it resumed, or None;
    ``notes`` on what was changed; ``wall_s``, ``core_s``, ``n_scf_cycles``.

    Parameters
    ----------
    path : Path
        A JSON file in the state folder. A cut file counts as none: the journal must not stop a run.
    cores : int
        Cores that the running attempt occupies.
    """

    def __init__(self, path: Path, cores: int = 1) -> None:
        self.path = path
        self.cores = cores
        self.entries: list[dict[str, Any]] = _read(path)
        self._started = time.monotonic()

    def begin(self, step: int | None = None) -> None:
        """Open an attempt, which resumes from a step, or starts from scratch; one that is still open was killed."""
        at = "" if step is None else f" at step {step}"
        if self.entries and self.entries[-1]["reason"] == RUNNING:
            self.entries[-1]["reason"] = f"killed{at}"
        resumed = step if self.entries else None
        self.entries.append({"reason": RUNNING, "code": "", "step": resumed, "notes": [], **dict.fromkeys(COSTS, 0)})
        self._started = time.monotonic()
        self._write()

    def pulse(self, n_scf_cycles: int) -> None:
        """Beat, but not more often than every `PULSE_S`."""
        if time.monotonic() - self._started - self.entries[-1]["wall_s"] > PULSE_S:
            self.beat(n_scf_cycles)

    def explain(self, reason: str, code: str = "") -> None:
        """Say why the last attempt ended, which this process did not see."""
        self.entries[-1] |= {"reason": reason, "code": code}
        self._write()

    def beat(self, n_scf_cycles: int) -> None:
        """Note the time and the SCF cycles spent so far, so that a killed attempt is not counted as free."""
        self.entries[-1]["n_scf_cycles"] = n_scf_cycles
        self.entries[-1]["wall_s"] = round(time.monotonic() - self._started, 3)
        self.entries[-1]["core_s"] = round(self.entries[-1]["wall_s"] * self.cores, 3)
        self._write()

    def remark(self, note: str) -> None:
        """Note what was changed for the running attempt, once."""
        if note not in self.entries[-1]["notes"]:
            self.entries[-1]["notes"].append(note)
            self._write()

    def end(self, reason: str, n_scf_cycles: int, *, notes: Iterable[str] = (), code: str = "") -> None:
        """Close the attempt."""
        self.entries[-1] |= {"reason": reason, "code": code}
        for note in notes:
            self.remark(note)
        self.beat(n_scf_cycles)

    def in_words(self) -> list[dict[str, str]]:
        """Return of each attempt, for readers, why it ended and what was changed for it."""
        return [
            {"reason": entry["reason"], "changed": changed(entry)} | ({"code": entry["code"]} if entry["code"] else {})
            for entry in self.entries
        ]

    def cost(self, key: str) -> float:
        """Return ``wall_s``, ``core_s`` or ``n_scf_cycles``, summed over all attempts."""
        return float(sum(entry[key] for entry in self.entries))

    def _write(self) -> None:
        write_text(self.path, json.dumps(self.entries, indent=1))


class UnkeptJournal(Journal):
    """A journal of what is over before it could be written."""

    def _write(self) -> None:
        pass


def changed(entry: Mapping[str, Any]) -> str:
    """Return in words what was changed for an attempt."""
    resumed = [] if entry["step"] is None else [f"{RESUMED}{entry['step']}"]
    return "; ".join([*resumed, *entry["notes"]])


def _read(path: Path) -> list[dict[str, Any]]:
    """Return the attempts in a file; none if it is missing or damaged."""
    try:
        entries = [_with_data(entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, AttributeError):
        return []
    sound = all(isinstance(entry.get(key), kind) for entry in entries for key, kind in KINDS.items())
    return entries if sound else []


def _with_data(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry with step and notes as data; older journals have them in one text, ``changed``."""
    if "changed" not in entry:
        return entry
    notes = [note for note in entry["changed"].split("; ") if note]
    step = int(notes.pop(0).removeprefix(RESUMED)) if notes and notes[0].startswith(RESUMED) else None
    return {key: value for key, value in entry.items() if key != "changed"} | {"code": "", "step": step, "notes": notes}
