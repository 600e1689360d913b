"""The values of a Gaussian cube file: a box of them, read without the rest.

A file whose values all take the same width (Fortran, so CP2K) is read at random access, a row of z at a time: a plane
of a file of 2 GB costs some MB. The width comes from the length of a line and of the file, since full fields touch:
CP2K 2023.1 writes ``6E13.5``, 2026.2 ``6E13.5E3`` (``-0.10000E-008-0.20000E-008``), later ones ``6(1X,ES12.4E3)``. Any
other file is read as a stream. Neither keeps more than what is asked for.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.analyse.density.digits import decode, number, separated
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Bytes = NDArray[np.uint8]

PER_LINE = 6
VALUE = re.compile(rb" *[+-]?(?:[0-9]*\.[0-9]+(?:[EeDd][+-][0-9]+|[+-][0-9]{3})|nan|inf(?:inity)?|\*+)", re.IGNORECASE)
"""What a field of a line may hold: a number with an exponent, or what Fortran writes instead of one."""
CHUNK_VALUES = 2**16
CHUNK_BYTES = 2**22
LINE_BYTES = 2**8


class Layout(NamedTuple):
    """Where the values are in a file in which all have the same width, in bytes."""

    start: int
    width: int
    line_end: int
    row: int


class Values:
    """What follows the head of a cube file.

    Parameters
    ----------
    path : Path
        The file.
    shape : tuple of int
        Number of points along the three axes.
    start : int
        Where the values begin, in bytes.
    n_before : int
        Lines before them.
    first_line : bytes
        The first line of values.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], start: int, n_before: int, first_line: bytes) -> None:
        self.path = path
        self.shape = shape
        self.start = start
        self.n_before = n_before
        self._first_line = first_line

    def read(self, lower: Sequence[int], upper: Sequence[int]) -> Array:
        """Read the values of a box of points; see `iondrill.analyse.density.cube.Cube.read`."""
        if not all(0 <= a < b <= n for a, b, n in zip(lower, upper, self.shape, strict=True)):
            raise ValueError(f"no box of points from {tuple(lower)} to {tuple(upper)} in {self.shape}")
        if self.path.stat().st_size - self.start < 2 * np.prod(self.shape, dtype=float) - 1:
            raise self._cut(sum(len(values) for _, values in self._stream()))
        if self._layout is not None:
            return self._read_rows(self._layout, lower, upper)
        return self._read_stream(lower, upper)

    # --- values of uniform width -------------------------------------------------------------------------------

    @cached_property
    def _layout(self) -> Layout | None:
        """Where the values are if they all have the width of the first ones and the file has the length for it."""
        text = self._first_line.rstrip(b"\r\n")
        line_end, n_z = len(self._first_line) - len(text), self.shape[2]
        on_first = min(PER_LINE, n_z)
        width, rest = divmod(len(text), on_first)
        fields = [text[k * width : (k + 1) * width] for k in range(on_first)]
        if not line_end or rest or not all(map(VALUE.fullmatch, fields)):
            return None
        row = n_z * width + -(-n_z // PER_LINE) * line_end
        layout = Layout(self.start, width, line_end, row)
        needed = self.start + self.shape[0] * self.shape[1] * row
        return layout if needed - line_end <= self.path.stat().st_size <= needed else None

    def _read_rows(self, layout: Layout, lower: Sequence[int], upper: Sequence[int]) -> Array:
        values = np.empty([b - a for a, b in zip(lower, upper, strict=True)])
        n_y, n_z = self.shape[1:]
        many = max(1, CHUNK_VALUES // n_z)
        with self.path.open("rb") as stream:
            for x in range(lower[0], upper[0]):
                for y in range(lower[1], upper[1], many):
                    n_rows = min(many, upper[1] - y)
                    stream.seek(layout.start + (x * n_y + y) * layout.row)
                    # the last line of the file may lack its end
                    text = stream.read(n_rows * layout.row).ljust(n_rows * layout.row, b"\n")
                    words = _words(np.frombuffer(text, np.uint8).reshape(n_rows, layout.row), layout, n_z)
                    words = words[:, lower[2] : upper[2]]
                    found = decode(words)
                    if not np.isfinite(found).all():
                        row, z = np.argwhere(~np.isfinite(found))[0]
                        line = (x * n_y + y + row) * -(-n_z // PER_LINE) + (lower[2] + z) // PER_LINE
                        raise wrong(self.path, self.n_before + int(line) + 1, f"found {words[row, z].tobytes()!r}")
                    values[x - lower[0], y - lower[1] : y - lower[1] + n_rows] = found
        return values

    # --- values in any format ----------------------------------------------------------------------------------

    def _stream(self) -> Iterator[tuple[int, Array]]:
        """Yield all values, a few at a time, after the line in which they begin."""
        line, rest, least = self.n_before + 1, b"", 0
        with self.path.open("rb") as stream:
            stream.seek(self.start)
            while chunk := stream.read(CHUNK_BYTES):
                text = rest + chunk
                whole = max(text.rfind(b"\n"), text.rfind(b" ")) + 1
                yield line, self._parse(text[:whole], line)
                line += text.count(b"\n", 0, whole)
                rest = text[whole:]
                last = separated(text[max(0, whole - LINE_BYTES) : whole]).split()[-PER_LINE:]
                least = min((len(word.lstrip(b"-")) for word in last), default=0)
            # without a line feed, a number shorter than those before it is cut
            words = separated(rest).split()
            whole = len(words) - bool(words and len(words[-1].lstrip(b"-")) < least)
            yield line, self._parse(b" ".join(words[:whole]), line)

    def _parse(self, text: bytes, line: int) -> Array:
        for split in (bytes, separated):
            words = split(text).split()
            try:
                return np.array(words, dtype=np.bytes_).astype(float)
            except ValueError:
                continue
        values = np.array([number(word) for word in words])
        if np.isfinite(values).all():
            return values
        bad = words[int(np.argmin(np.isfinite(values)))]
        offset = next(k for k, content in enumerate(text.split(b"\n")) if bad in separated(content).split())
        raise wrong(self.path, line + offset, f"found {bad[:40]!r}")

    def _read_stream(self, lower: Sequence[int], upper: Sequence[int]) -> Array:
        n_x, n_y, n_z = self.shape
        values = np.empty([b - a for a, b in zip(lower, upper, strict=True)])
        rest, row = np.empty(0), 0
        for line, part in self._stream():
            if not np.isfinite(part).all():
                raise wrong(self.path, line, "a value at or after this line is no finite number")
            joined = np.concatenate([rest, part])
            n_rows = min(len(joined) // n_z, n_x * n_y - row)
            for k in range(n_rows):
                x, y = divmod(row + k, n_y)
                if lower[0] <= x < upper[0] and lower[1] <= y < upper[1]:
                    values[x - lower[0], y - lower[1]] = joined[k * n_z + lower[2] : k * n_z + upper[2]]
            row, rest = row + n_rows, joined[n_rows * n_z :]
            if row == n_x * n_y and len(rest):
                raise wrong(self.path, line, f"more than the {n_x * n_y * n_z} values of the head")
        if row < n_x * n_y:
            raise self._cut(row * n_z + len(rest))
        return values

    def _cut(self, n_values: int) -> UserError:
        with self.path.open("rb") as stream:
            line = 1 + sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(CHUNK_BYTES), b""))
        total = int(np.prod(self.shape, dtype=object))
        found = f"the file ends after {n_values} of {total} values"
        return wrong(self.path, line, found, f"{total - n_values} are missing")


def wrong(path: Path, line: int, found: str, allowed: str = "allowed: finite numbers") -> UserError:
    """Return the error that names a line of a file."""
    return UserError.of(f"{os.fspath(path)} (line {line})", found, allowed)


def _words(rows: Bytes, layout: Layout, n_z: int) -> Bytes:
    """Return the characters of the values of some rows, shape (n_rows, n_z, width)."""
    n_rows, (full, rest) = len(rows), divmod(n_z, PER_LINE)
    text, line = PER_LINE * layout.width, PER_LINE * layout.width + layout.line_end
    head = rows[:, : full * line].reshape(n_rows, full, line)[:, :, :text].reshape(n_rows, -1, layout.width)
    tail = rows[:, full * line : full * line + rest * layout.width].reshape(n_rows, rest, layout.width)
    return np.concatenate([head, tail], axis=1)
