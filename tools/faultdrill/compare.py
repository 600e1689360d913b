"""What of a run's results is not as in another run of the same project."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np

from iondrill.jobs.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COSTS = {"n_scf_cycles", "core_s"}
"""Columns that say what was spent, not what was found."""


def differences(ours: Path, theirs: Path, *, near_A: float = 0.0, near_eV: float = 0.0) -> list[str]:
    """Compare the records, frames, tables and ELF maps below two folders ``results``.

    Parameters
    ----------
    ours, theirs : Path
        The second says what there must be.
    near_A, near_eV : float
        How far positions and energies of jobs may be apart; 0: equal digit for digit.

    Returns
    -------
    list of str
        What is not equal.
    """
    wrong = []
    for theirs_path in sorted(theirs.glob("jobs/*/*/result.json")):
        name = theirs_path.relative_to(theirs)
        wrong += [f"{name.parent}: {problem}" for problem in _of_records(ours / name, theirs_path, near_eV)]
    for theirs_path in sorted(theirs.glob("jobs/md/*/frames.bin")):
        name = theirs_path.relative_to(theirs)
        wrong += [f"{name.parent}: {problem}" for problem in _of_frames(ours / name, theirs_path, near_A, near_eV)]
    wrong += [str(name) for name in _names(theirs, ".csv") if rows(ours / name) != rows(theirs / name)]
    wrong += [str(name) for name in _names(theirs, ".npz") if not _same_arrays(ours / name, theirs / name)]
    return wrong


def _names(results: Path, ending: str) -> Iterator[Path]:
    """Yield the names of the files below a folder, those of the jobs excepted."""
    for path in sorted(results.rglob(f"*{ending}")):
        name = path.relative_to(results)
        if name.parts[0] != "jobs":
            yield name


def _of_records(ours: Path, theirs: Path, near_eV: float) -> list[str]:
    if not ours.exists():
        return ["there is no record"]
    a, b = (json.loads(path.read_text()) for path in (ours, theirs))
    wrong = [name for name in ("status", "n_ionic_steps", "input_hash") if a[name] != b[name]]
    for name in ("energy_eV", "max_force_eV_A"):
        near = a[name] == b[name] or (a[name] and b[name] and abs(a[name] - b[name]) <= near_eV)
        wrong += [] if near else [f"{name} {a[name]}, not {b[name]}"]
    return wrong


def _of_frames(ours: Path, theirs: Path, near_A: float, near_eV: float) -> list[str]:
    if not ours.exists():
        return ["there are no frames"]
    first = Frames(theirs).steps[:2]
    # as far apart as the first two of the local run, to the end of both
    stride = int(np.diff(first)[0]) if len(first) == 2 else None
    a, b = (Frames(path, stride=stride) for path in (ours, theirs))
    if a.steps.tolist() != b.steps.tolist():
        return [f"steps {a.steps.tolist()}"]
    pairs = [(a[i], b[i]) for i in range(len(b))]
    apart_A = max(np.abs(x["positions_A"] - y["positions_A"]).max() for x, y in pairs)
    apart_eV = max(abs(x["potential_eV"] - y["potential_eV"]) for x, y in pairs)
    wrong = [f"positions by {apart_A:.1e} Å"] if apart_A > near_A else []
    return wrong + ([f"energies by {apart_eV:.1e} eV"] if apart_eV > near_eV else [])


def _same_arrays(ours: Path, theirs: Path) -> bool:
    if not ours.exists():
        return False
    with np.load(ours) as a, np.load(theirs) as b:
        return set(a) == set(b) and all(np.array_equal(a[key], b[key]) for key in b)


def rows(path: Path) -> list[dict[str, str]]:
    """Return a table without what it says of costs; nothing if it is not there."""
    if not path.exists():
        return []
    with path.open(newline="") as stream:
        return [{key: value for key, value in row.items() if key not in COSTS} for row in csv.DictReader(stream)]
