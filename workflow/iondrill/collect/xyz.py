"""XYZ trajectories, CP2K's and extended ones, read as columns of characters: as fast as the text can be looked at.

The comment lines of all frames are read first, by `iondrill.collect.headings`: they decide which frames count. Frames
that keep to the layout of the first are then read by `iondrill.collect.layout`; any other frame word by word.
"""

from __future__ import annotations

from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iondrill.collect.elements import element_of
from iondrill.collect.headings import Headings
from iondrill.collect.layout import Columns, Layout
from iondrill.collect.packed import packing, unpacked
from iondrill.collect.remarks import Remarks
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Floats = NDArray[np.float64]
Chunk = dict[str, NDArray[Any]]

CHUNK_BYTES = 1 << 19
"""Read at once: some ten frames of some hundred atoms, so that what is made of them stays in the cache."""

AROUND_HEAD = b" \t\r\n\xef\xbb\xbf"
"""What may surround the number of atoms: blanks, and the mark of UTF-8."""

FARTHEST_A = 1e6
"""What lies farther away is damage, and its square may no longer be a number."""


def xyz_chunks(path: Path, symbols: Sequence[str], remarks: Remarks | None = None) -> Iterator[Chunk]:
    """Yield the frames of an XYZ trajectory, about a megabyte at a time.

    Parameters
    ----------
    path : Path
        As CP2K writes it, extended XYZ, or plain; packed or not.
    symbols : sequence of str
        What the atoms must be. Labels such as ``C1`` or ``Li_b`` mean their elements.
    remarks : Remarks, optional
        What was not taken literally.

    Yields
    ------
    dict of arrays
        ``positions_A`` (n_frames, n_atoms, 3); ``step``; ``time_fs`` and ``potential_eV``, NaN where a frame does not
        say them, and ``cell_A`` (n_frames, 3, 3), where any frame has them.

    Raises
    ------
    UserError
        Names file and frame: cut, of other atoms, holding what is no number, or in no order.
    """
    headings = Headings(path, remarks or Remarks())
    size = _scan(path, len(symbols), headings)
    columns, keep = headings.columns() if len(headings) else ({}, np.zeros(0, dtype=bool))
    reader, read = _Reader(path, list(symbols)), 0
    with unpacked(path) as file:
        rest = b""
        while data := file.read(min(CHUNK_BYTES, size - read)):
            read += len(data)
            rest += data
            at = reader.count
            positions, used = reader.take(rest, last=read == size)
            rest = rest[used:]
            which = slice(at, reader.count)
            if reader.count > len(keep):  # `_scan` stops where a frame is damaged, and so does the reader
                raise reader.error(len(keep), "cannot be read")
            if keep[which].all() and at < reader.count:
                yield {"positions_A": positions} | {name: values[which] for name, values in columns.items()}
            elif keep[which].any():
                good = keep[which]
                chosen = {name: values[which][good] for name, values in columns.items()}
                yield {"positions_A": positions[good]} | chosen
        if rest.strip():
            raise reader.error(reader.count, "is cut", f"needed: {len(symbols)} atoms after a comment line")
    if not reader.count:
        raise UserError.of(path, "holds no frame")


def _scan(path: Path, n_atoms: int, headings: Headings) -> int:
    """Take the comment lines of all frames up to a damaged one; return the length of the text."""
    scan = _Scan(n_atoms, headings)
    packed = packing(path)
    with unpacked(path) as file:
        if packed:
            return scan.pieces(file)
        if not path.stat().st_size:  # cannot be mapped
            return 0
        with mmap(file.fileno(), 0, access=ACCESS_READ) as text:
            scan.take(text, last=True)
            return len(text)


