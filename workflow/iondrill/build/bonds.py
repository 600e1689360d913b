"""Bonds in periodic structures: who is bonded to whom, and across which cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ase.data import covalent_radii

from iondrill.build.near import Near, near

if TYPE_CHECKING:
    from ase import Atoms

BOND_SCALE = 1.2


def find_bonds(atoms: Atoms, scale: float = BOND_SCALE) -> Near:
    """Find the pairs closer than the scaled sum of their covalent radii, each in both directions.

    Two H atoms never count as bonded: those of neighbouring CH2 groups of an unrelaxed surface come as
    close as 0.74 Å.

    Parameters
    ----------
    atoms : Atoms
        Any periodicity.
    scale : float
        1.2 takes C–C up to 1.82 and C–H up to 1.28 Å.
    """
    pairs = near(atoms, scale * covalent_radii[atoms.numbers])
    hydrogen = atoms.numbers == 1
    return pairs.select(~(hydrogen[pairs.first] & hydrogen[pairs.second]))
