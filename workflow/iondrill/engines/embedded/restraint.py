"""A restraint on an order parameter: its energy and forces on top of those of a calculator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iondrill.geometry.coordinates import COORDINATES, check_has
from iondrill.geometry.selection import select

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.jobs.job import Restraint

    Array = NDArray[np.float64]


class Spring:
    """A restraint that knows which atoms its order parameter is of, and where it is when.

    Parameters
    ----------
    restraint : Restraint
        What is restrained, where, and how stiffly.
    atoms : Atoms
        The start structure, with the array fragment.

    Raises
    ------
    UserError
        If the structure has no such order parameter.
    """

    def __init__(self, restraint: Restraint, atoms: Atoms) -> None:
        self.restraint = restraint
        self.selection = select(atoms, atoms.positions)
        check_has(restraint.coordinate, self.selection)
        self._coordinate = COORDINATES[restraint.coordinate]
        self._start_A = self.value_A(atoms.positions)

    def value_A(self, positions: Array) -> float:
        """Return the order parameter, Å."""
        return self._coordinate(positions, self.selection)[0]

    def at_A(self, time_fs: float) -> float:
        """Return where the restraint is at a time."""
        end, speed = self.restraint.at_A, self.restraint.speed_A_fs
        way = end - self._start_A
        if not speed or abs(way) <= speed * time_fs:
            return end
        return self._start_A + float(np.sign(way)) * speed * time_fs

    def pull(self, positions: Array, time_fs: float) -> tuple[float, Array]:
        """Return energy (eV) and forces (eV/Å) of the restraint.

        Parameters
        ----------
        positions : array (n, 3)
            Å.
        time_fs : float
            Since the start.
        """
        value, gradient = self._coordinate(positions, self.selection)
        off, k = value - self.at_A(time_fs), self.restraint.stiffness_eV_A2
        return 0.5 * k * off**2, -k * off * gradient