class _Scan:
    """Look at nothing but the comment lines: from frame to frame in steps as long as the last one."""

    def __init__(self, n_atoms: int, headings: Headings) -> None:
        self._n_atoms, self._head, self._headings = n_atoms, b"%d" % n_atoms, headings
        self._block = 0
        self._damaged = False

    def pieces(self, file: Any) -> int:
        """Take a text that comes in pieces; return its length."""
        rest, size = b"", 0
        while data := file.read(CHUNK_BYTES):
            size += len(data)
            if not self._damaged:
                rest += data
                rest = rest[self.take(rest) :]
        self.take(rest, last=True)
        return size

    def take(self, text: bytes | mmap, *, last: bool = False) -> int:
        """Take the comments of the whole frames, and of a cut one at the very end; return where they end."""
        at = 0
        while (first := text.find(b"\n", at)) >= 0:
            if text[at:first].strip(AROUND_HEAD) != self._head:
                self._damaged = True
                break
            second = text.find(b"\n", first + 1)
            if second < 0:
                break
            end = self._end(text, second + 1, first - at + 1)
            if not (end or last):
                break
            self._headings.add_comment(text[first + 1 : second])
            if not end:
                break
            self._block, at = end - second - 1, end
        return at

    def _end(self, text: bytes | mmap, start: int, head: int) -> int:
        """Return where the atoms of a frame end, 0 if they do not; the head of a frame has so many characters."""
        end = start + self._block
        if self._block and text[end - 1 : end] == b"\n":
            line = text[end : end + head]
            if line[-1:] == b"\n" and line.strip() == self._head:  # another frame follows: this one was as long
                return end
        for _ in range(self._n_atoms):
            start = text.find(b"\n", start) + 1
            if not start:
                return 0
        return start


class _Reader:
    """The state from chunk to chunk: how many frames there were, and the layout of the last."""

    def __init__(self, path: Path, symbols: list[str]) -> None:
        self.path, self.symbols = path, symbols
        self.count = 0
        self._columns = Columns()
        self._layout: Layout | None = None

    def error(self, frame: int, found: str, allowed: str = "") -> UserError:
        """Return the error of a frame, counted from 0."""
        return UserError.of(f"{self.path}, frame {frame + 1}", found, allowed)

    def take(self, text: bytes, *, last: bool = False) -> tuple[Floats, int]:
        """Return the positions (n_frames, n_atoms, 3) of the whole frames of a text, and how long these are."""
        unended = last and not text.endswith(b"\n")
        text += b"\n" * unended
        starts, ends, at = list[int](), list[int](), 0
        while (found := self._next(text, at, self.count + len(starts))) is not None:
            start, at = found
            starts.append(start)
            ends.append(at)
        if not starts:
            return np.empty((0, len(self.symbols), 3)), 0
        if unended and (self._layout is None or ends[-1] - starts[-1] != self._layout.size):
            raise self.error(self.count + len(starts) - 1, "is cut", "needed: an end of its last line")
        positions = self._positions(text, starts, ends)
        self._check(positions)
        self.count += len(starts)
        return positions, at

    def _check(self, positions_A: Floats) -> None:
        sane = np.abs(positions_A).max(axis=(1, 2)) <= FARTHEST_A  # False for NaN
        if not sane.all():
            frame = int(sane.argmin())
            damage = positions_A[frame][~(np.abs(positions_A[frame]) <= FARTHEST_A)]
            found = f"a position is {damage[0]:g} Å" if np.isfinite(damage).all() else "a position is not a number"
            raise self.error(self.count + frame, found, f"needed: numbers between ±{FARTHEST_A:g} Å")

    def _next(self, text: bytes, at: int, frame: int) -> tuple[int, int] | None:
        """Return start and end of the atoms of a frame; None if it is not all there."""
        first = text.find(b"\n", at)
        if first < 0 or not (text[at:first].strip() or text[at:].strip()):  # empty lines at the end
            return None
        head = text[at:first].strip(AROUND_HEAD)
        if head != b"%d" % len(self.symbols):
            found = head[:40].decode("utf-8", "replace")
            raise self.error(frame, f"found '{found}' where the number of atoms is due", f"needed: {len(self.symbols)}")
        second = text.find(b"\n", first + 1)
        end = self._end(text, second + 1) if second >= 0 else 0
        if not end:
            return None
        if frame == 0:
            self._columns = Columns.of(text[first + 1 : second])
            self._layout = self._learn(text[second + 1 : end])
        return second + 1, end

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
        labels = [row[columns.symbol].decode("utf-8", "replace") for row in rows]
        numbers = [row[columns.position : columns.position + 3] for row in rows]
        for k, (label, symbol) in enumerate(zip(labels, self.symbols, strict=True)):
            if label != symbol and element_of(label, self.symbols) != symbol:
                raise self.error(frame, f"atom {k + 1} is '{label}'", f"the structure has {symbol} there")
        try:
            return np.array(numbers, dtype=float)
        except ValueError as error:
            raise self.error(frame, f"a position is not a number: {error}") from None
