"""XYZ trajectories, CP2K's and extended ones, read as columns of characters: as fast as the text can be looked at.

Frames that keep to the layout of the first are read by `iondrill.collect.layout`; any other frame word by word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.units import Hartree
from numpy.typing import NDArray

from iondrill.collect.layout import Columns, Layout
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Floats = NDArray[np.float64]
Chunk = dict[str, NDArray[Any]]

CHUNK_BYTES = 1 << 19
"""Read at once: some ten frames of some hundred atoms, so that what is made of them stays in the cache."""

STEP = re.compile(rb"\b(?:i|step) *= *(\d+)")
TIME = re.compile(rb"\btime(?:_fs)? *= *([-+.\deEdD]+)")
ENERGY = re.compile(rb"\b(E|energy) *= *([-+.\deEdD]+)")


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
