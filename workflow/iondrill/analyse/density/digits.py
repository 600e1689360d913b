"""Numbers as Fortran and C write them, many at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.collect.digits import joined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Bytes = NDArray[np.uint8]
    Flags = NDArray[np.bool_]

# Fortran leaves out the E where the exponent has three digits: 0.12345-100
SHORT_EXPONENT = re.compile(rb"(?<=[0-9.])([+-][0-9]{3})(?![0-9.])")
# a sign between a number and the point of the next, where a field is full: -0.10000E-008-0.20000E-008
TOUCHING = re.compile(rb"(?<=[0-9.])(?=[+-][0-9]*\.)")
MOST_DIGITS = 18
"""More do not fit into 64 bits."""
MOST_FORMS, LOOK_AT = 8, 64
"""Words of so many forms are taken all at once, if one of so many words has it; a file of numbers has one or two."""
LARGEST = 300
"""Of the powers of ten in the table; what is left of a larger one comes in a second step."""
# a quotient by 10^n is the nearest number to what the digits say, a product with 10^-n need not be
DIVISORS = np.array([float(f"1e{-n}") for n in range(-LARGEST, LARGEST + 1)])


class Form(NamedTuple):
    """Where point and exponent are in a word."""

    point: int
    exponent: int
    """Of its letter, or of its sign if it has no letter."""


def decode(words: Bytes) -> Array:
    """Return the numbers that characters of one width spell, digit by digit for all of one form at once.

    Parameters
    ----------
    words : array (..., width) of uint8
        Such as ``  0.12345E-05``, ``-1.2345D-008`` or ``  0.12345-100``.

    Returns
    -------
    array (...)
        NaN where the characters are no number.
    """
    shape, width = words.shape[:-1], words.shape[-1]
    flat = words.reshape(-1, width)
    values, good = np.full(len(flat), np.nan), np.zeros(len(flat), bool)
    for _ in range(MOST_FORMS):
        left = np.flatnonzero(~good)
        form = next(filter(None, (_form(flat[index].tobytes()) for index in left[:LOOK_AT])), None)
        if form is None:
            break
        if len(left) == len(flat):
            values, good = _decode(flat, form)
        else:
            values[left], good[left] = _decode(flat[left], form)
    for index in np.flatnonzero(~good).tolist():
        values[index] = number(flat[index].tobytes())
    return values.reshape(shape)


def number(word: bytes) -> float:
    """Return a number as Fortran or C writes it; NaN if it is none."""
    try:
        return float(with_letters(word.strip()))
    except ValueError:
        return float("nan")


def with_letters(text: bytes) -> bytes:
    """Return numbers of Fortran as others read them: with an E before each exponent."""
    return SHORT_EXPONENT.sub(rb"E\1", text).replace(b"D", b"E").replace(b"d", b"e")


def separated(text: bytes) -> bytes:
    """Return numbers as `with_letters`, with a blank between those that touch."""
    return with_letters(TOUCHING.sub(b" ", text))


def _form(word: bytes) -> Form | None:
    """Return the form of a word that has digits on both sides of a point, and an exponent."""
    found = re.fullmatch(rb" *-?[0-9]?\.[0-9]+(?:(?P<letter>[EeDd])[+-][0-9]{1,4}|(?P<sign>[+-])[0-9]{3})", word)
    if not found or word.index(b".") < 2:
        return None
    form = Form(word.index(b"."), found.start("letter") if found["letter"] else found.start("sign"))
    return form if form.exponent - form.point <= MOST_DIGITS else None


def _decode(words: Bytes, form: Form) -> tuple[Array, Flags]:
    """Return the numbers of words (n, width), and which of them are of a form."""
    columns = np.ascontiguousarray(words.T)
    digits = columns - np.uint8(ord("0"))  # what is no digit wraps to more than 9
    point, exponent = form
    good = (columns[: point - 2] == ord(" ")).all(axis=0) & (columns[point] == ord("."))
    before, first = columns[point - 2], columns[point - 1]
    bare = (first == ord(" ")) | (first == ord("-"))  # .12345E-05 and -.12345E-05
    leading = np.where(bare, 0, digits[point - 1]).astype(np.int64)
    good &= (leading <= 9) & ((before == ord(" ")) | ((before == ord("-")) & ~bare))
    minus = (before == ord("-")) | (first == ord("-"))
    decimals = digits[point + 1 : exponent]
    good &= decimals.max(axis=0) <= 9
    mantissa = leading * 10 ** len(decimals) + joined(decimals, np.int64)
    power, there = _powers(columns[exponent:], digits[exponent:])
    power -= exponent - point - 1
    good &= there
    power *= good
    near = np.clip(power, -LARGEST, LARGEST)
    values = mantissa / DIVISORS[near + LARGEST]
    if (far := power - near).any():
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            values *= 10.0**far
    np.negative(values, out=values, where=minus)
    return values, good


def _powers(columns: Bytes, digits: Bytes) -> tuple[NDArray[np.int32], Flags]:
    """Return the exponents that columns (n_columns, n) spell, and which are such: E-05, D-005, or -105 without E."""
    lower = columns[0] | 32
    letter = (lower == ord("e")) | (lower == ord("d"))
    if len(columns) == 4 and not letter.all():
        sign = np.where(letter, columns[1], columns[0])
        power = np.where(letter, 0, digits[1]).astype(np.int32)
        good = letter | (digits[1] <= 9)
    else:
        sign, power, good = columns[1], np.zeros(columns.shape[1], np.int32), letter
    good &= (sign == ord("-")) | (sign == ord("+"))
    for column in digits[2:]:
        good &= column <= 9
        power *= 10
        power += column
    np.negative(power, out=power, where=sign == ord("-"))
    return power, good
