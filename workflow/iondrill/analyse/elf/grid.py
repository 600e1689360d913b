"""The ELF on a grid in space, coarse enough to be put into a page: for isosurfaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from iondrill.analyse.density.npz import read_arrays, write_arrays
from iondrill.analyse.elf.formula import RHO_MASK, elf_of

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.analyse.density.wavefunction import Wavefunction

    Array = NDArray[np.float64]

SPACING_A = 0.25
MOST_POINTS = 250_000
MARGIN_A = 1.2


@dataclass(frozen=True)
class ElfGrid:
    """ELF on a regular grid.

    Parameters
    ----------
    origin_A : array (3,)
        The first point.
    spacing_A : float
        Between points, along x, y and z.
    elf : uint8 array (n_x, n_y, n_z)
        255 times the ELF; 0 where the density is below 10⁻³ 1/bohr³.
    """

    origin_A: Array
    spacing_A: float
    elf: NDArray[np.uint8]

    def write(self, path: Path) -> None:
        """Write the grid as ``.npz``: elf, origin and spacing in Å."""
        write_arrays(path, elf=self.elf, origin=self.origin_A, spacing=self.spacing_A)


def read_elf_grid(path: Path) -> ElfGrid:
    """Read what `ElfGrid.write` wrote.

    Raises
    ------
    UserError
        If the file is missing, cut or holds something else.
    """
    origin_A, spacing_A, elf = read_arrays(path, "origin", "spacing", "elf")
    return ElfGrid(origin_A, float(spacing_A), elf)


def elf_on_grid(wavefunction: Wavefunction, atoms: Atoms) -> ElfGrid:
    """Return the ELF about a molecule: points 0.25 Å apart, or so far that there are at most 250 000.

    Parameters
    ----------
    wavefunction : Wavefunction
        Of these atoms.
    atoms : Atoms
        In the frame of the wavefunction.
    """
    low, high = atoms.positions.min(axis=0) - MARGIN_A, atoms.positions.max(axis=0) + MARGIN_A
    spacing_A = max(SPACING_A, float(np.prod(high - low) / MOST_POINTS) ** (1 / 3))
    # an edge has one point more than steps
    while np.prod(np.floor((high - low) / spacing_A) + 1) > MOST_POINTS:
        spacing_A *= 1.002
    shape = tuple(int(n) for n in np.floor((high - low) / spacing_A) + 1)
    points_A = low + spacing_A * np.indices(shape).reshape(3, -1).T
    density = wavefunction.evaluate(points_A)
    elf = np.where(density.rho.sum(axis=0) >= RHO_MASK, elf_of(density), 0.0)
    return ElfGrid(low, spacing_A, np.rint(255 * elf).astype(np.uint8).reshape(shape))
