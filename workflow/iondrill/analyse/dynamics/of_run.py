"""All that is analysed of the frames of a run, finished or not: trajectory, order parameters, events, charges."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from iondrill.analyse.dynamics.charges import CHARGES, fragment_charges
from iondrill.analyse.dynamics.events import watch_for
from iondrill.analyse.dynamics.order import order_parameters, write_order
from iondrill.analyse.dynamics.rest import late_temperature, rests
from iondrill.analyse.tables import read_columns
from iondrill.collect.readers import log_chunks
from iondrill.collect.trajectory import write_trajectory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms

    from iondrill.analyse.dynamics.charges import FragmentCharge
    from iondrill.config.models import EventCriteria
    from iondrill.jobs.frames import Frames


class RunFiles(NamedTuple):
    """What is written of a run."""

    trajectory: Path
    order_parameters: Path
    thermalisation: Path
    events: Path
    charges: Path


class Asked(NamedTuple):
    """What the configuration asks of a run: temperature, criteria of events, scheme and sum of the charges."""

    temperature_K: float
    events: EventCriteria
    scheme: str
    charge_e: float


def analyse_run(frames: Frames, before: Frames | None, atoms: Atoms, asked: Asked, files: RunFiles) -> None:
    """Write all that is analysed of a run.

    Parameters
    ----------
    frames : Frames
        Of the run.
    before : Frames, optional
        Of its thermalisation, if it was thermalised.
    atoms : Atoms
        The start, with the array fragment.
    asked : Asked
        What the configuration says of it.
    files : RunFiles
        Where to write.

    Raises
    ------
    UserError
        If the frames do not fit the start, or their charges do not add up.
    """
    write_trajectory(frames, atoms, files.trajectory)
    rest_of = [] if before is None else order_parameters(log_chunks(before, len(atoms)), atoms)
    write_order([seen.columns for seen in rest_of], files.thermalisation)
    rest = rests(read_columns(files.thermalisation)).get("gap_edge_A")
    watch = watch_for(asked.events, atoms, rest.mean if rest else None)
    write_order(watch.over(order_parameters(log_chunks(frames, len(atoms)), atoms)), files.order_parameters)
    temperature_K = read_columns(files.order_parameters)["temperature_K"]
    watch.write(files.events, late_temperature(temperature_K, asked.temperature_K))
    CHARGES.write(_charges(frames, atoms, asked), files.charges)


def _charges(frames: Frames, atoms: Atoms, asked: Asked) -> Iterator[FragmentCharge]:
    """Yield the charges of the fragments in each frame; nothing of a log without charges."""
    for chunk in frames.chunks() if "charges_e" in frames.fields else ():
        for frame in chunk:
            yield from fragment_charges(
                int(frame["step"]),
                float(frame["time_fs"]),
                frame["charges_e"],
                atoms.arrays["fragment"],
                scheme=asked.scheme,
                total_charge_e=asked.charge_e,
                source=frames.path,
            )
