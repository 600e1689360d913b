"""The state that a job keeps in its folder, and the journal of the attempts at it.

State lives in ``<job folder>/state/<input hash>/``. Snakemake does not know of it, so that it outlives a killed
job; another start geometry or setting has another hash, so that nothing stale is continued.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from iondrill.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

RUNNING = "running"
FINISHED = "finished"
"""Why an attempt ended that needs no other."""
PULSE_S = 5.0


def state_folder(folder: Path, input_hash: str) -> Path:
    """Return, and make, the folder of the state that belongs to these inputs."""
    state = folder / "state" / input_hash
    state.mkdir(parents=True, exist_ok=True)
    return state


class Journal:
    """The attempts at one job, each with why it ended, what was changed for it and what it cost.

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

    def begin(self, at: str = "") -> None:
        """Open an attempt; one that is still open was killed without a word."""
        if self.entries and self.entries[-1]["reason"] == RUNNING:
            self.entries[-1]["reason"] = f"killed{at and ' at ' + at}"
        changed = f"continued from {at}" if self.entries and at else ""
        self.entries.append({"reason": RUNNING, "changed": changed, "wall_s": 0.0, "core_s": 0.0, "n_scf_cycles": 0})
        self._started = time.monotonic()
        self._write()

    def pulse(self, n_scf_cycles: int) -> None:
        """Beat, but not more often than every `PULSE_S`."""
        if time.monotonic() - self._started - self.entries[-1]["wall_s"] > PULSE_S:
            self.beat(n_scf_cycles)

    def explain(self, reason: str) -> None:
        """Say why the last attempt ended, which this process did not see."""
        self.entries[-1]["reason"] = reason
        self._write()

    def beat(self, n_scf_cycles: int) -> None:
        """Note the time and the SCF cycles spent so far, so that a killed attempt is not counted as free."""
        self.entries[-1]["n_scf_cycles"] = n_scf_cycles
        self.entries[-1]["wall_s"] = round(time.monotonic() - self._started, 3)
        self.entries[-1]["core_s"] = round(self.entries[-1]["wall_s"] * self.cores, 3)
        self._write()

    def remark(self, changed: str) -> None:
        """Note what was changed for the running attempt."""
        self.entries[-1]["changed"] = "; ".join(filter(None, (self.entries[-1]["changed"], changed)))
        self._write()

    def end(self, reason: str, n_scf_cycles: int, changed: str = "") -> None:
        """Close the attempt."""
        self.entries[-1]["reason"] = reason
        if changed:
            self.remark(changed)
        self.beat(n_scf_cycles)

    def cost(self, key: str) -> float:
        """Return ``wall_s``, ``core_s`` or ``n_scf_cycles``, summed over all attempts."""
        return float(sum(entry[key] for entry in self.entries))

    def _write(self) -> None:
        write_text(self.path, json.dumps(self.entries, indent=1))


def _read(path: Path) -> list[dict[str, Any]]:
    """Return the attempts in a file; none if it is missing or damaged."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    kinds: dict[str, type | tuple[type, ...]] = {"reason": str, "changed": str, "n_scf_cycles": int}
    kinds |= dict.fromkeys(("wall_s", "core_s"), (int, float))
    sound = isinstance(entries, list) and all(
        isinstance(entry, dict) and all(isinstance(entry.get(key), kind) for key, kind in kinds.items())
        for entry in entries
    )
    return entries if sound else []
