"""Columns of digits are joined to the numbers that Python reads from the same characters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.collect.digits import joined


@pytest.mark.parametrize(("kind", "most"), [(np.int64, 18), (np.float64, 15)])
@given(data=st.data())
def test_digits_are_joined_exactly(kind, most, data):
    n_digits = data.draw(st.integers(1, most))
    words = data.draw(st.lists(st.text("0123456789", min_size=n_digits, max_size=n_digits), min_size=1, max_size=4))
    digits = np.array([[int(digit) for digit in word] for word in words], np.uint8).T
    found = joined(digits, kind)
    assert found.dtype == kind
    assert [int(value) for value in found] == [int(word) for word in words]
