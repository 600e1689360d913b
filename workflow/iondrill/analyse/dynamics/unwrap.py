"""Atoms that were wrapped into a box, put back where they belong; what cannot be put back is said by its frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.geometry import complete_cell
from numpy.typing import NDArray
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from iondrill.errors import UserError
from iondrill.geometry.labels import SHEETS
from iondrill.geometry.layers import flake_axes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ase import Atoms

    from iondrill.collect.remarks import Remarks
    from iondrill.collect.xyz import Chunk
    from iondrill.geometry.selection import Selection

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

STEADY_A = 3.0
"""Along each axis an atom that moves by less than this, from frame to frame, was not wrapped: no cell is so thin."""

FLAKE_JUMP_A = 6.0
JUMP_A = 10.0
FASTEST_A_fs = 0.1
"""What moves farther between two frames, seen from the flake, has jumped: a C of the flake, another atom. At 0.1 Å/fs
an atom of lithium has 3.6 eV."""

TORN_A = 3.0
"""A fragment of a start with no shorter path between two of its parts is torn."""

APART_A, TOGETHER_A = 12.0, 8.0
"""What is farther than this from all the rest of a start, but nearer by the cell, was wrapped."""

UNIT_RATIO = (0.8, 1.25)
"""Of bonds in the flake to those of the start: outside of this, the lengths have another unit."""


class Cell:
    """A cell by which atoms may be moved; directions without a vector are none.

    Parameters
    ----------
    vectors_A : (3, 3) array
        In its rows.
    """

    def __init__(self, vectors_A: Floats) -> None:
        self.vectors_A = np.asarray(vectors_A, dtype=float)
        self._there = self.vectors_A.any(axis=1)
        self.is_one = bool(0 < self._there.sum() == np.linalg.matrix_rank(self.vectors_A))
        self._inverse = np.linalg.inv(complete_cell(self.vectors_A)) if self.is_one else np.zeros((3, 3))

    def images(self, vectors_A: Floats) -> Floats:
        """Return by how many cell vectors (n, 3) each vector is to be moved to be short."""
        return np.asarray(-np.round(vectors_A @ self._inverse) * self._there)


def _distances(positions_A: Floats, cell: Cell | None = None) -> Floats:
    """Return the distances of all pairs, (n, n); with a cell, of the nearest images."""
    vectors = positions_A[:, None] - positions_A
    if cell is not None:
        vectors = vectors + cell.images(vectors) @ cell.vectors_A
    return np.asarray(np.linalg.norm(vectors, axis=2))


class Tree:
    """Atoms tied to each other by their shortest distances, so that each gets its position from that of a neighbour.

    Parameters
    ----------
    distances_A : (n, n) array
        Of all pairs.
    """

    def __init__(self, distances_A: Floats) -> None:
        order, parent = breadth_first_order(minimum_spanning_tree(distances_A), 0, directed=False)
        self.child = order[1:]
        self.parent = parent[self.child]
        self.lengths_A = distances_A[self.child, self.parent]
        self._path = np.zeros((len(distances_A), len(self.child)))
        for edge, (child, above) in enumerate(zip(self.child, self.parent, strict=True)):
            self._path[child] = self._path[above]
            self._path[child, edge] = 1

    def images(self, positions_A: Floats, cell: Cell) -> Floats:
        """Return by how many cell vectors (n, 3) each atom is to be moved to be near its neighbour."""
        return self._path @ cell.images(positions_A[self.child] - positions_A[self.parent])

    def edges_A(self, positions_A: Floats) -> Floats:
        """Return the distances of the neighbours."""
        return np.asarray(np.linalg.norm(positions_A[self.child] - positions_A[self.parent], axis=1))


def whole_start(atoms: Atoms, remarks: Remarks) -> Atoms:
    """Return a start without wrapped atoms: where a fragment is torn, or apart from all others, and its cell joins it.

    Parameters
    ----------
    atoms : Atoms
        With the array fragment.
    remarks : Remarks
        Says so.
    """
    cell = Cell(atoms.cell.array)
    if not cell.is_one or "fragment" not in atoms.arrays:
        return atoms
    near, images = _distances(atoms.positions), _distances(atoms.positions, cell)
    groups = [np.flatnonzero(atoms.arrays["fragment"] == name) for name in ("nd", *SHEETS)]
    parts = [(group, TORN_A, TORN_A) for group in groups] + [(np.arange(len(atoms)), APART_A, TOGETHER_A)]
    for group, apart_A, together_A in parts:
        if _longest(near, group) > apart_A and _longest(images, group) < together_A:
            break
    else:
        return atoms
    joined = atoms.copy()
    moved = Tree(images).images(atoms.positions, cell) @ cell.vectors_A
    joined.set_positions(atoms.positions + moved, apply_constraint=False)
    remarks.add("the atoms of the start were wrapped into its cell: joined")
    return joined


def _longest(distances_A: Floats, group: Indices) -> float:
    """Return the longest of the shortest distances that tie a group together."""
    if len(group) < 2:
        return 0.0
    return float(minimum_spanning_tree(distances_A[np.ix_(group, group)]).data.max())


class Unwrapping:
    """Undo the wrapping of a trajectory, from frame to frame.

    Where all atoms move a little, nothing is done. Where one jumps, the flake is joined along its bonds, and every
    atom takes the image that is nearest to where it was in the frame before, in the axes of the flake: so neither
    drift nor rotation of the whole counts. The first frame is compared with the start.

    Parameters
    ----------
    atoms : Atoms
        The start, whole; its cell counts where a frame has none.
    selection : Selection
        Which atoms are the flake's, from any orientation of the start.
    path : object
        The trajectory, for messages.
    remarks : Remarks
        Says which frames were joined.
    """

    def __init__(self, atoms: Atoms, selection: Selection, path: object, remarks: Remarks) -> None:
        self._symbols, self._path, self._remarks = atoms.get_chemical_symbols(), path, remarks
        self._flake = selection.flake
        self._tree = Tree(_distances(atoms.positions[self._flake]))
        centre = atoms.positions[self._flake].mean(axis=0)
        self._reference_A = atoms.positions[self._flake] - centre
        self._local_A = atoms.positions - centre
        self._cell = Cell(atoms.cell.array)
        self._images = np.zeros((len(atoms), 3))
        self._last_A: Floats | None = None
        self._last_cell, self._last_fs = self._cell, np.nan

    def over(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Yield the chunks of a trajectory with atoms where they belong.

        Raises
        ------
        UserError
            Names the frame in which an atom jumps by what no cell explains.
        """
        for chunk in chunks:
            yield chunk | {"positions_A": self._take(chunk)}

    def _take(self, chunk: Chunk) -> Floats:
        positions = chunk["positions_A"]
        before = positions[:1] if self._last_A is None else self._last_A[None]
        moved = np.abs(np.diff(positions, axis=0, prepend=before)).max(axis=(1, 2))
        jumps = moved > STEADY_A
        jumps[0] |= self._last_A is None
        starts = np.flatnonzero(jumps).tolist()
        joined = positions if not starts and not self._images.any() else positions.copy()
        ends = [*starts, len(positions)]
        self._shift(joined, chunk, 0, ends[0])
        for start, end in zip(starts, ends[1:], strict=False):
            previous = positions[start - 1] if start else self._last_A
            self._rejoin(chunk, start, previous)
            self._shift(joined, chunk, start, end)
        self._last_A = positions[-1].copy()
        self._last_cell, self._last_fs = self._cell_of(chunk, -1), self._time(chunk, -1)
        return np.asarray(joined)

    def _shift(self, joined: Floats, chunk: Chunk, start: int, end: int) -> None:
        """Move the atoms of some frames by whole cells."""
        if not self._images.any():
            return
        for frame in range(start, end):
            joined[frame] += self._images @ self._cell_of(chunk, frame).vectors_A

    def _cell_of(self, chunk: Chunk, frame: int) -> Cell:
        if "cell_A" in chunk and chunk["cell_A"][frame].any():
            return Cell(chunk["cell_A"][frame])
        return self._cell

    def _time(self, chunk: Chunk, frame: int) -> float:
        return float(chunk["time_fs"][frame]) if "time_fs" in chunk else np.nan

    def _rejoin(self, chunk: Chunk, frame: int, previous_A: Floats | None) -> None:
        """Find by how many cells each atom of a frame is to be moved, from where it was before."""
        if previous_A is not None:
            cell = self._cell_of(chunk, frame - 1) if frame else self._last_cell
            whole = previous_A + self._images @ cell.vectors_A
            axes, centre = self._axes(whole[self._flake])
            self._local_A = (whole - centre) @ axes
        positions, cell = chunk["positions_A"][frame], self._cell_of(chunk, frame)
        flake = positions[self._flake]
        flake = flake + self._tree.images(flake, cell) @ cell.vectors_A
        where = f"{self._path}, step {chunk['step'][frame]}"
        self._check_unit(flake, where)
        axes, centre = self._axes(flake)
        due = centre + self._local_A @ axes.T
        self._images = cell.images(positions - due)
        off = np.linalg.norm(positions + self._images @ cell.vectors_A - due, axis=1)
        fs = self._time(chunk, frame) - (self._time(chunk, frame - 1) if frame else self._last_fs)
        self._check(off, cell, fs, where, first=previous_A is None)
        if (self._images != self._images[0]).any():
            self._remarks.add("atoms were wrapped into the cell: joined", step=int(chunk["step"][frame]))

    def _axes(self, flake_A: Floats) -> tuple[Floats, Floats]:
        return flake_axes(flake_A[None], self._reference_A)[0], flake_A.mean(axis=0)

    def _check_unit(self, flake_A: Floats, where: str) -> None:
        ratio = float(np.median(self._tree.edges_A(flake_A) / self._tree.lengths_A))
        if not UNIT_RATIO[0] <= ratio <= UNIT_RATIO[1]:
            found = f"the bonds of the flake are {ratio:.2f} times as long as in the start"
            raise UserError.of(where, found, "needed: Å, and the atoms in the order of the start")

    def _check(self, off_A: Floats, cell: Cell, fs: float, where: str, *, first: bool) -> None:
        """Raise a UserError if an atom is not where it may have come to since the frame before."""
        farthest = JUMP_A * (1 + first)
        if cell.is_one:
            farthest = max(farthest, FASTEST_A_fs * fs)  # which NaN, of times that are not known, is not
        limits = np.full(len(off_A), farthest)
        limits[self._flake] = FLAKE_JUMP_A
        if (off_A <= limits).all():
            return
        atom = int((off_A / limits).argmax())
        before = "in the start" if first else "in the frame before"
        found = f"atom {atom} ({self._symbols[atom]}, counted from 0) is {off_A[atom]:.1f} Å from where it was {before}"
        how = "which its cell does not explain" if cell.is_one else "and no cell is known"
        raise UserError.of(
            where,
            f"{found}, as seen from the flake, {how}",
            "needed: positions that are not wrapped, or the cell they were wrapped into as Lattice of the frames or of "
            "the start",
        )
