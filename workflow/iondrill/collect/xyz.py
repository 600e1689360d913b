"""XYZ trajectories, CP2K's and extended ones, read as columns of characters: as fast as the text can be looked at.

Programs write a frame as they wrote the one before: every number ends at the same place. `Layout` learns these places
from a frame, and takes the numbers of all frames that keep to it at once; any other frame is read word by word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.units import Hartree
from numpy.typing import NDArray

from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Chunk = dict[str, NDArray[Any]]

CHUNK_BYTES = 1 << 19
"""Read at once: some ten frames of some hundred atoms, so that what is made of them stays in the cache."""

EXACT_DIGITS = 15
"""Whole numbers of so many digits, and powers of ten up to 1e22, are exact: their quotient is the nearest number."""

INT32_DIGITS = 7
"""So many, even of what is no digit, fit 32 bits, which are faster than 64."""

NEWLINE, POINT, BLANK, MINUS, ZERO = (ord(c) for c in "\n. -0")
PROPERTIES = re.compile(rb'Properties="?([^\s"]+)')
STEP = re.compile(rb"\b(?:i|step) *= *(\d+)")
TIME = re.compile(rb"\btime(?:_fs)? *= *([-+.\deEdD]+)")
ENERGY = re.compile(rb"\b(E|energy) *= *([-+.\deEdD]+)")
WORD = re.compile(rb"\S+")


@dataclass(frozen=True)
class Layout:
    """Where the numbers of a frame stand, counted from the first character after its comment line.

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
        What stands there.
    """

    size: int
    fields: NDArray[np.intp]
    decimals: int
    fixed: NDArray[np.intp]
    expected: Bytes

    @classmethod
    def learn(cls, block: bytes, columns: Columns) -> Layout | None:
        """Return the layout of a frame; None if its numbers do not all have the same form."""
        ends, widths, decimals, fixed = list[int](), set[int](), set[int](), list[int]()
        start = 0
        for line in block.splitlines(keepends=True):
            spans = [match.span() for match in WORD.finditer(line)]
            fixed += [start + k for k in range(*spans[columns.symbol])] + [start + len(line) - 1]
            for k in range(columns.position, columns.position + 3):
                before = spans[k - 1][1] if k else 0
                whole, point, fraction = line[slice(*spans[k])].partition(b".")
                if not (point and whole.lstrip(b"-").isdigit() and fraction.isdigit()):
                    return None
                ends.append(start + spans[k][1])
                fixed.append(start + spans[k][1])  # what ends the number
                widths.add(spans[k][1] - before)
                decimals.add(len(fraction))
            start += len(line)
        width, (digits, *more) = min(widths), decimals
        if more or width < digits + 2 or width - 2 > EXACT_DIGITS + 4:
            return None
        fields = np.array(ends).reshape(-1, 3, 1) - width + np.arange(width)
        where = np.array(fixed)
        return cls(start, fields, digits, where, np.frombuffer(block, np.uint8)[where])

    def decode(self, text: Bytes, starts: NDArray[np.intp]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the coordinates (n_frames, n_atoms, 3) of frames, and which frames keep to the layout."""
        blocks = np.lib.stride_tricks.sliding_window_view(text, self.size)[starts]
        width, shape = self.fields.shape[2], (len(starts), *self.fields.shape[:2])
        keeps = (blocks[:, self.fixed] == self.expected).all(axis=1)
        characters = blocks[:, self.fields.transpose(2, 0, 1)].transpose(1, 0, 2, 3).reshape(width, -1)
        point = width - self.decimals - 1
        digits = characters - np.uint8(ZERO)  # what is no digit wraps to more than 9
        # a number that leaves no blank before it may go on there
        good = (characters[0] == BLANK) & (characters[point] == POINT)
        good &= digits[point + 1 :].max(axis=0) <= 9
        mantissa = _joined(digits[point + 1 :])
        whole, negative = _whole(characters[:point], digits[:point], good)
        mantissa += whole * 10.0**self.decimals
        good &= mantissa < 10.0**EXACT_DIGITS
        values = np.where(negative, -mantissa, mantissa) / 10.0**self.decimals
        return values.reshape(shape), keeps & good.reshape(len(starts), -1).all(axis=1)


