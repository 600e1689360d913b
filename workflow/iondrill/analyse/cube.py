"""Gaussian cube files: planes and boxes of them, read without the rest, and the ELF from CP2K's cubes.

A cube whose values all take the same width (Fortran, so CP2K) is read at random access, a row of z at a time: a plane
of a file of 2 GB costs some MB. Any other is read as a stream. Neither keeps more than what is asked for.
"""

from __future__ import annotations

import os
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase.units import Bohr

from iondrill.analyse.digits import decode, number
from iondrill.analyse.elf import ElfMap, Plane, repair_uks_elf
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Bytes = NDArray[np.uint8]
    Indices = NDArray[np.intp]

PER_LINE = 6
CHUNK_VALUES = 2**16
CHUNK_POINTS = 2**11
CHUNK_BYTES = 2**22
# Half of the last of the six decimals of a step, as CP2K writes it, in bohr.
HEAD_ROUNDING = 1e-6
# Points of the interpolation along each axis: exact for polynomials of degree 5.
STENCIL = 6
# Of a step: what the rounding of the head may amount to at the edge of a box.
EDGE = 1e-3
WHOLE = "needed: a whole cube file"


class Layout(NamedTuple):
    """Where the values stand in a file in which all have the same width, in bytes."""

    start: int
    width: int
    line_end: int
    row: int


