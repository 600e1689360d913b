"""What a run is compared with, and how hot it was at its end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.analyse.dynamics.rest import OFF_K, at_rest, late_temperature, rests


def test_the_rest_is_the_second_half_of_a_thermalisation():
    """What a quantity does in the first half, on its way from the cold geometry, does not count."""
    moving, there = np.linspace(3.0, 3.5, 50), np.full(50, 3.5)
    rest = at_rest(np.concatenate([moving, there]))
    assert rest == pytest.approx((3.5, 0, 0))


@given(st.floats(-1, 1), st.integers(4, 40).map(lambda n: 4 * n))
def test_the_drift_of_a_straight_way_is_a_quarter_of_it(slope, n):
    rest = at_rest(slope * np.arange(n))
    assert rest.drift == pytest.approx(slope * n / 4)
    assert rest.mean == pytest.approx(slope * (3 * n / 4 - 0.5))
    assert rest.spread == pytest.approx(abs(slope) * np.sqrt(((n / 2) ** 2 - 1) / 12))


@pytest.mark.parametrize("values", [[], [1.0, 2.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0, np.nan]])
def test_there_is_no_rest_of_too_little(values):
    assert at_rest(values) is None


def test_four_frames_are_a_quarter_each():
    assert at_rest([9.0, 9.0, 1.0, 2.0]) == pytest.approx((1.5, 0.5, 1.0))


def test_rests_are_of_numbers_alone():
    series = {"gap_edge_A": np.arange(8.0), "pair": np.array(["a"] * 8), "penetration_A": np.full(8, np.nan)}
    assert list(rests(series)) == ["gap_edge_A"]


def test_the_last_quarter_says_how_hot_a_run_was():
    hot_at_first = np.concatenate([np.full(75, 900.0), np.full(25, 310.0)])
    kept = late_temperature(hot_at_first, 300)
    assert (kept.mean_K, kept.off) == (310, False)
    assert "off" not in str(kept)
    assert late_temperature([*hot_at_first[:-1], np.nan], 300) is None


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_run_that_was_not_at_its_temperature_is_told(sign):
    for by_K, off in ((OFF_K - 1, False), (OFF_K, False), (OFF_K + 1, True)):
        kept = late_temperature(np.full(8, 300 + sign * by_K), 300)
        assert kept.off is off
        assert ("more than 30 K off" in str(kept)) is off


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=30))
def test_the_last_quarter_is_a_mean_over_all_its_frames_and_the_last_frame_at_least(kelvin):
    quarter = kelvin[len(kelvin) - (len(kelvin) // 4 or 1) :]
    assert late_temperature(kelvin, 300).mean_K == pytest.approx(sum(quarter) / len(quarter))


def test_of_no_frames_there_is_no_temperature():
    assert late_temperature([], 300) is None
