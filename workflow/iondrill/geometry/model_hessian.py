"""A spring model of a structure's stiffness: the first guess of the Hessian for a relaxation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.data import covalent_radii

from iondrill.geometry.neighbours import near

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

REACH = 1.25
METALS = (3, 11, 19)
STRETCH_eV_A2 = {"bond": 25.0, "ion": 1.0}
SHEAR_eV_A2 = {"bond": 4.0, "ion": 0.3}
GROUND_eV_A2 = {"cell": 3.0, "molecule": 0.5}
"""Springs from each atom to its position, so that no direction is soft. On a slab with 0.5 an ion overshoots at first
(from the cave of C(100) 9 steps instead of 3, GFN2-xTB, 0.1 eV/Å); free clusters reconstruct sooner when it is soft."""


def spring_hessian(atoms: Atoms) -> NDArray[np.float64]:
    """Return the Hessian of springs along and across every bond.

    A C–C bond of diamond resists stretching with about 4.5 mdyn/Å = 28 eV/Å², and an alkali ion on it far
    less. Started with this instead of a multiple of the unit matrix, BFGS relaxes a clean dimer slab in 4
    steps instead of 12 (GFN2-xTB, 0.05 eV/Å). It says nothing about energies, and the result of a relaxation
    does not depend on it.

    Parameters
    ----------
    atoms : Atoms
        Any structure; its fixed atoms are not treated apart.

    Returns
    -------
    (3n, 3n) float array
        Symmetric and positive definite, eV/Å².
    """
    pairs = near(atoms, REACH * covalent_radii[atoms.numbers])
    metal = np.isin(atoms.numbers, METALS)
    hydrogen = atoms.numbers == 1
    # those on the cut bonds of a slab's back come as close as in H2
    saturated = np.zeros(len(atoms), dtype=bool)
    saturated[pairs.first[hydrogen[pairs.first] & ~hydrogen[pairs.second]]] = True
    hessian = np.zeros((len(atoms), 3, len(atoms), 3))
    blocks = hessian.swapaxes(1, 2)
    across = {kind: shear * np.eye(3) for kind, shear in SHEAR_eV_A2.items()}
    for i, j, arm in zip(pairs.first, pairs.second, pairs.vector_A, strict=True):
        if hydrogen[j] and saturated[i]:
            continue
        kind = "ion" if metal[i] or metal[j] else "bond"
        along = arm[:, None] * arm / (arm @ arm)
        spring = across[kind] + (STRETCH_eV_A2[kind] - SHEAR_eV_A2[kind]) * along
        blocks[i, i] += spring
        blocks[i, j] -= spring
    size = 3 * len(atoms)
    ground = GROUND_eV_A2["cell" if atoms.pbc.any() else "molecule"]
    return hessian.reshape(size, size) + ground * np.eye(size)
