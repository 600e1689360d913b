"""Bonds in periodic structures: who is bonded to whom, and across which cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ase.data import covalent_radii
from ase.neighborlist import neighbor_list

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms
    from numpy.typing import NDArray

BOND_SCALE = 1.2


class Bonds(NamedTuple):
    """Every bond in both directions.

    Attributes
    ----------
    first, second : (n,) int array
        Indices of the two atoms.
    offset : (n, 3) int array
        Cells from the first atom's to the second's.
    vector_A : (n, 3) float array
        From the first atom to the second.
    length_A : (n,) float array
    """

    first: NDArray[np.int_]
    second: NDArray[np.int_]
    offset: NDArray[np.int_]
    vector_A: NDArray[np.float64]
    length_A: NDArray[np.float64]

    def select(self, keep: NDArray[np.bool_]) -> Bonds:
        """Return the bonds where `keep` (n,) is true."""
        columns: Any = (column[keep] for column in self)
        return Bonds(*columns)


def find_bonds(atoms: Atoms, scale: float = BOND_SCALE) -> Bonds:
    """Find the pairs closer than the scaled sum of their covalent radii.

    Two H atoms never count as bonded: those of neighbouring CH2 groups of an unrelaxed surface come as
    close as 0.74 Å.

    Parameters
    ----------
    atoms : Atoms
        Any periodicity.
    scale : float
        1.2 takes C–C up to 1.82 and C–H up to 1.28 Å.
    """
    reach = [scale * covalent_radii[number] for number in atoms.numbers]
    columns: Any = neighbor_list("ijSDd", atoms, reach)
    hydrogen = atoms.numbers == 1
    return Bonds(*columns).select(~(hydrogen[columns[0]] & hydrogen[columns[1]]))