def _joined(digits: Bytes) -> Floats:
    """Return the whole numbers that digits (n_digits, n) spell."""
    value = np.zeros(digits.shape[1])
    for start in range(0, len(digits), INT32_DIGITS):
        part = digits[start : start + INT32_DIGITS]
        number = part[0].astype(np.int32)
        for digit in part[1:]:
            number *= 10
            number += digit
        value *= 10.0 ** len(part)
        value += number
    return value


def _whole(characters: Bytes, digits: Bytes, good: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return what stands before the points, and which have a minus; others than numbers are marked in `good`."""
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
        words, places, column = declared.group(1).decode("utf-8", "replace").split(":"), dict[str, int](), 0
        for name, count in zip(words[::3], words[2::3], strict=False):
            places[name.lower()] = column
            column += int(count) if count.isdigit() else 1
        return cls(places.get("species", 0), places.get("pos", 1))


def xyz_chunks(path: Path, symbols: Sequence[str]) -> Iterator[Chunk]:
    """Yield the frames of an XYZ trajectory, about a megabyte at a time.

    Parameters
    ----------
    path : Path
        As CP2K writes it (step, time and energy in the comment: ``i = 5, time = 2.5, E = -345.9``), extended XYZ
        (``step=5 time_fs=2.5 energy=-9412.1``), or plain.
    symbols : sequence of str
        What the atoms must be.

    Yields
    ------
    dict of arrays
        ``positions_A`` (n_frames, n_atoms, 3); ``step``; ``time_fs`` and ``potential_eV`` if every comment has them.

    Raises
    ------
    UserError
        Names file and frame: cut, of other atoms, or holding what is no number.
    """
    reader = _Reader(path, [symbol.encode() for symbol in symbols])
    try:
        with path.open("rb") as file:
            rest = b""
            while data := file.read(CHUNK_BYTES):
                rest += data
                chunk, used = reader.take(rest)
                rest = rest[used:]
                if chunk:
                    yield chunk
            if rest.strip():
                chunk, used = reader.take(rest, last=True)
                if chunk:
                    yield chunk
                if rest[used:].strip():
                    raise reader.error(reader.count, "is cut", f"needed: {len(symbols)} atoms after a comment line")
    except OSError as error:
        raise UserError.of(path, f"cannot be read: {error.strerror or error}") from None
    if not reader.count:
        raise UserError.of(path, "holds no frame")


class _Reader:
    """The state from chunk to chunk: how many frames there were, and the layout of the last."""

    def __init__(self, path: Path, symbols: list[bytes]) -> None:
        self.path, self.symbols = path, symbols
        self.count = 0
        self._columns = Columns()
        self._layout: Layout | None = None

    def error(self, frame: int, found: str, allowed: str = "") -> UserError:
        """Return the error of a frame, counted from 0."""
        return UserError.of(f"{self.path}, frame {frame + 1}", found, allowed)

    def take(self, text: bytes, *, last: bool = False) -> tuple[Chunk, int]:
        """Return the whole frames of a text, the last of the file or not, and how many characters they take up."""
        unended = last and not text.endswith(b"\n")
        text += b"\n" * unended
        comments, starts, ends, at = list[bytes](), list[int](), list[int](), 0
        while (found := self._next(text, at, self.count + len(starts))) is not None:
            comment, start, at = found
            comments.append(comment)
            starts.append(start)
            ends.append(at)
        if not starts:
            return {}, 0
        if unended and (self._layout is None or ends[-1] - starts[-1] != self._layout.size):
            raise self.error(self.count + len(starts) - 1, "is cut", "needed: an end of its last line")
        positions = self._positions(text, starts, ends)
        if not np.isfinite(positions).all():
            frame = int(np.isfinite(positions).all(axis=(1, 2)).argmin())
            raise self.error(self.count + frame, "a position is not a number")
        chunk = {"positions_A": positions, **self._headings(comments)}
        self.count += len(starts)
        return chunk, at

    def _next(self, text: bytes, at: int, frame: int) -> tuple[bytes, int, int] | None:
        """Return comment, start and end of the atoms of a frame; None if it is not all there."""
        first = text.find(b"\n", at)
        if first < 0 or not (text[at:first].strip() or text[at:].strip()):  # empty lines at the end
            return None
        head = text[at:first].strip()
        if head != b"%d" % len(self.symbols):
            found = head[:40].decode("utf-8", "replace")
            raise self.error(frame, f"found '{found}' where the number of atoms is due", f"needed: {len(self.symbols)}")
        second = text.find(b"\n", first + 1)
        end = self._end(text, second + 1) if second >= 0 else 0
        if not end:
            return None
        comment = text[first + 1 : second]
        if frame == 0:
            self._columns = Columns.of(comment)
            self._layout = self._learn(text[second + 1 : end])
        return comment, second + 1, end

    def _end(self, text: bytes, start: int) -> int:
        """Return where the atoms of a frame end; 0 if they are not all there."""
        if self._layout is not None:
            end = start + self._layout.size
            if text[end - 1 : end] == b"\n" and text.count(b"\n", start, end) == len(self.symbols):
                return end
        for _ in self.symbols:
            start = text.find(b"\n", start) + 1
            if not start:
                return 0
        return start

    def _learn(self, block: bytes) -> Layout | None:
        try:
            return Layout.learn(block, self._columns)
        except IndexError:  # a line is too short: `_words` says which frame
            return None

    def _positions(self, text: bytes, starts: list[int], ends: list[int]) -> Floats:
        positions = np.empty((len(starts), len(self.symbols), 3))
        fast = np.zeros(len(starts), dtype=bool)
        if self._layout is not None:
            fits = [k for k in range(len(starts)) if ends[k] - starts[k] == self._layout.size]
            if fits:
                decoded = self._layout.decode(np.frombuffer(text, np.uint8), np.array(starts)[fits])
                positions[fits], fast[fits] = decoded
        if self.count == 0:
            fast[0] = False  # word by word: its symbols are checked, and the layout's are those
        for k in np.flatnonzero(~fast).tolist():
            positions[k] = self._words(text[starts[k] : ends[k]], self.count + k)
        return positions

    def _words(self, block: bytes, frame: int) -> Floats:
        """Read a frame word by word."""
        columns = self._columns
        rows = [line.split() for line in block.splitlines()]
        if any(len(row) < max(columns.symbol + 1, columns.position + 3) for row in rows):
            raise self.error(frame, "a line holds no symbol with three coordinates")
        found = [row[columns.symbol] for row in rows]
        numbers = [row[columns.position : columns.position + 3] for row in rows]
        if found != self.symbols:
            k = next(k for k, pair in enumerate(zip(found, self.symbols, strict=True)) if pair[0] != pair[1])
            name = found[k].decode("utf-8", "replace")
            raise self.error(frame, f"atom {k + 1} is '{name}'", f"the structure has {self.symbols[k].decode()} there")
        try:
            return np.array(numbers, dtype=float)
        except ValueError as error:
            raise self.error(frame, f"a position is not a number: {error}") from None

    def _headings(self, comments: list[bytes]) -> Chunk:
        """Return what the comment lines say of their frames; frames without a step are counted."""
        steps = [STEP.search(comment) for comment in comments]
        times = [TIME.search(comment) for comment in comments]
        energies = [ENERGY.search(comment) for comment in comments]
        count = range(self.count, self.count + len(comments))
        known = [k if step is None else int(step.group(1)) for k, step in zip(count, steps, strict=True)]
        chunk: Chunk = {"step": np.array(known)}
        try:
            if all(times):
                chunk["time_fs"] = np.array([float(time.group(1)) for time in times if time])
            if all(energies):
                values = [(float(e.group(2)), Hartree if e.group(1) == b"E" else 1.0) for e in energies if e]
                chunk["potential_eV"] = np.array([value * unit for value, unit in values])
        except ValueError as error:
            raise self.error(
                self.count, f"its comment line, or one after it, holds what is no number: {error}"
            ) from None
        return chunk
