"""Which frames are compared."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import molecule
from hypothesis import given
from hypothesis import strategies as st
from projects import stacked

from iondrill.analyse.verification.frames import CONTACT, EVENLY, GRADE, choose, graded, parents_of, piece_of
from iondrill.geometry.labels import set_fragment


@given(st.data())
def test_as_many_frames_as_asked_for_each_once_and_never_the_start(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    bonds = data.draw(st.lists(st.sampled_from([0.0, 1.0, float("nan")]), min_size=count + 1, max_size=60))
    known = data.draw(st.sets(st.integers(0, len(bonds) - 1)))
    grades = {number: data.draw(st.floats(0, 9)) for number in known}
    chosen = choose(bonds, grades, count)
    numbers = [one.number for one in chosen]
    assert len(numbers) == len(set(numbers)) == count
    assert all(1 <= number < len(bonds) for number in numbers)
    whys = [one.why for one in chosen]
    touching = [number for number, n in enumerate(bonds) if number and n > 0]
    assert (whys[0] == CONTACT) == bool(touching)
    if touching:
        assert numbers[0] == touching[0]
    if GRADE in whys:
        (at,) = (one.number for one in chosen if one.why == GRADE)
        others = {number: grade for number, grade in grades.items() if number and number not in numbers[:1]}
        assert grades[at] == max([*others.values(), grades[at]])


def test_without_an_event_frames_are_evenly_spaced_to_the_end() -> None:
    chosen = choose(np.zeros(101), {}, 4)
    assert [one.number for one in chosen] == [25, 50, 75, 100]
    assert {one.why for one in chosen} == {EVENLY}


@pytest.mark.parametrize("n_frames", [1, 7, 200, 201, 20001])
def test_frames_whose_grade_is_measured_hold_both_ends_and_are_few(n_frames: int) -> None:
    numbers = graded(n_frames)
    assert numbers[0] == 0
    assert numbers[-1] == n_frames - 1
    assert len(numbers) <= 200


def test_a_piece_lies_in_a_box_of_its_own_and_knows_where_its_atoms_were() -> None:
    flake = stacked("C6H6")
    drop = molecule("isobutane")
    set_fragment(drop, "nd")
    drop.positions += [6.0, 0.0, 1.8] - drop.positions.mean(axis=0)
    whole = flake + drop
    whole.set_cell([30, 30, 30])
    piece = piece_of(whole, 20, 8.0, (1, 2))
    assert len(piece) <= 20
    assert piece.cell.array == pytest.approx(np.diag(np.ptp(piece.positions, axis=0) + 8.0))
    parents = parents_of(piece)
    kept = parents >= 0
    assert (piece.numbers[kept] == whole.numbers[parents[kept]]).all()
    assert (piece.numbers[~kept] == 1).all()
    # moved as a whole
    moved = piece.positions[kept] - whole.positions[parents[kept]]
    assert moved == pytest.approx(np.tile(moved[0], (kept.sum(), 1)))
    assert (parents_of(whole) == np.arange(len(whole))).all()
