"""Numbers in frames of text that are all laid out alike, taken as columns of characters.

Programs write a frame as they wrote the one before: every number ends in the same column. `Layout` learns these columns
from a frame, and takes the numbers of all frames that keep to it at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iondrill.collect.digits import joined

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

EXACT_DIGITS = 15
"""Whole numbers of so many digits, and powers of ten up to 1e22, are exact: their quotient is the nearest number."""

POINT, BLANK, MINUS, ZERO = (ord(c) for c in ". -0")
PROPERTIES = re.compile(rb'Properties="?([^\s"]+)')
WORD = re.compile(rb"\S+")


@dataclass(frozen=True)
class Layout:
    """Where the numbers of a frame are, counted from the first character after its comment line.

    Attributes
    ----------
    size : int
        Characters of the frame's atoms.
    fields : (n_atoms, 3, width) array
        Those of each coordinate, blanks before it included.
    decimals : int
        Digits after the point.
    fixed : (n,) array
        Characters that are the same in every frame: symbols, ends of numbers and of lines.
    expected : (n,) array
        The text there.
    """

    size: int
    fields: NDArray[np.intp]
    decimals: int
    fixed: NDArray[np.intp]
    expected: Bytes

    @classmethod
    def learn(cls, block: bytes, columns: Columns) -> Layout | None:
        """Return the layout of a frame; None if its numbers do not all have the same form."""
        ends, gaps, decimals, fixed = list[int](), list[tuple[int, int]](), set[int](), list[int]()
        start = 0
        for line in block.splitlines(keepends=True):
            spans = [match.span() for match in WORD.finditer(line)]
            before = spans[columns.symbol - 1][1] if columns.symbol else 0
            # what ends the symbol, too: another letter would make another one
            fixed += [start + k for k in range(before, spans[columns.symbol][1] + 1)] + [start + len(line) - 1]
            for k in range(columns.position, columns.position + 3):
                before = spans[k - 1][1] if k else 0
                whole, point, fraction = line[slice(*spans[k])].partition(b".")
                if not (point and whole.lstrip(b"-").isdigit() and fraction.isdigit()):
                    return None
                ends.append(start + spans[k][1])
                fixed.append(start + spans[k][1])  # what ends the number
                gaps.append((start + before, start + spans[k][1]))
                decimals.add(len(fraction))
            start += len(line)
        width, (digits, *more) = min(end - before for before, end in gaps), decimals
        if more or width > EXACT_DIGITS + 6:
            return None
        fields = np.array(ends).reshape(-1, 3, 1) - width + np.arange(width)
        # what is blank before the field of a number must stay so: there might be another word
        where = np.array(fixed + [k for before, end in gaps for k in range(before, end - width)])
        return cls(start, fields, digits, where, np.frombuffer(block, np.uint8)[where])

    def decode(self, text: Bytes, starts: NDArray[np.intp]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the coordinates (n_frames, n_atoms, 3) of frames, and which frames keep to the layout."""
        blocks = np.lib.stride_tricks.sliding_window_view(text, self.size)[starts]
        width, shape = self.fields.shape[2], (len(starts), *self.fields.shape[:2])
        keeps = (blocks[:, self.fixed] == self.expected).all(axis=1)
        characters = blocks[:, self.fields.transpose(2, 0, 1)].transpose(1, 0, 2, 3).reshape(width, -1)
        point = width - self.decimals - 1
        digits = characters - np.uint8(ZERO)  # what is no digit wraps to more than 9
        # a number with no blank before it may continue there
        good = (characters[0] == BLANK) & (characters[point] == POINT)
        good &= digits[point + 1 :].max(axis=0) <= 9
        mantissa = joined(digits[point + 1 :], np.float64)
        whole, negative = _whole(characters[:point], digits[:point], good)
        mantissa += whole * 10.0**self.decimals
        good &= mantissa < 10.0**EXACT_DIGITS
        values = np.where(negative, -mantissa, mantissa) / 10.0**self.decimals
        return values.reshape(shape), keeps & good.reshape(len(starts), -1).all(axis=1)


def _whole(characters: Bytes, digits: Bytes, good: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the digits before the points, and which have a minus; others than numbers are marked in `good`."""
    value, negative = np.zeros(len(good)), np.zeros(len(good), dtype=bool)
    ended = np.zeros(len(good), dtype=bool)  # a blank or a minus was met, from the right
    for k in range(len(characters) - 1, -1, -1):
        column = characters[k]
        blank = column == BLANK
        if ended.all() and blank.all():
            continue
        digit, minus = digits[k] <= 9, column == MINUS
        good &= digit | blank | minus
        good &= ~(ended & ~blank)
        value += np.where(digit, digits[k], 0) * 10.0 ** (len(characters) - 1 - k)
        negative |= minus
        ended |= ~digit
    return value, negative


@dataclass(frozen=True)
class Columns:
    """Which words of an atom's line are its symbol and its coordinates."""

    symbol: int = 0
    position: int = 1

    @classmethod
    def of(cls, comment: bytes) -> Columns:
        """Return the columns that a comment line declares: ``Properties=species:S:1:pos:R:3:...``."""
        declared = PROPERTIES.search(comment)
        if declared is None:
            return cls()
        words, columns, column = declared.group(1).decode("utf-8", "replace").split(":"), dict[str, int](), 0
        for name, count in zip(words[::3], words[2::3], strict=False):
            columns[name.lower()] = column
            column += int(count) if count.isdigit() else 1
        return cls(columns.get("species", 0), columns.get("pos", 1))
