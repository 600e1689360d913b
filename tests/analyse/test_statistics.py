"""Errors of means against series whose error is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.analyse.statistics import Sample, block_error, estimate


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
