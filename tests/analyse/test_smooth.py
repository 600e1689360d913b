"""Rows of points from few nodes: Gaussians, their products with powers and their slopes, against the formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.analyse.smooth import TOLERANCE, row_for


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
    row = row_for(n, step, exponent, 60)  # a sharp one wants more nodes than there are points
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
