"""The ELF from VASP's grids: ELFCAR, and the density in CHGCAR that says where it means something."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from ase.units import Bohr

from iondrill.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

SPLINE = 3
FLOOR = 1e-8


def elf_of_channels(elf: Array, rho: Array) -> Array:
    """Return the ELF of all electrons from those of spin up and spin down.

    VASP gives each spin an ELF of its own, with χσ = Dσ/D₀σ and D₀σ ∝ ρσ^(5/3). As in `elf.elf_spin_polarised`, D and
    D₀ are summed over the spins: χ = Σ χσ ρσ^(5/3) / Σ ρσ^(5/3). Equal channels give back what they are.

    Parameters
    ----------
    elf, rho : array (2, ...)
        ELF and density (any unit) of spin up and spin down.

    References
    ----------
    VASP manual, "LELF" and "ELFCAR"; Kohout, Savin, Int. J. Quantum Chem. 60, 875 (1996).
    """
    chi = np.sqrt(1 / np.clip(elf, FLOOR, 1.0) - 1)
    weight = np.maximum(rho, 0.0) ** (5 / 3)
    total = weight.sum(axis=0)
    mean = np.where(total > 0, (chi * weight).sum(axis=0) / np.maximum(total, np.finfo(float).tiny), np.inf)
    return np.asarray(1 / (1 + mean**2))


@dataclass(frozen=True)
class ElfGrid:
    """ELF and density on the points of a periodic cell.

    Parameters
    ----------
    cell_A : array (3, 3)
        Cell vectors, one a row.
    elf : array (n₀, n₁, n₂)
        Of all electrons, 0 to 1; point i, j, k lies at i/n₀, j/n₁, k/n₂ of the vectors.
    rho : array (n₀, n₁, n₂)
        Density of the valence electrons, 1/bohr³.
    origin_A : array (3,)
        Where the corner of the cell lies in the frame of the points that are asked for.
    """

    cell_A: Array
    elf: Array
    rho: Array
    origin_A: Array = field(default_factory=lambda: np.zeros(3))

    def at(self, points_A: ArrayLike) -> tuple[Array, Array]:
        """Return ELF and density (1/bohr³) at points (n, 3), each (n,), by periodic cubic splines."""
        from scipy.ndimage import map_coordinates

        fractional = (np.asarray(points_A) - self.origin_A) @ np.linalg.inv(self.cell_A)
        places = (fractional * self.elf.shape).T
        elf, rho = (
            map_coordinates(spline, places, order=SPLINE, mode="grid-wrap", prefilter=False) for spline in self._splines
        )
        return np.clip(elf, 0.0, 1.0), np.maximum(rho, 0.0)  # a spline may overshoot

    @cached_property
    def _splines(self) -> tuple[Array, Array]:
        from scipy.ndimage import spline_filter

        return tuple(spline_filter(grid, order=SPLINE, mode="grid-wrap") for grid in (self.elf, self.rho))  # type: ignore[return-value]


def read_elf_grid(elfcar: Path, chgcar: Path, origin_A: ArrayLike = (0, 0, 0)) -> ElfGrid:
    """Read ELFCAR and CHGCAR of one run, ``ISPIN = 1`` or 2.

    Parameters
    ----------
    elfcar, chgcar : Path
        With ISPIN = 2, ELFCAR holds spin up, then spin down; CHGCAR the sum, then the difference.
    origin_A : array-like (3,)
        See `ElfGrid`.

    Raises
    ------
    UserError
        If a file is missing, cut or damaged, or if they do not go together.
    """
    cell_A, elf = _read(elfcar)
    other_A, charge = _read(chgcar)
    if charge.shape != elf.shape or not np.allclose(cell_A, other_A, atol=1e-6):
        found = f"{len(charge)} grids of {charge.shape[1:]}"
        raise UserError.of(chgcar, found, f"needed: {len(elf)} of {elf.shape[1:]}, those of {elfcar} (NGX is NGXF there)")
    if elf.min() < -1e-6 or elf.max() > 1 + 1e-6:
        raise UserError.of(elfcar, f"values from {elf.min():g} to {elf.max():g}", "allowed: 0 to 1")
    # CHGCAR holds ρ·V
    rho = charge * (Bohr**3 / abs(np.linalg.det(cell_A)))
    if len(elf) == 1:
        return ElfGrid(cell_A, elf[0], rho[0], np.asarray(origin_A, dtype=float))
    channels = np.array([rho[0] + rho[1], rho[0] - rho[1]]) / 2
    return ElfGrid(cell_A, elf_of_channels(elf, channels), rho[0], np.asarray(origin_A, dtype=float))


def _read(path: Path) -> tuple[Array, Array]:
    """Return the cell, and the grids of a file in their order, (1 or 2, n₀, n₁, n₂)."""
    from pymatgen.io.vasp.outputs import VolumetricData

    try:
        with path.open("rb") as file:
            file.seek(-1, 2)
            whole = file.read() == b"\n"  # else the last number may be cut
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            poscar, grids, _ = VolumetricData.parse_file(path)
        found = np.array([grids[key] for key in ("total", "diff") if key in grids])
    except OSError as error:
        raise UserError.of(path, f"cannot be read: {error.strerror or error}") from None
    except Exception as error:  # noqa: BLE001 -- whatever a damaged file leads to
        raise UserError.of(path, f"is no whole grid of VASP ({type(error).__name__}: {error})") from None
    if not whole or not np.isfinite(found).all():
        raise UserError.of(path, "is cut or holds what is no number", "needed: a whole grid of VASP")
    return np.asarray(poscar.structure.lattice.matrix), found
