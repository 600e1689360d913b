"""The grade of a frame: how far its environments are from those that were labelled, 1 at the limit of trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from iondrill.errors import UserError
from iondrill.files import replacing
from iondrill.geometry.descriptor import Space, distances, nearest, trees_of
from iondrill.jobs.arrays import UnreadableError, read_arrays

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.config.levels import Level

FILE = "environments.npz"
QUANTILE = 0.99
"""Of the distances of held-out environments, on which the errors of the card are measured: there the grade is 1."""

LEARNED = 1e-3
"""A frame of a smaller grade is one of the training: single precision is kept of the environments."""


class Grade:
    """Labelled environments, and the distance from them up to which the errors of the card are known.

    Parameters
    ----------
    space : Space
        Where distances are measured.
    points : array (n, d)
        The environments of the training labels.
    numbers : array (n,)
        Atomic numbers of their middles.
    limit : float
        Distance of grade 1.
    """

    def __init__(self, space: Space, points: NDArray[np.float64], numbers: NDArray[np.int_], limit: float) -> None:
        self.space, self.points, self.numbers, self.limit = space, points, numbers, limit
        self._trees = trees_of(points, numbers)

    @classmethod
    def fitted(cls, training: Sequence[Atoms], held_out: Sequence[Atoms]) -> Self:
        """Return the grade that belongs to a fit.

        Parameters
        ----------
        training : sequence of Atoms
            What the fit saw.
        held_out : sequence of Atoms
            What its errors are measured on; without any, the training frames are each measured against the others.
        """
        elements = sorted({symbol for frame in training for symbol in frame.get_chemical_symbols()})
        space = Space.of(training, elements)
        points = [space.points(frame) for frame in training]
        numbers = [frame.numbers for frame in training]
        every, every_numbers = np.concatenate(points), np.concatenate(numbers)
        known = [frame for frame in held_out if set(frame.get_chemical_symbols()) <= set(elements)]
        if known:
            found = [nearest(space.points(frame), frame.numbers, every, every_numbers) for frame in known]
        else:
            found = [
                nearest(own, its, np.delete(every, _rows(points, i), 0), np.delete(every_numbers, _rows(points, i)))
                for i, (own, its) in enumerate(zip(points, numbers, strict=True))
            ]
        apart = np.concatenate(found)
        apart = apart[np.isfinite(apart)]
        limit = float(np.quantile(apart, QUANTILE)) if len(apart) else 0.0
        return cls(space, every, every_numbers, limit or 1.0)

    def of_atoms(self, atoms: Atoms) -> NDArray[np.float64]:
        """Return the grade of each atom, shape (n_atoms,); infinity for a frame with an element that is not known."""
        if set(atoms.get_chemical_symbols()) - set(self.space.elements):
            return np.full(len(atoms), np.inf)
        return distances(self.space.points(atoms), atoms.numbers, self._trees) / self.limit

    def of(self, atoms: Atoms) -> float:
        """Return the largest grade of a frame's atoms."""
        return float(self.of_atoms(atoms).max())

    def beyond(self, atoms: Atoms, most: float) -> str:
        """Say which atom of a frame has a grade of more than `most`, and how large it is; nothing if none has."""
        grades = self.of_atoms(atoms)
        worst = int(grades.argmax())
        if grades[worst] <= most:
            return ""
        return f"grade {grades[worst]:.1f}, atom {worst} ({atoms[worst].symbol}), allowed {most:g}"

    def write(self, folder: Path) -> None:
        """Write it to the folder of a potential."""
        with replacing(folder / FILE) as temporary:
            np.savez_compressed(
                temporary,
                elements=np.array(self.space.elements),
                mean=self.space.mean.astype(np.float32),
                axes=self.space.axes.astype(np.float32),
                points=self.points.astype(np.float32),
                numbers=self.numbers,
                limit=self.limit,
            )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote.

        Raises
        ------
        UserError
            If it cannot be read.
        """
        try:
            kept = read_arrays(folder / FILE, "elements", "mean", "axes", "points", "numbers", "limit")
        except UnreadableError as error:
            raise UserError.of(folder / FILE, f"cannot be read: {error}") from None
        space = Space(kept["elements"].tolist(), kept["mean"].astype(float), kept["axes"].astype(float))
        return cls(space, kept["points"].astype(float), kept["numbers"], float(kept["limit"]))


def grade_of(level: Level) -> Grade | None:
    """Return the grade that belongs to a level; None of one that is not fitted, or whose potential came without."""
    folder = level.fitted_in
    return Grade.read(folder) if folder is not None and (folder / FILE).is_file() else None


def _rows(points: Sequence[NDArray[np.float64]], index: int) -> slice:
    """Return the rows of one frame among those of all."""
    start = sum(map(len, points[:index]))
    return slice(start, start + len(points[index]))
