"""Rows of points from few nodes: Gaussians, their products with powers and their slopes, against the formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.analyse.density.smooth import TOLERANCE, row_for


def gaussian(x, a, centre, power):
    """Return √a^l (x-c)^l exp(-a(x-c)²), of about unit height, and its slope."""
    d = np.sqrt(a) * (x - centre)
    value = d**power * np.exp(-(d**2))
    slope = np.sqrt(a) * (power * d ** max(power - 1, 0) - 2 * d ** (power + 1)) * np.exp(-(d**2))
    return value, slope


@given(
    broader=st.floats(0.02, 1),
    centre=st.floats(-20, 30),
    power=st.integers(0, 2),
    exponent=st.floats(0.1, 2),
    step=st.floats(0.05, 0.2),
)
def test_every_broader_gaussian_is_carried(broader, centre, power, exponent, step):
    n = int(5 / step)
    row = row_for(n, step, exponent, 60)  # a sharp one needs more nodes than there are points
    value, slope = gaussian(step * np.arange(n), broader * exponent, centre, power)
    on_nodes = gaussian(row.nodes, broader * exponent, centre, power)[0]
    np.testing.assert_allclose(row.value @ on_nodes, value, atol=5 * TOLERANCE)
    np.testing.assert_allclose(row.slope @ on_nodes, slope, atol=5 * TOLERANCE)


def test_the_sharper_the_gaussian_the_more_nodes():
    numbers = [len(row_for(40, 0.15, exponent, 40).nodes) for exponent in (0.05, 0.2, 0.8, 2)]
    assert numbers == sorted(set(numbers))
    assert numbers[0] < 20


def test_noise_is_not_amplified():
    row = row_for(36, 0.15, 0.35, 18)
    assert np.abs(row.value).sum(axis=1).max() < 5
    assert np.abs(row.slope).sum(axis=1).max() < 50


@pytest.mark.parametrize(("n", "step", "exponent", "most"), [(36, 0.15, 0.35, 8), (36, 0.15, 50, 18), (1, 0.1, 0.1, 0)])
def test_too_few_nodes_are_none(n, step, exponent, most):
    assert row_for(n, step, exponent, most) is None


def test_values_are_right_to_a_millionth_and_slopes_too():
    """The rows promise 5·10⁻⁷ of the height; of functions between those they were fitted to, a few times that."""
    x = 0.15 * np.arange(36)
    row = row_for(36, 0.15, 0.35, 30)
    for power in range(3):
        for centre in np.linspace(-6, 11, 40):
            value, slope = gaussian(x, 0.35, centre, power)
            on_nodes = gaussian(row.nodes, 0.35, centre, power)[0]
            assert np.abs(row.value @ on_nodes - value).max() < 3e-6
            assert np.abs(row.slope @ on_nodes - slope).max() < 3e-6


def test_no_more_nodes_are_taken_than_are_wanted():
    fewest = len(row_for(36, 0.15, 0.35, 30).nodes)
    assert fewest < 18
    assert len(row_for(36, 0.15, 0.35, fewest).nodes) == fewest
    assert row_for(36, 0.15, 0.35, fewest - 1) is None


def test_the_nodes_lie_about_the_row_and_a_little_beyond():
    """Chebyshev's nodes, on a stretch longer by a twentieth at either end: symmetric, and nowhere far outside."""
    row = row_for(36, 0.15, 0.35, 30)
    length = 0.15 * 35
    assert np.sort(row.nodes) == pytest.approx(length - np.sort(row.nodes)[::-1])
    assert -0.06 * length < row.nodes.min() < 0
    assert length < row.nodes.max() < 1.06 * length
    n = len(row.nodes)
    half = np.sort(np.cos(np.pi * (2 * np.arange(1, n + 1) - 1) / (2 * n)))
    assert (np.sort(row.nodes) - length / 2) / (length / 2 * 1.1) == pytest.approx(half)


def test_four_nodes_are_the_least():
    assert len(row_for(3, 0.01, 0.01, 10).nodes) == 4
    assert row_for(3, 0.01, 0.01, 4) is not None
    assert row_for(3, 0.01, 0.01, 3) is None
