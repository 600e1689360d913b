"""Ions spread over a cluster, and on their way between layers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.geometry.flake import build_flake
from iondrill.geometry.recipes import FlakeRecipe
from iondrill.geometry.registry import build
from iondrill.geometry.shells import REACH_A, alternating, spread, way_in, with_shell


@given(st.integers(1, 300))
def test_directions_are_unit_vectors_that_balance(n):
    directions = spread(n)
    assert np.linalg.norm(directions, axis=1) == pytest.approx(1)
    # the mean of a spiral's z is exactly zero; across it is the smaller the more there are
    assert directions[:, 2].mean() == pytest.approx(0, abs=1e-12)
    assert np.linalg.norm(directions.mean(axis=0)) < 1.2 / np.sqrt(n)


@given(st.integers(1, 30), st.integers(1, 30))
def test_two_kinds_alternate_as_evenly_as_can_be(n_li, n_na):
    ions = alternating({"Li": n_li, "Na": n_na})
    assert (ions.count("Li"), ions.count("Na")) == (n_li, n_na)
    share = n_li / (n_li + n_na)
    so_far = np.cumsum([ion == "Li" for ion in ions])
    assert np.abs(so_far - share * np.arange(1, len(ions) + 1)).max() < 1


def test_one_kind_is_all_there_is():
    assert alternating({"Na": 3}) == ["Na"] * 3


@settings(max_examples=15, deadline=None)
@given(ion=st.sampled_from(["Li", "Na"]), n=st.integers(1, 16))
def test_ions_touch_the_cluster_and_keep_apart(recipes, ion, n):
    cluster = build("nd29", recipes)
    whole = with_shell(cluster, {ion: n})
    assert whole.arrays["fragment"].tolist() == ["nd"] * 29 + ["ion"] * n
    assert whole.positions[:29] == pytest.approx(cluster.positions)
    apart = np.linalg.norm(whole.positions[29:, None] - cluster.positions, axis=2).min(axis=1)
    assert apart == pytest.approx(REACH_A[ion])
    # half of what n discs on a sphere round the cluster could have
    radius = np.linalg.norm(whole.positions[29:] - cluster.positions.mean(axis=0), axis=1).min()
    between = np.linalg.norm(whole.positions[29:, None] - whole.positions[29:], axis=2) + 99 * np.eye(n)
    assert between.min() > 0.5 * radius * np.sqrt(4 * np.pi / max(n, 4) / np.sqrt(3) * 2) * 0.9


def test_fewer_ions_are_on_the_first_places_of_more_and_others_in_the_same_directions(recipes):
    cluster = build("nd29", recipes)
    few, many = with_shell(cluster, {"Li": 3}), with_shell(cluster, {"Li": 8})
    assert few.positions[29:] == pytest.approx(many.positions[29:32])
    mixed = with_shell(cluster, {"Li": 4, "Na": 4})
    centre = cluster.positions.mean(axis=0)
    units = [
        (atoms.positions[29:] - centre) / np.linalg.norm(atoms.positions[29:] - centre, axis=1, keepdims=True)
        for atoms in (many, mixed)
    ]
    assert units[0] == pytest.approx(units[1])


def test_the_way_in_is_straight_half_way_between_the_layers():
    flake = build_flake(FlakeRecipe(kind="flake", ring_order=3, gap_A=4.5))
    way = [way_in(flake, "Li", number / 6, 5.0) for number in range(7)]
    places = np.array([atoms.positions[-1] for atoms in way])
    assert places[:, 1:] == pytest.approx(np.tile([0, 2.25], (7, 1)))
    assert places[0, 0] == pytest.approx(flake.positions[:, 0].min() - 5.0)
    assert places[-1, 0] == pytest.approx(0, abs=1e-9)
    assert np.diff(places[:, 0]) == pytest.approx(np.diff(places[:, 0])[0])
    assert {atoms.arrays["fragment"][-1] for atoms in way} == {"ion"}
