"""Which atoms of a structure may move, and along which axes; the largest force that moves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray

    Mask = NDArray[np.bool_]

ALONG_AXIS = 1e-4
"""How far a direction may be off an axis of x, y and z, as a fraction."""
ALLOWED = (
    "allowed: atoms fixed as a whole or along x, y or z (FixAtoms, FixCartesian; FixScaled, FixedPlane and FixedLine "
    "along these axes)"
)


def fixed_directions(atoms: Atoms, where: object = "structure") -> Mask:
    """Return along which of x, y and z each atom is fixed, shape (n, 3).

    Parameters
    ----------
    atoms : Atoms
        With any constraints of ASE.
    where : object
        What to name in messages: the file.

    Raises
    ------
    UserError
        If a constraint is more than this: of bonds, springs, symmetry, an oblique direction; or if it names atoms
        that are not there.
    """
    blocked = np.zeros((len(atoms), 3, 3))
    oblique = False
    for constraint in atoms.constraints:
        name = type(constraint).__name__
        if name not in FREE:
            raise UserError.of(where, f"holds the constraint {name}", ALLOWED)
        index = np.asarray(constraint.index)
        if not ((index >= -len(atoms)) & (index < len(atoms))).all():
            raise UserError.of(where, f"holds a {name} of an atom that is not there", f"allowed: 0 to {len(atoms) - 1}")
        blocked[np.unique(index % len(atoms))] += np.eye(3) - FREE[name](constraint, atoms)
        oblique |= name not in ALONG_AXES
    # without rotation, the diagonal says all
    return _along_axes(blocked, where) if oblique else np.diagonal(blocked, axis1=1, axis2=2) > 0


def _along_axes(blocked: NDArray[np.float64], where: object) -> Mask:
    """Return the fixed axes (n, 3) of matrices (n, 3, 3) whose null space is where an atom may go."""
    fixed = np.zeros(blocked.shape[:2], dtype=bool)
    some = np.flatnonzero(blocked.any(axis=(1, 2)))
    values, vectors = np.linalg.eigh(blocked[some])
    free = (vectors * (values < ALONG_AXIS)[:, None]) @ np.swapaxes(vectors, 1, 2)
    fixed[some] = np.diagonal(free, axis1=1, axis2=2) < 0.5
    oblique = np.abs(free - ~fixed[some, None] * np.eye(3)).max(axis=(1, 2), initial=0.0) > ALONG_AXIS
    if oblique.any():
        found = f"fixes atom {some[oblique][0]} (counted from 0) in a direction that is not x, y or z"
        raise UserError.of(where, found, ALLOWED)
    return fixed


def _span(constraint: Any, atoms: Atoms) -> NDArray[np.float64]:
    """Return the projector on the cell vectors along which an atom may go."""
    vectors = atoms.cell.array[~constraint.mask].T
    projector: NDArray[np.float64] = vectors @ np.linalg.pinv(vectors)
    return projector


FREE: dict[str, Callable[[Any, Atoms], NDArray[np.float64]]] = {
    "FixAtoms": lambda constraint, atoms: np.zeros((3, 3)),  # noqa: ARG005
    "FixCartesian": lambda constraint, atoms: np.diag(~constraint.mask).astype(float),  # noqa: ARG005
    "FixScaled": _span,
    "FixedPlane": lambda constraint, atoms: np.eye(3) - np.outer(constraint.dir, constraint.dir),  # noqa: ARG005
    "FixedLine": lambda constraint, atoms: np.outer(constraint.dir, constraint.dir),  # noqa: ARG005
}
"""Projector (3, 3) on the directions in which a constraint lets its atoms go. Others of ASE are refused."""
ALONG_AXES = {"FixAtoms", "FixCartesian"}
"""Those that fix nothing but along x, y and z."""


def fix(atoms: Atoms, fixed: Mask) -> None:
    """Replace the constraints by those of the given directions (n, 3), which every reader and writer of ASE knows."""
    from ase.constraints import FixAtoms, FixCartesian

    whole = fixed.all(axis=1)
    constraints = [FixAtoms(np.flatnonzero(whole))] if whole.any() else []
    partly = [FixCartesian(np.flatnonzero((fixed == mask).all(axis=1)), mask) for mask in _partial_masks(fixed)]
    atoms.set_constraint(constraints + partly)


def _partial_masks(fixed: Mask) -> Mask:
    """Return the different rows of fixed directions that fix some axes and leave others, shape (m, 3)."""
    some = fixed[fixed.any(axis=1) & ~fixed.all(axis=1)]
    return np.unique(some, axis=0) if len(some) else some


def turned(fixed: Mask, rotation: NDArray[np.float64], where: object) -> Mask:
    """Return the fixed directions (n, 3) of a structure whose positions became ``positions @ rotation.T``.

    Raises
    ------
    UserError
        If they lie along no axes any more.
    """
    return _along_axes(np.einsum("ik,nk,jk->nij", rotation, fixed.astype(float), rotation), where)


def moving_atoms(atoms: Atoms) -> Mask:
    """Return which atoms may move in some direction, shape (n,)."""
    return np.asarray(~fixed_directions(atoms).all(axis=1))


def fixed_atoms(atoms: Atoms) -> list[int]:
    """Return the atoms that are fixed as a whole, in order, counted from 0."""
    return [int(i) for i in np.flatnonzero(~moving_atoms(atoms))]


def partly_fixed(atoms: Atoms) -> dict[str, list[int]]:
    """Return the atoms, counted from 0, that are fixed along some axes, by these: ``{"xy": [28, 29]}``."""
    fixed, found = fixed_directions(atoms), {}
    for mask in _partial_masks(fixed):
        axes = "".join(axis for axis, on in zip("xyz", mask, strict=True) if on)
        found[axes] = np.flatnonzero((fixed == mask).all(axis=1)).tolist()
    return found


def largest_force_eV_A(forces_eV_A: ArrayLike | None, atoms: Atoms) -> float | None:
    """Return the longest force on an atom that may move, in the directions in which it may.

    Parameters
    ----------
    forces_eV_A : array (n, 3) or None
        eV/Å, in the order of the atoms.
    atoms : Atoms
        With the atoms that are fixed.

    Returns
    -------
    float or None
        eV/Å; None where nothing may move, or if the forces are not all there.
    """
    forces = np.array(forces_eV_A, dtype=float)  # of None not a number
    if forces.shape != (len(atoms), 3) or not np.isfinite(forces).all():
        return None
    fixed = fixed_directions(atoms)
    return None if fixed.all() else float(np.linalg.norm(np.where(fixed, 0.0, forces), axis=1).max())