class Cube:
    """A cube file, of which only the head is read at first.

    Parameters
    ----------
    path : Path
        The file.
    box_A : array-like, optional
        Edge of a cubic box, or the edges of a rectangular one, in Å. The steps are then box/n: the six decimals of
        the head are too few at the far end of a large box.

    Attributes
    ----------
    atoms : Atoms
        As in the head.
    origin_A : array (3,)
        The first point.
    axes_A : array (3, 3)
        The steps from point to point along the three axes.
    shape : tuple of int
        Number of points along each.

    Raises
    ------
    UserError
        If the head is missing, cut, no head of a cube file, or of another box.
    """

    def __init__(self, path: Path, box_A: ArrayLike | None = None) -> None:
        self.path = path
        try:
            with path.open("rb") as stream:
                lines = list(islice(stream, 6))
                n_atoms = self._numbers(lines, 2, 4)[0]
                if n_atoms < 0 or n_atoms % 1:
                    raise self._wrong(3, f"{n_atoms:g} atoms", "allowed: one value at each point, no set of orbitals")
                lines += islice(stream, int(n_atoms))
                self._start = stream.tell()
                self._first_line = stream.readline(4096)
        except OSError as error:
            raise UserError.of(path, f"cannot be read: {error.strerror or error}") from None
        self._head_lines = 6 + int(n_atoms)
        self.origin_A = self._numbers(lines, 2, 4)[1:] * Bohr
        grid = np.array([self._numbers(lines, k, 4) for k in (3, 4, 5)])
        for k, count in enumerate(grid[:, 0]):
            if count < 1 or count % 1:
                raise self._wrong(4 + k, f"{count:g} points", "allowed: a whole number > 0, steps in bohr")
        n_x, n_y, n_z = grid[:, 0].astype(int).tolist()
        self.shape = (n_x, n_y, n_z)
        self.axes_A = self._exact_steps(grid[:, 1:], box_A) * Bohr
        if abs(np.linalg.det(self.axes_A)) < 1e-12:
            raise self._wrong(4, "the three steps do not span a volume", WHOLE)
        self._atom_lines = np.array([self._numbers(lines, k, 5) for k in range(6, self._head_lines)]).reshape(-1, 5)

    @cached_property
    def atoms(self) -> Atoms:
        """The atoms of the head."""
        from ase import Atoms

        return Atoms(numbers=self._atom_lines[:, 0].astype(int), positions=self._atom_lines[:, 2:] * Bohr)

    @property
    def voxel_bohr3(self) -> float:
        """Volume of a point."""
        return abs(float(np.linalg.det(self.axes_A))) / float(Bohr) ** 3

    def read(self, lower: Sequence[int] = (0, 0, 0), upper: Sequence[int] | None = None) -> Array:
        """Read the values of a box of points.

        Parameters
        ----------
        lower, upper : sequence of int
            Indices of its first point and of the point after its last; by default all.

        Returns
        -------
        array (upper - lower)
            Units as in the file.

        Raises
        ------
        UserError
            If the file is cut, or something in it is no number. In a file of uniform width only what is read is
            looked at, besides the length of the file.
        """
        upper = self.shape if upper is None else upper
        if not all(0 <= a < b <= n for a, b, n in zip(lower, upper, self.shape, strict=True)):
            raise ValueError(f"no box of points from {tuple(lower)} to {tuple(upper)} in {self.shape}")
        if self.path.stat().st_size - self._start < 2 * np.prod(self.shape, dtype=float) - 1:
            raise self._cut(sum(len(values) for _, values in self._stream()))
        if self._layout is not None:
            return self._read_rows(self._layout, lower, upper)
        return self._read_stream(lower, upper)

    def own_plane(self, plane: Plane) -> Plane:
        """Return the plane of the cube's own points that is nearest to a plane and covers it.

        On it, `on_plane` gives the file's own values. Elsewhere they are interpolated, which is good where the
        functions are smooth on the scale of the steps; semicore shells (Li 1s) within 0.8 Å of a nucleus are not.

        Parameters
        ----------
        plane : Plane
            Parallel to two axes of the cube.

        Raises
        ------
        UserError
            If it is not.
        """
        to_steps = np.linalg.inv(self.axes_A)
        steps, place = plane.axes_A @ to_steps, (plane.origin_A - self.origin_A) @ to_steps
        axes = np.abs(steps).argmax(axis=1)
        if (
            axes[0] == axes[1]
            or np.abs(np.delete(steps[0], axes[0])).max() + np.abs(np.delete(steps[1], axes[1])).max() > EDGE
        ):
            raise UserError.of(self.path, "the plane is not parallel to two axes of the cube", "use on_plane")
        last = place + (np.array(plane.shape) - 1) @ steps
        low, high = np.minimum(place, last), np.maximum(place, last)
        first, end = np.floor(low + EDGE), np.ceil(high - EDGE)
        normal = 3 - int(axes.sum())
        first[normal] = round(place[normal])
        shape = (end - first)[axes].astype(int) + 1
        return Plane(self.origin_A + first @ self.axes_A, self.axes_A[axes], (int(shape[0]), int(shape[1])))

    def on_plane(self, plane: Plane) -> Array:
        """Return the values on the points of a plane, from the six nearest grid points along each axis.

        Parameters
        ----------
        plane : Plane
            Within the box.

        Returns
        -------
        array (n₀, n₁)
            Lagrange interpolation of degree 5; the file's own values where the points are those of the grid.

        Raises
        ------
        UserError
            If the plane leaves the box; and as `read`.
        """
        places = (plane.points_A() - self.origin_A) @ np.linalg.inv(self.axes_A)
        if places.min() < -EDGE or (places > np.array(self.shape) - 1 + EDGE).any():
            raise UserError.of(
                self.path, "its box does not hold the whole plane", "needed: a larger box, or less margin"
            )
        size = np.minimum(STENCIL, self.shape)
        first = np.clip(np.floor(places).astype(int) - (size - 1) // 2, 0, np.array(self.shape) - size)
        lower, upper = first.min(axis=0), first.max(axis=0) + size
        box = self.read(lower.tolist(), upper.tolist())
        values = np.empty(len(places))
        for start in range(0, len(places), CHUNK_POINTS):
            part = slice(start, start + CHUNK_POINTS)
            weights = [_lagrange(places[part, k] - first[part, k], int(size[k])) for k in range(3)]
            i, j, k = ((first[part, axis] - lower[axis])[:, None] + np.arange(size[axis]) for axis in range(3))
            cells = box[i[:, :, None, None], j[:, None, :, None], k[:, None, None, :]]
            values[part] = np.einsum("pijk,pi,pj,pk->p", cells, *weights, optimize=True)
        return values.reshape(plane.shape)

    # --- head --------------------------------------------------------------------------------------------------

    def _numbers(self, lines: list[bytes], index: int, count: int) -> Array:
        """Return the first numbers of a line of the head."""
        if index >= len(lines):
            raise self._wrong(max(len(lines), 1), "the file ends in its head", WHOLE)
        try:
            numbers = np.array([float(word) for word in lines[index].split()[:count]])
        except ValueError:
            numbers = np.array([])
        if len(numbers) < count or not np.isfinite(numbers).all() or not lines[index].endswith(b"\n"):
            raise self._wrong(index + 1, f"found {lines[index][:60]!r}", f"needed in the head: {count} numbers")
        return numbers

    def _exact_steps(self, steps: Array, box_A: ArrayLike | None) -> Array:
        """Return the steps in bohr, of the box where it is known."""
        if box_A is None:
            return steps
        exact = np.diag(np.broadcast_to(np.asarray(box_A, dtype=float), 3) / Bohr / self.shape)
        if np.abs(exact - steps).max() > HEAD_ROUNDING:
            found = f"steps of {', '.join(f'{step:.6f}' for step in np.diag(steps))} bohr"
            needed = ", ".join(f"{step:.6f}" for step in np.diag(exact))
            raise self._wrong(4, found, f"the box needs {needed}: another box, or a STRIDE that does not divide it")
        return exact

    # --- values of uniform width -------------------------------------------------------------------------------

    @cached_property
    def _layout(self) -> Layout | None:
        """Where the values stand if they all have the width of the first ones and the file has the length for it."""
        text = self._first_line.rstrip(b"\r\n")
        line_end, n_z = len(self._first_line) - len(text), self.shape[2]
        on_first = min(PER_LINE, n_z)
        if not line_end or len(text.split()) != on_first or len(text) % on_first:
            return None
        width = len(text) // on_first
        row = n_z * width + -(-n_z // PER_LINE) * line_end
        layout = Layout(self._start, width, line_end, row)
        needed = self._start + self.shape[0] * self.shape[1] * row
        fits = width > 8 and needed - line_end <= self.path.stat().st_size <= needed
        return layout if fits and b"." in text[:width] else None

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
                        raise self._wrong(self._head_lines + int(line) + 1, f"found {words[row, z].tobytes()!r}")
                    values[x - lower[0], y - lower[1] : y - lower[1] + n_rows] = found
        return values

    # --- values in any format ----------------------------------------------------------------------------------

    def _stream(self) -> Iterator[tuple[int, Array]]:
        """Yield all values, a few at a time, after the line in which they begin."""
        line, rest, least = self._head_lines + 1, b"", 0
        with self.path.open("rb") as stream:
            stream.seek(self._start)
            while chunk := stream.read(CHUNK_BYTES):
                text = rest + chunk
                whole = max(text.rfind(b"\n"), text.rfind(b" ")) + 1
                yield line, self._parse(text[:whole], line)
                line += text.count(b"\n", 0, whole)
                rest = text[whole:]
                least = min((len(word.lstrip(b"-")) for word in text[:whole].split()[-PER_LINE:]), default=0)
            # without a line feed, a number shorter than those before it is cut
            if len(rest.lstrip(b"-")) >= least:
                yield line, self._parse(rest, line)

    def _parse(self, text: bytes, line: int) -> Array:
        words = text.split()
        try:
            return np.array(words, dtype=np.bytes_).astype(float) if words else np.empty(0)
        except ValueError:
            values = np.array([number(word) for word in words])
        if np.isfinite(values).all():
            return values
        bad = words[int(np.argmin(np.isfinite(values)))]
        place = next(k for k, content in enumerate(text.split(b"\n")) if bad in content.split())
        raise self._wrong(line + place, f"found {bad[:40]!r}")

    def _read_stream(self, lower: Sequence[int], upper: Sequence[int]) -> Array:
        n_x, n_y, n_z = self.shape
        values = np.empty([b - a for a, b in zip(lower, upper, strict=True)])
        rest, row = np.empty(0), 0
        for line, part in self._stream():
            if not np.isfinite(part).all():
                raise self._wrong(line, "a value at or after this line is no finite number")
            joined = np.concatenate([rest, part])
            n_rows = min(len(joined) // n_z, n_x * n_y - row)
            for k in range(n_rows):
                x, y = divmod(row + k, n_y)
                if lower[0] <= x < upper[0] and lower[1] <= y < upper[1]:
                    values[x - lower[0], y - lower[1]] = joined[k * n_z + lower[2] : k * n_z + upper[2]]
            row, rest = row + n_rows, joined[n_rows * n_z :]
            if row == n_x * n_y and len(rest):
                raise self._wrong(line, f"more than the {n_x * n_y * n_z} values of the head")
        if row < n_x * n_y:
            raise self._cut(row * n_z + len(rest))
        return values

    def _cut(self, n_values: int) -> UserError:
        with self.path.open("rb") as stream:
            line = 1 + sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(CHUNK_BYTES), b""))
        total = int(np.prod(self.shape, dtype=object))
        found = f"the file ends after {n_values} of {total} values"
        return self._wrong(line, found, f"{total - n_values} are missing")

    def _wrong(self, line: int, found: str, allowed: str = "allowed: finite numbers") -> UserError:
        return UserError.of(f"{os.fspath(self.path)} (line {line})", found, allowed)


def _words(rows: Bytes, layout: Layout, n_z: int) -> Bytes:
    """Return the characters of the values of some rows, shape (n_rows, n_z, width)."""
    n_rows, (full, rest) = len(rows), divmod(n_z, PER_LINE)
    text, line = PER_LINE * layout.width, PER_LINE * layout.width + layout.line_end
    head = rows[:, : full * line].reshape(n_rows, full, line)[:, :, :text].reshape(n_rows, -1, layout.width)
    tail = rows[:, full * line : full * line + rest * layout.width].reshape(n_rows, rest, layout.width)
    return np.concatenate([head, tail], axis=1)


def _lagrange(place: Array, size: int) -> Array:
    """Return the weights (n, size) of the points 0 … size−1 at places between them."""
    points = np.arange(size)
    weights = np.ones((len(place), size))
    for j in range(size):
        for k in points[points != j]:
            weights[:, j] *= (place - k) / (j - k)
    return weights


def elf_map_from_cubes(plane: Plane, elf: Sequence[Cube], density: Cube, spin: Cube | None = None) -> ElfMap:
    """Return the map of the ELF from CP2K's cubes.

    Parameters
    ----------
    plane : Plane
        In the frame of the cubes.
    elf : sequence of Cube
        ``…-ELF_S1-…``, and ``…-ELF_S2-…`` of a spin-polarised run.
    density : Cube
        ``…-ELECTRON_DENSITY-…``: of all electrons.
    spin : Cube, optional
        ``…-SPIN_DENSITY-…``: alpha minus beta; needed for two cubes of the ELF.

    Returns
    -------
    ElfMap
        Closed shell: the cube. Spin-polarised: repaired (`repair_uks_elf`), NaN where the cubes tell nothing.

    Raises
    ------
    UserError
        If the cubes do not go together; and as `Cube.on_plane`.
    """
    if len(elf) != (1 if spin is None else 2):
        raise UserError.of(density.path, f"{len(elf)} ELF cubes", "needed: one, or two and the spin density")
    for cube in (*elf, *([] if spin is None else [spin])):
        if cube.shape != density.shape or not np.allclose(cube.axes_A, density.axes_A, atol=HEAD_ROUNDING):
            raise UserError.of(cube.path, f"another grid than that of {density.path}", "needed: cubes of one run")
    rho = density.on_plane(plane)
    values = np.clip([cube.on_plane(plane) for cube in elf], 0, 1)  # interpolation may overshoot
    if spin is None:
        return ElfMap(plane, values[0], rho)
    difference = spin.on_plane(plane)
    return ElfMap(plane, repair_uks_elf(values, np.array([rho + difference, rho - difference]) / 2), rho)
