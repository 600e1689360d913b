"""Whole numbers that columns of decimal digits spell, many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

N = TypeVar("N", np.float64, np.int64)

AT_ONCE = 7
"""So many digits, even of what is no digit, fit 32 bits, which are faster than 64."""


def joined(digits: NDArray[np.uint8], kind: type[N]) -> NDArray[N]:
    """Return the numbers (n,) that digits (n_digits, n) spell, the first one first.

    Parameters
    ----------
    digits : array (n_digits, n)
        From 0 to 9; other values give other numbers, and no error.
    kind : type
        ``np.int64``, exact up to 18 digits; ``np.float64``, exact up to 15.
    """
    value = np.zeros(digits.shape[1], kind)
    for start in range(0, len(digits), AT_ONCE):
        part = digits[start : start + AT_ONCE]
        number = part[0].astype(np.int32)
        for digit in part[1:]:
            number *= 10
            number += digit
        value *= kind(10 ** len(part))
        value += number
    return value
