"""Bonds in periodic structures: who is bonded to whom, and across which cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.data import covalent_radii

from iondrill.geometry.neighbours import Near, near

if TYPE_CHECKING:
    from ase import Atoms

BOND_SCALE = 1.2


def find_bonds(atoms: Atoms, scale: float = BOND_SCALE) -> Near:
    """Find the pairs closer than the scaled sum of their covalent radii, each in both directions.

    Two H atoms count as bonded only if neither is bonded to anything else: those of neighbouring CH2 groups of an
    unrelaxed surface come as close as the 0.74 Å of a molecule.

    Parameters
    ----------
    atoms : Atoms
        Any periodicity.
    scale : float
        1.2 takes C–C up to 1.82 and C–H up to 1.28 Å.
    """
    pairs = near(atoms, scale * covalent_radii[atoms.numbers])
    hydrogen = atoms.numbers == 1
    between_hydrogens = hydrogen[pairs.first] & hydrogen[pairs.second]
    taken = np.zeros(len(atoms), dtype=bool)
    taken[pairs.first[~between_hydrogens]] = True
    return pairs.select(~(between_hydrogens & (taken[pairs.first] | taken[pairs.second])))
