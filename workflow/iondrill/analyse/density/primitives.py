"""The primitive Gaussians of a basis: how far they reach, and a basis of some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

STEP_BOHR = 0.25
FARTHEST_BOHR = 60.0


def exponents(mol: Any) -> Array:
    """Return the different exponents of a basis in 1/bohr², ascending."""
    return np.unique(np.concatenate([np.empty(0), *(a for _, a, _ in _shells(mol))]))


def reach(mol: Any, negligible: float) -> Array:
    """Return how far from its centre each shell, or its slope, is above a value: in bohr, shape (n_shells,).

    Parameters
    ----------
    mol : pyscf.gto.Mole
        Atoms and basis.
    negligible : float
        In 1/bohr^(3/2).
    """
    r = np.arange(0.0, FARTHEST_BOHR, STEP_BOHR)
    known: dict[tuple[int, bytes, bytes], float] = {}  # atoms of an element have the same shells

    def farthest(l: int, a: Array, c: Array) -> float:  # noqa: E741
        gaussians = np.exp(-a[:, None] * r**2)
        radial, falling = np.abs(c @ gaussians), np.abs(2 * (c * a) @ gaussians)
        size = (radial + falling * r) * r**l + l * radial * r ** max(l - 1, 0)
        return float(r[np.flatnonzero(size.max(axis=0) > negligible).max(initial=0)] + STEP_BOHR)

    result = np.empty(mol.nbas)
    for shell, (l, a, c) in enumerate(_shells(mol)):  # noqa: E741
        key = l, a.tobytes(), c.tobytes()
        if key not in known:
            known[key] = farthest(l, a, c)
        result[shell] = known[key]
    return result


def select(mol: Any, low: float, high: float) -> tuple[Any, NDArray[np.intp]]:
    """Return a molecule with some of the primitives, and which functions of the basis it has a part of.

    Its functions are not normalised: they are what these primitives give to the functions of the whole basis.

    Parameters
    ----------
    mol : pyscf.gto.Mole
        Atoms and basis.
    low, high : float
        Exponents above the first and up to the second are taken, in 1/bohr².

    Returns
    -------
    pyscf.gto.Mole
        Without the shells that have no such exponent.
    array (n_functions,)
        Indices of its functions in the whole basis.
    """
    from pyscf.gto.mole import NPRIM_OF, PTR_COEFF, PTR_EXP

    shells, env, end = [], [mol._env], len(mol._env)  # noqa: SLF001
    taken = np.zeros(mol.nbas, dtype=bool)
    for shell, (_, a, c) in enumerate(_shells(mol)):
        inside = (a > low) & (a <= high)
        taken[shell] = inside.any()
        if taken[shell]:
            row = mol._bas[shell].copy()  # noqa: SLF001
            row[NPRIM_OF] = inside.sum()
            row[PTR_EXP], row[PTR_COEFF] = end, end + inside.sum()
            env += [a[inside], c[:, inside].ravel()]
            end += inside.sum() * (1 + len(c))
            shells.append(row)
    part = mol.copy(deep=False)
    part._bas = np.array(shells, dtype=np.int32).reshape(-1, mol._bas.shape[1])  # noqa: SLF001
    part._env = np.concatenate(env)  # noqa: SLF001
    return part, np.flatnonzero(np.repeat(taken, np.diff(mol.ao_loc)))


def _shells(mol: Any) -> Iterator[tuple[int, Array, Array]]:
    """Yield angular momentum, exponents (n,) and coefficients (contractions, n) of r^l exp(-ar²) of each shell."""
    from pyscf.gto.mole import ANG_OF, NCTR_OF, NPRIM_OF, PTR_COEFF, PTR_EXP

    env = mol._env  # noqa: SLF001
    for row in mol._bas:  # noqa: SLF001
        n = row[NPRIM_OF]
        coefficients = env[row[PTR_COEFF] :][: n * row[NCTR_OF]].reshape(row[NCTR_OF], n)
        yield int(row[ANG_OF]), env[row[PTR_EXP] :][:n], coefficients
