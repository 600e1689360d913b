"""Two fits of different seeds: which events of a run are the model's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.config.base import Event, Strict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from iondrill.analyse.elf.event_frames import EventFrame

QUANTITIES: dict[Event, tuple[str, ...]] = {
    "first_contact": ("nd_flake_bonds", "nd_sp3_fraction"),
    "layers_opened": ("gap_edge_A", "gap_centre_A", "opening_angle_deg"),
    "bonded": ("nd_flake_bonds", "nd_sp3_fraction"),
    "ion_expelled": ("ions_expelled", "ion_carbon_cn"),
}
"""The columns of ``order_parameters.csv`` that tell of an event."""
MARK = "the model's"


class TwinEvent(Strict):
    """When an event begins for the first time in a run, and in the same run at the twin level; None: it does not."""

    event: Event
    step: int | None = None
    time_fs: float | None = None
    twin_step: int | None = None
    twin_time_fs: float | None = None

    @property
    def is_models(self) -> bool:
        """Whether one of the two has it, and the other not."""
        return (self.step is None) != (self.twin_step is None)


class Twin(Strict):
    """A run at a second fit, from the same start with the same seed: its level, and the events of both."""

    level: str
    events: list[TwinEvent]

    @property
    def models(self) -> list[Event]:
        """The events that are the model's."""
        return [one.event for one in self.events if one.is_models]

    @property
    def both(self) -> list[Event]:
        """The events that happen in both."""
        return [one.event for one in self.events if one.step is not None and one.twin_step is not None]


def compare(own: Iterable[EventFrame], twin: Iterable[EventFrame]) -> list[TwinEvent]:
    """Compare the events of a run with those of its twin, kind by kind.

    Two trajectories of slightly different forces part within some hundred femtoseconds, so that neither the atoms nor
    the moments of an event can be expected to be the same; whether it happens can.

    Parameters
    ----------
    own, twin : iterable of EventFrame
        Of the same events, in one order: where each begins for the first time.
    """
    return [
        TwinEvent.model_validate(
            {
                "event": one.event,
                "step": one.step,
                "time_fs": one.time_fs,
                "twin_step": other.step,
                "twin_time_fs": other.time_fs,
            }
        )
        for one, other in zip(own, twin, strict=True)
    ]


def untold(models: Collection[Event]) -> set[str]:
    """Return the columns of ``order_parameters.csv`` that are no results where these events are the model's."""
    return {column for event in models for column in QUANTITIES[event]}


def in_words(events: Iterable[str]) -> str:
    """Return events in words."""
    return ", ".join(event.replace("_", " ") for event in events)
