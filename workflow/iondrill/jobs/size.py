"""What of a structure decides a job's cost: its atoms and its box."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from iondrill.files import is_empty
from iondrill.jobs.job import ATOM_BOX_A, BOX_VACUUM_A

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

LATTICE = re.compile(r'Lattice="([^"]*)"')


class Size(NamedTuple):
    """What of a structure decides a job's cost.

    Attributes
    ----------
    n_atoms : int
    edges_A : tuple of float
        Of the cell, or of the box that an isolated structure without one is put in.
    """

    n_atoms: int
    edges_A: tuple[float, float, float]

    @property
    def cube(self) -> Size:
        """The same in a cube of its longest edge."""
        return self._replace(edges_A=(max(self.edges_A),) * 3)


ATOM_SIZE = Size(1, ATOM_BOX_A)


def read_size(path: Path) -> Size:
    """Read the size of a structure from its extended XYZ file, without any library.

    An empty file, of which nothing is run, has the size of an atom.

    Raises
    ------
    FileNotFoundError
        If the structure is not built yet.
    ValueError
        If the file is damaged.
    """
    if is_empty(path):
        return ATOM_SIZE
    with path.open(encoding="utf-8") as file:
        n_atoms, comment = int(file.readline()), file.readline()
        if lattice := LATTICE.search(comment):
            numbers = [float(word) for word in lattice.group(1).split()]
            edges = [math.hypot(*numbers[i : i + 3]) for i in (0, 3, 6)]
        else:
            positions = [[float(word) for word in line.split()[1:4]] for line in file if line.strip()]
            extent = max((max(axis) - min(axis) for axis in zip(*positions, strict=True)), default=0.0)
            edges = [extent + BOX_VACUUM_A] * 3
    return Size(n_atoms, (edges[0], edges[1], edges[2]))


def size_of(atoms: Atoms) -> Size:
    """Return the size of a structure, as `read_size` would of its file; an atom without a cell is put in its box."""
    if len(atoms) == 1 and atoms.cell.rank < 3:
        return ATOM_SIZE
    if atoms.cell.rank == 3:
        first, second, third = (float(edge) for edge in atoms.cell.lengths())
        return Size(len(atoms), (first, second, third))
    edge = float((atoms.positions.max(axis=0) - atoms.positions.min(axis=0)).max()) + BOX_VACUUM_A
    return Size(len(atoms), (edge, edge, edge))
