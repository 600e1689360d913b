"""Which atoms of a structure may move, and the largest force on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray


def moving_atoms(atoms: Atoms) -> NDArray[np.bool_]:
    """Return which atoms are not held by a constraint, shape (n,)."""
    moving = np.ones(len(atoms), dtype=bool)
    for constraint in atoms.constraints:
        moving[constraint.get_indices()] = False
    return moving


def held_atoms(atoms: Atoms) -> list[int]:
    """Return the atoms that a constraint holds, in order, counted from 0."""
    return [int(i) for i in np.flatnonzero(~moving_atoms(atoms))]


def largest_force_eV_A(forces_eV_A: ArrayLike | None, atoms: Atoms) -> float | None:
    """Return the longest force on an atom that may move.

    Parameters
    ----------
    forces_eV_A : array (n, 3) or None
        eV/Å, in the order of the atoms.
    atoms : Atoms
        With the atoms that are held.

    Returns
    -------
    float or None
        eV/Å; 0 where all atoms are held, None if the forces are not all there.
    """
    forces = np.array(forces_eV_A, dtype=float)  # of None not a number
    if forces.shape != (len(atoms), 3) or not np.isfinite(forces).all():
        return None
    return float(np.linalg.norm(forces[moving_atoms(atoms)], axis=1).max(initial=0.0))
