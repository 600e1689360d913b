"""The tables of a run's mapped frames, from those of each frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iondrill.analyse.dynamics.charges import CHARGES, FragmentCharge, fragment_charges
from iondrill.analyse.tables import read_rows, write_table
from iondrill.geometry.checks import read_structure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from iondrill.analyse.columns import TableForm
    from iondrill.analyse.elf.event_frames import EventFrame

CHARGE = "_e"
"""Ending of the arrays that a single point leaves its charges in: ``mulliken_e``, ``hirshfeld_e``."""


def join(form: TableForm[Any], tables: Iterable[Path], path: Path, events: Iterable[EventFrame] = ()) -> None:
    """Write the tables of frames as one, in the order of time; an empty file is that of a frame that there is not.

    Parameters
    ----------
    form : TableForm
        Of each; its first column is the step.
    tables : iterable of Path
        Of the frames.
    path : Path
        Written.
    events : iterable of EventFrame
        Of those that did not happen, a row at the end says so in the third column, and holds nothing else.
    """
    rows = [row for table in tables if table.stat().st_size for row in read_rows(table)[1]]
    rows.sort(key=lambda row: int(row[0]))
    left = len(form.names) - 3
    rows += [["", "", f"no {one.words}", *[""] * left] for one in events if one.step is None]
    write_table(path, form.names, rows)


def write_charges(structures: Mapping[int, Path], timestep_fs: float, total_charge_e: float, path: Path) -> None:
    """Write the charges of the fragments in the mapped frames, by each scheme that their single points give.

    Parameters
    ----------
    structures : mapping of int to Path
        What the single point of each step left.
    timestep_fs : float
        Of the run.
    total_charge_e : float
        Of the run.
    path : Path
        Written.
    """
    rows = list[FragmentCharge]()
    for step, source in sorted(structures.items()):
        atoms = read_structure(source)
        for name in sorted(name for name in atoms.arrays if name.endswith(CHARGE)):
            rows += fragment_charges(
                step,
                step * timestep_fs,
                atoms.arrays[name],
                atoms.arrays["fragment"],
                scheme=name.removesuffix(CHARGE).capitalize(),
                total_charge_e=total_charge_e,
                source=source,
            )
    CHARGES.write(rows, path)
