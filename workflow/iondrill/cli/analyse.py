"""The command ``iondrill analyse``: order parameters and events of a trajectory made elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.analyse.dynamics.events import watch_for
from iondrill.analyse.dynamics.order import order_parameters, write_order
from iondrill.analyse.dynamics.orientation import laid_out
from iondrill.analyse.dynamics.unwrap import Unwrapping, whole_start
from iondrill.collect.readers import read_chunks
from iondrill.collect.remarks import Remarks
from iondrill.config.models import EventCriteria
from iondrill.errors import UserError
from iondrill.files import ensure_writable
from iondrill.geometry.checks import read_structure
from iondrill.geometry.selection import select

if TYPE_CHECKING:
    from pathlib import Path


def analyse(trajectory: Path, structure: Path, table: Path, events: Path | None) -> list[str]:
    """Write order parameters, and perhaps events by the default criteria, of a trajectory.

    Parameters
    ----------
    trajectory : Path
        Anything that `iondrill.collect.readers.read_chunks` reads.
    structure : Path
        The start, with the array fragment.
    table, events : Path
        What to write, CSV and JSON.

    Returns
    -------
    list of str
        Remarks: what was guessed, left empty or left out.

    Raises
    ------
    UserError
        If a file cannot be read or written, or holds what no number can be made of.
    """
    _check_paths(trajectory, structure, table, events)
    on_start, on_frames = Remarks(), Remarks()
    atoms = whole_start(read_structure(structure, constraints=False), on_start)
    start = laid_out(atoms, on_start)
    unwrapping = Unwrapping(atoms, select(start, start.positions), trajectory, on_frames)
    seen = order_parameters(unwrapping.over(read_chunks(trajectory, atoms, on_frames)), start)
    if events is None:
        write_order((part.columns for part in seen), table)
    else:
        watch = watch_for(EventCriteria(), start)
        write_order(watch.over(seen), table)
        watch.write(events)
    return [
        f"{path}: {line}" for path, said in ((structure, on_start), (trajectory, on_frames)) for line in said.lines()
    ]


def _check_paths(trajectory: Path, structure: Path, table: Path, events: Path | None) -> None:
    """Raise a UserError, before any work, if an output cannot be written or is also something else."""
    taken = {path.resolve(): name for path, name in ((trajectory, "the trajectory"), (structure, "the start"))}
    for path, name in ((table, "the table"), (events, "the events")):
        if path is None:
            continue
        if (other := taken.get(path.resolve())) is not None:
            raise UserError.of(path, f"is given as {name}, and is {other}", "needed: another file")
        taken[path.resolve()] = name
        ensure_writable(path)
