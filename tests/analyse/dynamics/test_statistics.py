"""Errors of means against series whose error is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, ttest_ind

from iondrill.analyse.dynamics.statistics import Sample, block_error, chance_of, effect_size, estimate


def correlated(n, memory, seed):
    """Return x[k] = memory x[k-1] + noise, stationary, of variance 1."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=n) * np.sqrt(1 - memory**2)
    x = np.empty(n)
    x[0] = random.normal()
    for k in range(1, n):
        x[k] = memory * x[k - 1] + noise[k]
    return x


@pytest.mark.parametrize("memory", [0.0, 0.8])
def test_blocks_find_the_error_of_a_correlated_mean(memory):
    exact = np.sqrt((1 + memory) / (1 - memory) / 4096)  # of a long series
    errors = [block_error(correlated(4096, memory, seed)) for seed in range(12)]
    assert np.median(errors) == pytest.approx(exact, rel=0.4)
    assert np.std([correlated(4096, memory, seed).mean() for seed in range(60)]) == pytest.approx(exact, rel=0.3)


def test_few_values_have_no_error():
    assert np.isnan(block_error([1.0] * 5))
    assert block_error([1.0] * 6) == 0


def test_two_seeds_each_by_student():
    # Welch's t of 2 and 2 values of equal variance: 2 degrees of freedom, t(97.5 %) = 4.3027
    value = estimate([Sample((1.0, 1.2), (0.0, 0.0)), Sample((0.0, 0.2), (0.0, 0.0))], [1, -1])
    error = np.sqrt(0.01 + 0.01)
    assert value.value == pytest.approx(1.0)
    assert value.error == pytest.approx(error)
    assert (value.low, value.high) == pytest.approx((1 - 4.302653 * error, 1 + 4.302653 * error))
    assert value.method == "t over seeds"


def test_seeds_that_agree_by_chance_keep_the_error_of_their_blocks():
    value = estimate([Sample((1.0, 1.0), (0.3, 0.3))])
    assert value.error == pytest.approx(0.3 / np.sqrt(2))


def test_one_run_has_only_its_blocks():
    value = estimate([Sample((1.0,), (0.5,))])
    assert value.high - value.value == pytest.approx(1.959964 * 0.5)
    assert value.method == "blocks within one run"


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(3)
    hits = 0
    for _ in range(300):
        a, b = random.normal(0.5, 1, 4), random.normal(0, 1, 4)
        value = estimate([Sample(tuple(a), (0.0,) * 4), Sample(tuple(b), (0.0,) * 4)], [1, -1])
        hits += value.low < 0.5 < value.high
    assert value.method == "t and bootstrap over seeds"
    assert 0.92 < hits / 300 < 0.99


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=6), st.floats(-3, 3))
def test_a_shift_moves_the_interval_and_a_sign_turns_it(values, shift):
    zeros = (0.1,) * len(values)
    one = estimate([Sample(tuple(values), zeros)])
    moved = estimate([Sample(tuple(v + shift for v in values), zeros)])
    turned = estimate([Sample(tuple(values), zeros)], [-1])
    assert (moved.low, moved.high) == pytest.approx((one.low + shift, one.high + shift), abs=1e-9)
    assert turned.value == -one.value
    assert one.low <= one.value <= one.high


def test_blocks_of_an_alternating_series_and_of_a_staircase():
    """By hand: 12 values, then 6 blocks of two; 3 blocks are too few."""
    alternating = np.tile([0.0, 1.0], 6)
    assert block_error(alternating) == pytest.approx(np.sqrt(12 * 0.25 / 11 / 12))
    stairs = np.repeat([0.0, 1.0, 0.0, 1.0, 0.0, 1.0], 2)
    assert block_error(stairs) == pytest.approx(np.sqrt(6 * 0.25 / 5 / 6))
    # of an odd number the last is left out of the blocks: 13 values are 6 blocks, 6 values are not even 4
    assert block_error([*stairs, 1.0]) == pytest.approx(np.sqrt(6 * 0.25 / 5 / 6))
    assert block_error(np.repeat([0.0, 1.0, 0.0], 2)) == pytest.approx(np.std([0, 0, 1, 1, 0, 0], ddof=1) / np.sqrt(6))


def test_three_seeds_are_enough_to_resample():
    value = estimate([Sample((1.0, 2.0, 3.0), (0.0,) * 3)])
    assert value.method == "t and bootstrap over seeds"
    # Student's t of 2 degrees of freedom is wider than all that three values can give
    assert value.low == pytest.approx(2 - 4.302653 / np.sqrt(3))
    assert value.high == pytest.approx(2 + 4.302653 / np.sqrt(3))
    two = estimate([Sample((1.0, 2.0, 3.0), (0.0,) * 3), Sample((1.0, 2.0), (0.0,) * 2)], [1, -1])
    assert two.method == "t over seeds"


