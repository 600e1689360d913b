"""Several ions on equivalent positions: as far apart as can be, however the positions are described."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.errors import UserError
from iondrill.geometry.surfaces.coverage import closest_A, periodic_distances, spread

SQUARE = np.array([[i / 4, j / 4] for i in range(4) for j in range(4)])
CELL = np.diag([10.0, 10.0])


@pytest.mark.parametrize(("n", "nearest_A"), [(1, 10.0), (2, 50**0.5), (4, 5.0), (8, 12.5**0.5), (16, 2.5)])
def test_known_arrangements_on_a_square_lattice(n, nearest_A):
    assert closest_A(SQUARE, CELL, n) == pytest.approx(nearest_A)
    assert len(set(spread(SQUARE, CELL, n))) == n


@given(
    positions=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=7),
    n=st.integers(2, 4),
    angle_deg=st.floats(40, 140),
)
@settings(max_examples=40)
def test_no_choice_is_wider(positions, n, angle_deg):
    fractions = np.array(positions)
    n = min(n, len(positions))
    angle = np.radians(angle_deg)
    cell = np.array([[6.0, 0.0], [5.0 * np.cos(angle), 5.0 * np.sin(angle)]])
    apart_A = periodic_distances(fractions, cell)
    chosen = spread(fractions, cell, n)

    def nearest_A(some):
        return min(apart_A[i, j] for i, j in combinations(some, 2))

    best_A = max(nearest_A((0, *some)) for some in combinations(range(1, len(positions)), n - 1))
    assert chosen[0] == 0
    assert nearest_A(chosen) == pytest.approx(best_A, abs=0.011)


def test_distances_are_those_of_the_nearest_images():
    cell = np.array([[4.0, 0.0], [3.9, 1.0]])  # flat: the nearest image is not next to the cell that rounding gives
    fractions = np.random.default_rng(1).random((5, 2))
    reach = np.array([(i, j) for i in range(-9, 10) for j in range(-9, 10)]) @ cell
    apart = (fractions[:, None] - fractions) @ cell
    slow_A = np.linalg.norm(apart[:, :, None] + reach, axis=-1).min(axis=-1)
    assert periodic_distances(fractions, cell) == pytest.approx(slow_A)


def test_many_places_are_taken_one_by_one():
    fine = np.array([[i / 8, j / 8] for i in range(8) for j in range(8)])
    assert closest_A(fine, CELL, 4) == pytest.approx(5.0)
    assert len(set(spread(fine, CELL, 40))) == 40


def test_more_ions_than_places_are_refused():
    with pytest.raises(UserError, match="17 ions on a site with 16 positions"):
        spread(SQUARE, CELL, 17)
