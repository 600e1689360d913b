"""Which frames of a run its events are in, and by which name of a frame each is mapped: ``elf/<run>/events.csv``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np

from iondrill.analyse.columns import TableForm, number, text
from iondrill.analyse.dynamics.events import first_contact
from iondrill.analyse.tables import read_columns
from iondrill.config.base import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray


class EventFrame(NamedTuple):
    """A row of ``events.csv``: where an event is in a run.

    Attributes
    ----------
    event : str
    step : int or None
        Of the saved frame that is nearest to the event; None if it did not happen.
    time_fs : float or None
        Of that frame.
    frame : str
        The frame whose map shows it: its own, by the name of the event, or one that is mapped anyway; empty if it did
        not happen.
    """

    event: str
    step: int | None = None
    time_fs: float | None = None
    frame: str = ""

    @property
    def words(self) -> str:
        """The event in words."""
        return self.event.replace("_", " ")

    @property
    def where(self) -> str:
        """What the page says of it."""
        return "did not happen in this run, no map" if self.step is None else f"{self.time_fs:g} fs (step {self.step})"


EVENTS = TableForm[EventFrame](
    "an event of `elf.events`; none of a run that did not converge",
    (
        text("event", "`first_contact`, `layers_opened`, `bonded` or `ion_expelled`"),
        number("step", "of the saved frame nearest to where it begins for the first time; empty: it did not happen"),
        number("time_fs", "of that frame"),
        text(
            "frame",
            "whose map shows it, `<frame>` in the names of files: the name of the event, or, of a frame that is mapped "
            "anyway, its step or an earlier event; empty: it did not happen, the files of its name are empty, and its "
            "jobs are `not_due`",
        ),
    ),
)
"""``elf/<run>/events.csv``."""
NOT_CONVERGED = "the run did not converge"


def choose(
    wanted: Sequence[Event],
    saved: Mapping[str, ArrayLike],
    happened: Iterable[Mapping[str, Any]],
    mapped: Sequence[int],
) -> list[EventFrame]:
    """Choose the frames of events, each frame once.

    Parameters
    ----------
    wanted : sequence of str
        Events, each once.
    saved : mapping
        Of each saved frame: ``step``, ``time_fs``, ``nd_flake_bonds``.
    happened : iterable of mapping
        ``event`` and ``step`` of all that lasted: see `iondrill.analyse.dynamics.events.Watch.events`.
    mapped : sequence of int
        Steps that are mapped anyway.
    """
    steps, times = np.asarray(saved["step"]), np.asarray(saved["time_fs"])
    begun: dict[str, int] = {}
    for one in happened:
        begun[one["event"]] = min(int(one["step"]), begun.get(one["event"], int(one["step"])))
    contact = first_contact(saved["nd_flake_bonds"])
    if contact is not None:
        begun["first_contact"] = int(steps[contact])
    names, found = {step: str(step) for step in mapped}, list[EventFrame]()
    for event in wanted:
        if event not in begun:
            found.append(EventFrame(event))
            continue
        index = _nearest(steps, begun[event])
        step = int(steps[index])
        found.append(EventFrame(event, step, float(times[index]), names.setdefault(step, event)))
    return found


def begins(
    order_parameters: Path, events: Path, wanted: Sequence[Event] = get_args(Event), mapped: Sequence[int] = ()
) -> list[EventFrame]:
    """Return where events begin in a run, from ``order_parameters.csv`` and ``events.json``; `choose` says the rest."""
    happened = json.loads(events.read_text(encoding="utf-8"))["events"]
    return choose(wanted, read_columns(order_parameters), happened, mapped)


def _nearest(steps: NDArray[Any], step: int) -> int:
    return int(np.abs(steps - step).argmin())


def read_events(paths: Iterable[Path]) -> list[EventFrame]:
    """Read ``events.csv``, if there is one."""
    return [
        EventFrame(
            row["event"],
            int(row["step"]) if row["step"] else None,
            float(row["time_fs"]) if row["time_fs"] else None,
            row["frame"],
        )
        for path in paths
        for row in EVENTS.read(path).rows
    ]


def step_of(frame: str, events: Iterable[EventFrame]) -> int | None:
    """Return the step of a frame by its name; None of an event without a frame of its own."""
    if frame.isdigit():
        return int(frame)
    return next((one.step for one in events if one.event == one.frame == frame), None)


def own_steps(events: Iterable[EventFrame]) -> list[int]:
    """Return the steps of those events that have a frame of their own."""
    return [one.step for one in events if one.step is not None and one.event == one.frame]


def why_no_frame(event: str, events: Iterable[EventFrame]) -> str:
    """Say why an event has no frame of its own; `events` are empty of a run that did not converge."""
    one = next((each for each in events if each.event == event), None)
    if one is None:
        return NOT_CONVERGED
    if one.step is None:
        return f"there was no such event in the run: {one.words}"
    return f"the frame is computed under another name: {one.frame}"
