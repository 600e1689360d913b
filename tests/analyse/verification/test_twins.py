"""Which events are the model's: those that one of two fits has alone."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.analyse.dynamics.order import ORDER
from iondrill.analyse.elf.event_frames import EventFrame
from iondrill.analyse.verification.record import Verification
from iondrill.analyse.verification.twins import QUANTITIES, Twin, compare, in_words, untold
from iondrill.config.base import Event
from iondrill.config.verification import VerdictCriteria

ALL = get_args(Event)
STEPS = st.lists(st.none() | st.integers(0, 10**6), min_size=len(ALL), max_size=len(ALL))


def began(steps: list[int | None]) -> list[EventFrame]:
    return [EventFrame(event, step, step and step / 2) for event, step in zip(ALL, steps, strict=True)]


def verified(twin: Twin | None) -> Verification:
    return Verification(
        verdict="trusted",
        reasons=[],
        criteria=VerdictCriteria(),
        level="fit",
        reference="dft",
        titles={"fit": "NEP", "dft": "PBE-D3", "other": "NEP"},
        frames_compared=4,
        frames_chosen=4,
        force_rmse_eV_A=0.1,
        force_rms_eV_A=1.0,
        largest_grade=None,
        frames_graded=0,
        cutting=None,
        twin=twin,
    )


@given(STEPS, STEPS)
def test_an_event_is_in_both_in_none_or_the_models(own: list[int | None], other: list[int | None]) -> None:
    events = compare(began(own), began(other))
    twin = Twin(level="other", events=events)
    none = {one.event for one in events if one.step is None and one.twin_step is None}
    assert none | {*twin.models} | {*twin.both} == {*ALL}
    assert len(none) + len(twin.models) + len(twin.both) == len(ALL)
    assert [(one.step, one.twin_step) for one in events] == list(zip(own, other, strict=True))
    # which of the two has it does not matter
    assert Twin(level="fit", events=compare(began(other), began(own))).models == twin.models


def test_when_it_happens_does_not_matter_and_is_kept() -> None:
    (one,) = compare([EventFrame("bonded", 30, 15.0, "bonded")], [EventFrame("bonded", 9000, 4500.0, "bonded")])
    assert not one.is_models
    assert (one.time_fs, one.twin_time_fs) == (15.0, 4500.0)


def test_every_event_has_the_columns_that_tell_of_it() -> None:
    assert set(QUANTITIES) == {*ALL}
    assert untold(ALL) < {column.name for column in ORDER.columns}
    assert untold(["ion_expelled"]).isdisjoint(untold(["layers_opened", "bonded"]))
    assert untold([]) == set()


@pytest.mark.parametrize(
    ("own", "other", "said"),
    [
        (
            [4, 8, 6, None],
            [10, None, 6, None],
            ["in both runs: first contact, bonded", "told as a result: layers opened."],
        ),
        ([None] * 4, [None, None, None, 12], ["no event is in both runs", "told as a result: ion expelled."]),
        ([4, 8, 6, 2], [1, 1, 1, 1], ["in both runs: first contact, layers opened, bonded, ion expelled."]),
    ],
)
def test_a_record_says_what_both_have_and_what_is_the_models(
    own: list[int | None], other: list[int | None], said: list[str]
) -> None:
    found = verified(Twin(level="other", events=compare(began(own), began(other))))
    assert found.of_twin.startswith("Repeated at NEP (other), ")
    assert all(words in found.of_twin for words in said)
    assert ("the model's" in found.of_twin) == bool(found.models)
    assert Verification.model_validate_json(found.model_dump_json()) == found


def test_without_a_second_fit_nothing_is_the_models() -> None:
    found = verified(None)
    assert (found.models, found.untold, found.of_twin) == ([], set(), "")
    assert in_words([]) == ""
