"""When something happened in a run: the layers opened, nanodiamond and flake bonded, an ion left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from iondrill.errors import UserError
from iondrill.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from iondrill.analyse.dynamics.order import Columns, Observed
    from iondrill.analyse.dynamics.rest import Temperature
    from iondrill.config.models import EventCriteria
    from iondrill.geometry.selection import Selection

KINDS = ("layers_opened", "bonded", "ion_expelled")


Atoms = tuple[int, ...]
"""Indices of the atoms that something happens to."""


class Lasting:
    """Things that hold in every frame for long enough, and when each began.

    Parameters
    ----------
    lasting_fs : float
        What does not hold this long does not count.

    Attributes
    ----------
    found : dict
        The first lasting time of each thing: step and time at which it began, and the last at which it was true.
    """

    def __init__(self, lasting_fs: float) -> None:
        self.lasting_fs = lasting_fs
        self.found: dict[Atoms, dict[str, Any]] = {}
        self._since: dict[Atoms, dict[str, Any]] = {}

    def see(self, step: int, time_fs: float, things: Iterable[Atoms]) -> None:
        """Note what holds in a frame; frames come in order."""
        now: dict[Atoms, dict[str, Any]] = {}
        for thing in things:
            spell = self._since.get(thing) or {"step": step, "time_fs": time_fs}
            spell["until_fs"] = time_fs
            now[thing] = spell
            if time_fs - spell["time_fs"] >= self.lasting_fs:
                self.found.setdefault(thing, spell)
        self._since = now


class Watch:
    """Watch a trajectory go by.

    Parameters
    ----------
    criteria : EventCriteria
        Thresholds.
    selection : Selection
        Which atoms count for what.
    start_gap_A : float or None
        Gap at the edge that the layers open from; None without a second layer.
    """

    def __init__(self, criteria: EventCriteria, selection: Selection, start_gap_A: float | None) -> None:
        self.criteria = criteria
        self.start_gap_A = start_gap_A
        self._nd, self._flake, self._ions = selection.nd, selection.sheets, selection.ions
        self._lasting = {kind: Lasting(criteria.lasting_fs) for kind in KINDS}
        self._last_fs = 0.0

    def over(self, parts: Iterable[Observed]) -> Iterator[Columns]:
        """Yield the columns of each part of a trajectory, and see what happens in it.

        Raises
        ------
        UserError
            If the trajectory does not say the time of each of its frames.
        """
        for part in parts:
            self._see(part)
            yield part.columns

    def _see(self, part: Observed) -> None:
        if "time_fs" not in part.columns:
            raise UserError.of("time_fs", "the trajectory does not say the time of its frames")
        steps, times = part.columns["step"].tolist(), part.columns["time_fs"].tolist()
        if (untimed := np.isnan(times)).any():
            raise UserError.of("time_fs", f"the trajectory does not say the time of step {steps[untimed.argmax()]}")
        wide = np.zeros(len(steps), dtype=bool)
        if self.start_gap_A is not None:
            wide = part.columns["gap_edge_A"] > self.start_gap_A + self.criteria.opened_by_A
        bonds = [(int(self._nd[i]), int(self._flake[j])) for i, j in part.bonds.pairs.tolist()]
        ions = [(ion,) for ion in self._ions.tolist()]
        flagged: dict[str, tuple[NDArray[np.bool_], Sequence[Atoms]]] = {
            "layers_opened": (wide[:, None], [()]),
            "bonded": (part.bonds.touching, bonds),
            "ion_expelled": (part.outside, ions),
        }
        for kind, (flags, names) in flagged.items():
            lasting = self._lasting[kind]
            things: list[list[Atoms]] = [[] for _ in steps]
            for frame, thing in np.argwhere(flags).tolist():
                things[frame].append(names[thing])
            for step, time_fs, several in zip(steps, times, things, strict=True):
                lasting.see(step, time_fs, several)
        self._last_fs = times[-1]

    def events(self) -> list[dict[str, Any]]:
        """Return the events in the order of time.

        Returns
        -------
        list of dict
            ``event``: ``layers_opened``, ``bonded`` (each pair of C that lasted) or ``ion_expelled`` (each ion);
            ``step`` and ``time_fs`` at which it began; ``until_fs``, the last frame at which it was still true;
            ``atoms``, their indices.
        """
        found = []
        for kind, lasting in self._lasting.items():
            for thing, spell in lasting.found.items():
                found.append({"event": kind, **spell, "atoms": list(thing)})
        return sorted(found, key=lambda event: (event["time_fs"], KINDS.index(event["event"]), event["atoms"]))

    def write(self, path: Path, temperature: Temperature | None = None) -> None:
        """Write ``events.json``: criteria, events, until when was watched, and how hot the run was, if known."""
        content: dict[str, Any] = {
            "criteria": {**self.criteria.model_dump(), "start_gap_A": self.start_gap_A},
            "watched_fs": self._last_fs,
            "events": self.events(),
        }
        if temperature is not None:
            content["temperature"] = {**temperature._asdict(), "says": str(temperature)}
        write_text(path, json.dumps(content, indent=1) + "\n")


def first_contact(bonds: ArrayLike) -> int | None:
    """Return the first frame after the start with a bond of nanodiamond and flake; None if there is none.

    Parameters
    ----------
    bonds : (n_frames,) array_like
        Bonds of nanodiamond and flake in each frame; NaN where there are none to count.
    """
    touching = np.flatnonzero(np.nan_to_num(np.asarray(bonds, dtype=float))[1:] > 0) + 1
    return int(touching[0]) if len(touching) else None


def watch_for(criteria: EventCriteria, atoms: Any, start_gap_A: float | None = None) -> Watch:
    """Return a watch over the run of a start structure.

    Parameters
    ----------
    criteria : EventCriteria
        Thresholds.
    atoms : Atoms
        The start structure, with the array fragment.
    start_gap_A : float, optional
        Gap at the edge that the layers open from; by default that of the start structure.
    """
    from iondrill.analyse.dynamics.order import geometry
    from iondrill.geometry.selection import select

    selection = select(atoms, atoms.positions)
    start = geometry(atoms.positions[None], selection).columns.get("gap_edge_A")
    if start is None or start_gap_A is None:
        start_gap_A = None if start is None else float(start[0])
    return Watch(criteria, selection, start_gap_A)