def test_the_bootstrap_counts_where_it_is_wider():
    """A case that does not scatter has no part in Welch's degrees of freedom; of many values t is nearly normal."""
    random = np.random.default_rng(1)
    values = random.exponential(size=40)
    value = estimate([Sample(tuple(values), (0.0,) * 40)])
    draws = values[random.integers(40, size=(20000, 40))].mean(axis=1)
    assert value.high >= values.mean() + 1.9 * value.error
    assert value.high == pytest.approx(max(np.quantile(draws, 0.975), value.value + 2.0227 * value.error), abs=0.03)
    assert value.low == pytest.approx(value.value - 2.0227 * value.error, abs=0.03)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_end_of_the_bootstrap_is_the_binomial_quantile_of_what_happens_in_few_runs(sign):
    """It happens in 4 of 40 runs: of 40 drawn from those, with 97.5 %, in 8 at most, farther than by Student's t."""
    sample = Sample((sign * 1.0,) * 4 + (0.0,) * 36, (0.0,) * 40)
    value = estimate([sample], [1])
    t_half = 2.022691 * np.sqrt(0.1 * 0.9 / 39)
    assert binom.ppf(0.975, 40, 0.1) == 8
    assert 0.1 + t_half < 8 / 40
    ends = sorted([sign * 8 / 40, sign * (0.1 - t_half)])
    assert (value.low, value.high) == pytest.approx(ends, abs=1e-6)
    turned = estimate([sample], [-1])
    assert (turned.low, turned.high) == pytest.approx((-value.high, -value.low))


def test_the_bootstrap_of_a_difference_draws_from_both():
    """Of two series alike the difference is as often above zero as below; its ends are those of two binomials."""
    sample = Sample((1.0,) * 20 + (0.0,) * 20, (0.0,) * 40)
    value = estimate([sample, sample], [1, -1])
    counts = np.arange(-40, 41)
    one = binom.pmf(np.arange(41), 40, 0.5)
    end = counts[np.searchsorted(np.cumsum(np.convolve(one, one[::-1])), 0.975)] / 40
    assert value.high == pytest.approx(max(end, 1.990847 * np.sqrt(2 * 0.25 / 39)), abs=0.026)
    assert value.low == pytest.approx(-value.high, abs=0.026)


def test_the_scatter_of_seeds_counts_where_it_is_larger_than_their_own_errors():
    assert Sample((0.0, 2.0), (0.1, 0.1)).variance == pytest.approx(1.0)
    assert Sample((0.0, 0.2), (3.0, 1.0)).variance == pytest.approx((9 + 1) / 2 / 2)
    # an error that is not known is left out
    assert Sample((0.0, 0.0), (float("nan"), 1.0)).variance == pytest.approx(1 / 2)
    assert Sample((0.0, 2.0), (float("nan"),) * 2).variance == pytest.approx(1.0)
    assert Sample((5.0,), (float("nan"),)).variance == 0
    assert Sample((5.0,), (0.5,)).variance == pytest.approx(0.25)


def test_seeds_that_agree_exactly_leave_no_interval():
    value = estimate([Sample((1.0, 1.0), (0.0, 0.0)), Sample((0.5, 0.5), (0.0, 0.0))], [1, -1])
    assert (value.value, value.error, value.low, value.high) == (0.5, 0, 0.5, 0.5)


def test_welch_and_satterthwaite_as_scipy_has_them():
    from scipy.stats import ttest_ind

    one, other = (0.1, 0.9), (2.0, 2.2, 3.9, 2.8, 1.0)
    value = estimate([Sample(one, (0.0,) * 2), Sample(other, (0.0,) * 5)], [1, -1])
    interval = ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert (value.low, value.high) == pytest.approx((interval.low, interval.high))


def test_one_run_against_several_has_only_blocks():
    value = estimate([Sample((1.0,), (0.3,)), Sample((0.0, 0.0, 0.0), (0.4,) * 3)], [1, -1])
    assert value.method == "blocks within one run"
    assert value.error == pytest.approx(np.sqrt(0.09 + 0.16 / 3))


def test_chance_is_that_of_welchs_test():
    one, other = (1.0, 2.0, 4.0, 1.5), (0.1, 0.9, 0.2)
    value = estimate([Sample(one, (0.0,) * 4), Sample(other, (0.0,) * 3)], [1, -1])
    assert value.p == pytest.approx(ttest_ind(one, other, equal_var=False).pvalue)
    turned = estimate([Sample(one, (0.0,) * 4), Sample(other, (0.0,) * 3)], [-1, 1])
    assert turned.p == pytest.approx(value.p)


@pytest.mark.parametrize("values", [((1.0,), (0.0, 2.0)), ((1.0, 1.0), (0.0, 0.0))])
def test_of_a_single_run_and_without_scatter_chance_is_not_known(values):
    samples = [Sample(each, (0.0,) * len(each)) for each in values]
    assert np.isnan(estimate(samples, [1, -1]).p)


def test_the_share_of_chance_by_hand():
    """m c p / rank with c = 1 + 1/2 + … + 1/m, from the largest down never more than what is above, nor than 1."""
    c = 25 / 12
    assert chance_of([0.04, 0.01, 0.5, 0.03]) == pytest.approx([c * 0.16 / 3, c * 0.04, 1, c * 0.16 / 3])
    assert chance_of([0.2]) == pytest.approx([0.2])
    assert chance_of([]) == []


def test_an_effect_is_measured_in_the_scatter_within_cases():
    """Squares about the means: 2 of (0, 2) and 6 of (3, 3, 6), with 1 + 2 degrees of freedom."""
    samples = [Sample((0.0, 2.0), (0.0,) * 2), Sample((3.0, 3.0, 6.0), (0.0,) * 3)]
    assert effect_size(samples, -3.0) == pytest.approx(-3 / np.sqrt(8 / 3))
    assert effect_size([Sample((1.0,), (0.1,)), Sample((2.0, 2.0), (0.1,) * 2)], 1.0) is None
