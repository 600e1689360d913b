"""The nearest image of a vector in the plane, against ASE's own, in oblique cells."""

import numpy as np
from ase.geometry import find_mic
from hypothesis import given
from hypothesis import strategies as st

from iondrill.geometry.surfaces.nearest import nearest_A, nearest_cells

COORDINATES = st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20)), min_size=1, max_size=8)


@given(
    vectors=COORDINATES,
    long=st.floats(2, 8),
    short=st.floats(0.3, 1),
    angle=st.floats(60, 120),
    turn=st.floats(0, 360),
)
def test_the_shortest_image_is_the_one_that_ase_finds(vectors, long, short, angle, turn):
    first, second = np.radians([turn, turn + angle])
    cell = long * np.array([[np.cos(first), np.sin(first)], [short * np.cos(second), short * np.sin(second)]])
    apart_A = np.array(vectors)
    whole = np.eye(3)
    whole[:2, :2] = cell
    _, theirs_A = find_mic(np.column_stack([apart_A, np.zeros(len(apart_A))]), whole, pbc=(True, True, False))
    cells = nearest_cells(apart_A, cell)
    assert np.array_equal(cells, np.rint(cells))
    assert np.allclose(np.linalg.norm(apart_A - cells @ cell, axis=1), theirs_A, atol=1e-9)
    assert np.allclose(nearest_A(apart_A, cell), theirs_A, atol=1e-9)
