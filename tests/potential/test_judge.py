"""Errors against values known in advance, and whole trajectories on one side alone."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from hypothesis import given
from hypothesis import strategies as st

from iondrill.config.potential import JudgeSettings
from iondrill.geometry.labels import set_fragment
from iondrill.potential.judge import energy_error_eV, force_error, held_out, parts_of, table, verdict
from iondrill.potential.sets import split

GROUPS = st.dictionaries(st.text("abcdef-0123", min_size=1, max_size=8), st.sampled_from(["nd", "flake", "contact"]))


@given(groups=GROUPS, share=st.floats(0, 0.9))
def test_no_trajectory_is_on_both_sides(groups: dict[str, str], share: float) -> None:
    labels = [
        Atoms("C", info={"group": group, "kind": kind, "step": step})
        for group, kind in groups.items()
        for step in range(3)
    ]
    plan = SimpleNamespace(stage=SimpleNamespace(judge=JudgeSettings(hold_out=share)), groups=dict)
    training, held = split(labels, plan)
    assert len(training) + len(held) == len(labels)
    assert not {one.info["group"] for one in training} & {one.info["group"] for one in held}
    # each kind keeps something to learn from
    assert {one.info["kind"] for one in training} == set(groups.values())


@given(groups=GROUPS, share=st.floats(0, 0.9), data=st.data())
def test_what_is_held_out_does_not_depend_on_what_is_labelled(
    groups: dict[str, str], share: float, data: st.DataObject
) -> None:
    plan = SimpleNamespace(stage=SimpleNamespace(judge=JudgeSettings(hold_out=share)), groups=lambda: groups)
    some = data.draw(st.lists(st.sampled_from(sorted(groups)), unique=True)) if groups else []
    labels = [Atoms("C", info={"group": group, "kind": groups[group], "step": 1}) for group in some]
    _, held = split(labels, plan)
    # so a fit to cheap labels, which there are of all, leaves out what is judged
    assert {one.info["group"] for one in held} == held_out(groups, share) & set(some)


@given(groups=GROUPS)
def test_of_each_kind_with_two_trajectories_one_at_least_is_held_out(groups: dict[str, str]) -> None:
    out = held_out(groups, 0.25)
    for kind in set(groups.values()):
        names = [name for name, its in groups.items() if its == kind]
        assert len(out & set(names)) == (0 if len(names) == 1 else max(1, round(0.25 * len(names))))


@given(groups=GROUPS, new=st.text("xyz", min_size=1))
def test_a_trajectory_of_a_new_kind_moves_no_other_across(groups: dict[str, str], new: str) -> None:
    assert held_out({**groups, new: "a kind of its own"}, 0.25) == held_out(groups, 0.25)


@given(offset=st.floats(-2, 2), seed=st.integers(0, 1000))
def test_a_constant_error_is_found_as_it_is(offset: float, seed: int) -> None:
    reference = np.random.default_rng(seed).normal(size=(20, 3))
    found = force_error(reference + offset, reference)
    assert found.force_rmse_eV_A == pytest.approx(abs(offset))
    assert found.force_rms_eV_A == pytest.approx(math.sqrt((reference**2).mean()))
    assert found.correlation == pytest.approx(1)


def test_forces_of_zero_have_the_error_that_the_reference_has() -> None:
    reference = np.random.default_rng(1).normal(size=(50, 3))
    found = force_error(np.zeros((50, 3)), reference)
    assert found.force_rmse_eV_A == pytest.approx(found.force_rms_eV_A)
    assert math.isnan(found.correlation)
    assert force_error(-reference, reference).correlation == pytest.approx(-1)


def test_energies_are_compared_by_atom() -> None:
    assert energy_error_eV([1.0, 4.0], [0.0, 2.0], [10, 20]) == pytest.approx(0.1)


def labelled(symbols: str, fragments: list[str], kind: str, force: float) -> Atoms:
    atoms = Atoms(symbols, positions=np.arange(3 * len(fragments)).reshape(-1, 3), info={"kind": kind, "group": kind})
    set_fragment(atoms, fragments)
    atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=np.full((len(atoms), 3), force))
    return atoms


def test_errors_are_told_apart_by_part_and_by_kind() -> None:
    contact = labelled("CCHLi", ["nd", "lower", "lower", "ion"], "contact", 1.0)
    flake = labelled("CH", ["upper", "upper"], "flake", 2.0)
    assert parts_of(contact).tolist() == ["nanodiamond", "flake", "H", "Li"]
    forces = [np.array([[1.5] * 3, [1.0] * 3, [1.0] * 3, [4.0] * 3]), np.full((2, 3), 2.0)]
    rows = table([contact, flake], forces, [0.4, 0.0])
    assert rows["part: nanodiamond"]["force_rmse_eV_A"] == pytest.approx(0.5)
    assert rows["part: flake"]["force_rmse_eV_A"] == 0
    assert rows["part: flake"]["n"] == 2
    assert rows["part: Li"]["force_rmse_eV_A"] == pytest.approx(3)
    assert rows["kind: contact"]["force_rmse_eV_A"] == pytest.approx(math.sqrt((0.25 + 9) / 4))
    assert rows["kind: contact"]["energy_error_eV_atom"] == pytest.approx(0.1)
    assert rows["kind: flake"]["force_rmse_eV_A"] == 0
    assert rows["all"]["n"] == 6


@pytest.mark.parametrize(
    ("error", "there", "said"),
    [
        (0.1, 1.0, "trusted"),
        (0.3, 1.0, "doubtful"),
        (0.6, 1.0, "refused"),
        (0.1, 0.1, "refused"),
        (math.nan, 1, "refused"),
    ],
)
def test_an_error_as_large_as_the_force_is_refused_however_small(error: float, there: float, said: str) -> None:
    stage = SimpleNamespace(judge=JudgeSettings(trusted_eV_A=0.25, doubtful_share=0.5))
    assert verdict({"force_rmse_eV_A": error, "force_rms_eV_A": there}, stage) == said
