"""Which frames are labelled: those that cover all others, and none twice."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.engines.ase.grade import Grade
from iondrill.geometry.descriptor import Space, environments, nearest
from iondrill.potential.choose import select

ELEMENTS = ("C", "H", "Li")


def shaken(name: str, seed: int, width_A: float = 0.1) -> Atoms:
    atoms = molecule(name)
    atoms.positions += np.random.default_rng(seed).normal(scale=width_A, size=atoms.positions.shape)
    return atoms


FRAMES = [shaken(name, seed) for name in ("C6H6", "CH4", "C2H4", "LiH") for seed in range(4)]
SPACE = Space.of(FRAMES, ELEMENTS)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_environments_do_not_change_with_place_direction_and_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    atoms = shaken("C6H6", 1)
    before = environments(atoms, ELEMENTS)
    moved, order = atoms.copy(), rng.permutation(len(atoms))
    moved.rotate(float(rng.uniform(0, 360)), rng.normal(size=3))
    moved.translate(rng.normal(size=3))
    mirrored = moved[order]
    mirrored.positions[:, 0] *= -1
    assert np.allclose(environments(mirrored, ELEMENTS), before[order], atol=1e-5)


def test_an_atom_of_a_crystal_sees_its_images() -> None:
    cell = bulk("C", "diamond", a=3.567, cubic=True)
    one, eight = environments(cell, ["C"]), environments(cell * 2, ["C"])
    # of sums that symmetry makes zero the root of a rounding is left
    assert np.allclose(one, one[0], atol=1e-5)
    assert np.allclose(eight, one[0], atol=1e-5)


def test_environments_end_smoothly_at_the_cutoff() -> None:
    pair = [environments(Atoms("CLi", positions=[[0, 0, 0], [0, 0, z]]), ELEMENTS)[0] for z in (4.98, 5.02)]
    assert np.linalg.norm(pair[0]) < 1e-3
    assert np.linalg.norm(pair[1]) == 0


def test_a_frame_with_an_element_that_is_not_listed_is_refused() -> None:
    with pytest.raises(ValueError, match="Na"):
        environments(Atoms("Na"), ELEMENTS)


@settings(max_examples=20)
@given(least=st.floats(0.02, 1.0), known=st.integers(0, 6))
def test_what_is_chosen_covers_every_environment_and_holds_no_duplicate(least: float, known: int) -> None:
    chosen = [one.frame for one in select(FRAMES, SPACE, len(FRAMES), least, FRAMES[:known])]
    assert len(chosen) == len(set(chosen))
    kept = FRAMES[:known] + [FRAMES[i] for i in chosen]
    points = np.concatenate([SPACE.points(frame) for frame in kept])
    numbers = np.concatenate([frame.numbers for frame in kept])
    for frame in FRAMES:
        assert nearest(SPACE.points(frame), frame.numbers, points, numbers).max() <= least + 1e-9
    # each was novel when it was chosen
    for position, i in enumerate(chosen):
        before = FRAMES[:known] + [FRAMES[j] for j in chosen[:position]]
        if before:
            theirs = np.concatenate([SPACE.points(frame) for frame in before])
            their_numbers = np.concatenate([frame.numbers for frame in before])
            assert nearest(SPACE.points(FRAMES[i]), FRAMES[i].numbers, theirs, their_numbers).max() > least


def test_the_same_frame_twice_is_chosen_once_and_a_labelled_one_not_at_all() -> None:
    twice = [FRAMES[0], FRAMES[0].copy(), FRAMES[5]]
    assert len(select(twice, SPACE, 3, 1e-6)) == 2
    assert [one.frame for one in select(twice, SPACE, 3, 1e-6, [FRAMES[0]])] == [2]


def test_no_more_are_chosen_than_asked_for_and_the_most_novel_first() -> None:
    chosen = select(FRAMES, SPACE, 5, 0.0)
    assert len(chosen) == 5
    novelty = [one.novelty for one in chosen if np.isfinite(one.novelty)]
    assert novelty == sorted(novelty, reverse=True)


def test_the_grade_of_what_was_labelled_is_zero_and_grows_with_the_distance(tmp_path) -> None:
    grade = Grade.fitted(FRAMES[:10], FRAMES[10:12])
    grade.write(tmp_path)
    again = Grade.read(tmp_path)
    assert again.of(FRAMES[3]) == pytest.approx(0, abs=1e-3)
    grades = [again.of(shaken("C6H6", 0, width)) for width in (0.1, 0.4, 0.8)]
    assert grades == sorted(grades)
    assert grades[-1] > 1
    assert again.of(Atoms("K")) == np.inf
