"""Numbers as Fortran and C write them, many at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Bytes = NDArray[np.uint8]

# Fortran leaves out the E where the exponent has three digits: 0.12345-100
SHORT_EXPONENT = re.compile(rb"(?<=[0-9.])([+-][0-9]{3})$")
POWERS = 10.0 ** np.arange(-120, 121)


def decode(words: Bytes) -> Array:
    """Return the numbers that characters of one width spell, digit by digit for all at once.

    Parameters
    ----------
    words : array (..., width) of uint8
        Such as ``  0.12345E-05``; the point of all where the first one has it. Others are taken one by one.

    Returns
    -------
    array (...)
        NaN where the characters are no number.
    """
    shape, width = words.shape[:-1], words.shape[-1]
    flat = words.reshape(-1, width)
    columns = np.ascontiguousarray(flat.T)
    points = np.flatnonzero(columns[:, 0] == ord("."))
    point = int(points[0]) if len(points) and 2 <= points[0] < width - 4 else 2
    digits = columns - np.uint8(ord("0"))  # what is no digit wraps to more than 9
    leading = np.where(columns[point - 1] == ord(" "), 0, digits[point - 1])
    good = (leading <= 9) & (columns[point] == ord("."))
    mantissa = leading.astype(np.int64)
    for k in range(point + 1, width - 4):
        good &= digits[k] <= 9
        mantissa = 10 * mantissa + digits[k]
    minus, before = columns[point - 2] == ord("-"), columns[: point - 1]
    good &= minus | (before[-1] == ord(" "))
    good &= (before[:-1] == ord(" ")).all(axis=0)
    letter, sign = columns[width - 4], columns[width - 3]
    good &= ((letter == ord("E")) | (letter == ord("e"))) & ((sign == ord("-")) | (sign == ord("+")))
    good &= (digits[width - 2] <= 9) & (digits[width - 1] <= 9)
    exponent = 10 * digits[width - 2].astype(np.int64) + digits[width - 1]
    exponent = np.where(sign == ord("-"), -exponent, exponent) * good
    # by a power that is itself exact, so that the result is the nearest number, as Python's
    values = mantissa / POWERS[120 + (width - 5 - point) - exponent]
    values = np.where(minus, -values, values)
    for index in np.flatnonzero(~good).tolist():
        values[index] = number(flat[index].tobytes())
    return np.asarray(values.reshape(shape))


def number(word: bytes) -> float:
    """Return a number as Fortran or C writes it; NaN if it is none."""
    try:
        return float(SHORT_EXPONENT.sub(rb"E\1", word.strip()).replace(b"D", b"E"))
    except ValueError:
        return float("nan")
