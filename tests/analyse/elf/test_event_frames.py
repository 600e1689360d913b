"""In which frames events are, and under which name each is mapped."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.analyse.dynamics.events import KINDS, first_contact
from iondrill.analyse.elf.event_frames import EVENTS, EventFrame, choose, own_steps, read_events, step_of, why_no_frame
from iondrill.config.base import Event

if TYPE_CHECKING:
    from pathlib import Path

ALL = get_args(Event)
SAVED = {"step": np.arange(0, 50, 5), "time_fs": np.arange(0, 25, 2.5), "nd_flake_bonds": np.array([0] * 6 + [1] * 4)}


def test_the_events_are_those_that_are_watched_and_the_first_contact() -> None:
    assert set(ALL) == {*KINDS, "first_contact"}


def test_of_several_of_a_kind_the_first_counts_and_one_that_did_not_happen_has_no_frame() -> None:
    happened = [
        {"event": "bonded", "step": 45},
        {"event": "bonded", "step": 40},
        {"event": "layers_opened", "step": 10},
    ]
    found = choose(["layers_opened", "bonded", "ion_expelled", "first_contact"], SAVED, happened, [])
    assert found == [
        EventFrame("layers_opened", 10, 5.0, "layers_opened"),
        EventFrame("bonded", 40, 20.0, "bonded"),
        EventFrame("ion_expelled"),
        EventFrame("first_contact", 30, 15.0, "first_contact"),
    ]


def test_a_frame_that_is_mapped_anyway_is_not_mapped_again() -> None:
    happened = [{"event": "bonded", "step": 30}, {"event": "layers_opened", "step": 45}]
    found = choose(["first_contact", "bonded", "layers_opened"], SAVED, happened, [0, 45])
    assert [one.frame for one in found] == ["first_contact", "first_contact", "45"]
    assert own_steps(found) == [30]
    assert [step_of(name, found) for name in ("0", "45", "first_contact", "bonded")] == [0, 45, 30, None]
    assert "another name: first_contact" in why_no_frame("bonded", found)


@pytest.mark.parametrize(("step", "nearest"), [(11, 10), (13, 15), (0, 0), (99, 45)])
def test_the_saved_frame_nearest_to_the_event_is_taken(step: int, nearest: int) -> None:
    (found,) = choose(["bonded"], SAVED, [{"event": "bonded", "step": step}], [])
    assert (found.step, found.time_fs) == (nearest, nearest / 2)


@given(st.lists(st.sampled_from([0.0, 2.0, float("nan")]), min_size=1, max_size=30))
def test_the_first_contact_is_after_the_start(bonds: list[float]) -> None:
    contact = first_contact(bonds)
    if contact is None:
        assert not any(bond > 0 for bond in bonds[1:])
    else:
        assert contact >= 1
        assert bonds[contact] > 0
        assert not any(bond > 0 for bond in bonds[1:contact])


def test_what_is_written_is_read_back_and_said(tmp_path: Path) -> None:
    rows = [EventFrame("first_contact", 30, 15.0, "first_contact"), EventFrame("layers_opened")]
    EVENTS.write(rows, tmp_path / "events.csv")
    assert read_events([tmp_path / "events.csv"]) == rows
    assert read_events([]) == []
    assert [one.where for one in rows] == ["15 fs (step 30)", "did not happen in this run, no map"]
    assert "no such event in the run: layers opened" in why_no_frame("layers_opened", rows)
