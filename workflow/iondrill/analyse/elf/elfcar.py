"""The ELF from VASP's grids: ELFCAR, and the density in CHGCAR that says where it means something."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from ase.units import Bohr

from iondrill.analyse.density.wavefunction import LocalDensity
from iondrill.analyse.elf.formula import C_F, D0_OF_SPIN, ELF_CUTOFF, ELF_FLOOR
from iondrill.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from iondrill.config.levels import SpinD0

    Array = NDArray[np.float64]

SPLINE = 3
SAY_D0 = "allowed: '6pi2' or '3pi2'; `iondrill elf-check LEVEL` finds out which"


@dataclass(frozen=True)
class ElfCell:
    """ELF and density on the points of a periodic cell: what a `Wavefunction` is for the other engines.

    Parameters
    ----------
    cell_A : array (3, 3)
        Cell vectors, one a row.
    elf : array (n_spins, n₀, n₁, n₂)
        Of each spin, 0 to 1; point i, j, k lies at i/n₀, j/n₁, k/n₂ of the vectors.
    rho : array (n_spins, n₀, n₁, n₂)
        Density of the valence electrons, of each spin, 1/bohr³.
    origin_A : array (3,)
        Where the corner of the cell lies in the frame of the points that are asked for.
    spin_D0 : {"6pi2", "3pi2"}
        What the ELF of one spin is made with, where there are two.
    """

    cell_A: Array
    elf: Array
    rho: Array
    origin_A: Array = field(default_factory=lambda: np.zeros(3))
    spin_D0: SpinD0 = "6pi2"

    def evaluate(self, points_A: ArrayLike) -> LocalDensity:
        """Return the density, and the D that its ELF implies, at points (n, 3).

        ELF and density are interpolated by periodic cubic splines. From χσ = √(1/ELFσ − 1) follows Dσ = χσ D₀σ, with
        D₀ of a closed shell, or of one spin as `spin_D0` says: VASP gives each its own (VASP manual, "LELF"). The part
        |∇ρ|²/8ρ, which is not known, is left out of τ, and the gradient is 0: `elf.elf_of` then gives back the ELF of a
        closed shell, and of an open one the ELF of both spins, as from a wavefunction.
        """
        from scipy.ndimage import map_coordinates

        fractional = (np.asarray(points_A) - self.origin_A) @ np.linalg.inv(self.cell_A)
        positions = (fractional * self.elf.shape[1:]).T
        elf, rho = (
            np.array([map_coordinates(s, positions, order=SPLINE, mode="grid-wrap", prefilter=False) for s in splines])
            for splines in self._splines
        )
        rho = np.maximum(rho, 0.0)  # a spline may overshoot
        chi = np.sqrt(1 / np.clip(elf, ELF_FLOOR, 1.0) - 1)
        homogeneous = (1.0 if len(rho) == 1 else D0_OF_SPIN[self.spin_D0]) * C_F * rho ** (5 / 3)
        share = ELF_CUTOFF / len(rho)  # `elf.localisation` adds it to the sum
        tau = np.maximum(chi * homogeneous - share, 0.0)
        return LocalDensity(rho, np.zeros((len(rho), 3, rho.shape[1])), tau)

    @cached_property
    def _splines(self) -> list[list[Array]]:
        from scipy.ndimage import spline_filter

        return [
            [spline_filter(grid, order=SPLINE, mode="grid-wrap") for grid in grids] for grids in (self.elf, self.rho)
        ]


def read_elfcar(
    elfcar: Path, chgcar: Path, origin_A: ArrayLike = (0, 0, 0), *, spin_D0: SpinD0 | None = None
) -> ElfCell:
    """Read ELFCAR and CHGCAR of one run, ``ISPIN = 1`` or 2.

    Parameters
    ----------
    elfcar, chgcar : Path
        With ISPIN = 2, ELFCAR holds spin up, then spin down; CHGCAR the sum, then the difference.
    origin_A : array-like (3,)
        See `ElfCell`.
    spin_D0 : {"6pi2", "3pi2"}, optional
        The level's ``elf_spin_D0``; needed for ISPIN = 2, since versions of VASP differ.

    Raises
    ------
    UserError
        If a file is missing, cut or damaged, if they do not go together, or if there are two spins and nothing says
        what D₀ of one is.
    """
    cell = read_grids(elfcar, chgcar)
    if len(cell.elf) == 2 and spin_D0 is None:
        raise UserError.of(elfcar, "two spins, and the level has no elf_spin_D0", SAY_D0)
    return replace(cell, origin_A=np.asarray(origin_A, dtype=float), spin_D0=spin_D0 or cell.spin_D0)


def read_grids(elfcar: Path, chgcar: Path) -> ElfCell:
    """Read the two files as `read_elfcar`, whatever D₀ of one spin is."""
    cell_A, elf = _read(elfcar)
    other_A, charge = _read(chgcar)
    if charge.shape != elf.shape or not np.allclose(cell_A, other_A, atol=1e-6):
        found, needed = (f"{len(grids)} of {'×'.join(map(str, grids.shape[1:]))}" for grids in (charge, elf))
        raise UserError.of(chgcar, f"grids: {found}", f"needed: {needed}, as in {elfcar}")
    if elf.min() < -1e-6 or elf.max() > 1 + 1e-6:
        raise UserError.of(elfcar, f"values from {elf.min():g} to {elf.max():g}", "allowed: 0 to 1")
    rho = charge * (Bohr**3 / abs(np.linalg.det(cell_A)))  # CHGCAR holds ρ times the volume
    if len(rho) == 2:
        rho = np.array([rho[0] + rho[1], rho[0] - rho[1]]) / 2
    return ElfCell(cell_A, elf, rho)


def _read(path: Path) -> tuple[Array, Array]:
    """Return the cell, and the grids of a file in their order, (1 or 2, n₀, n₁, n₂)."""
    from pymatgen.io.vasp.outputs import VolumetricData

    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 1))
            whole = file.read() == b"\n"  # else the last number may be cut
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            poscar, grids, _ = VolumetricData.parse_file(path)
        found = np.array([grids[key] for key in ("total", "diff") if key in grids])
    except OSError as error:
        raise UserError.of(path, f"cannot be read: {error.strerror or error}") from None
    except Exception as error:  # noqa: BLE001 -- whatever a damaged file leads to
        raise UserError.of(path, f"is no whole grid of VASP ({type(error).__name__})") from None
    if not whole or not np.isfinite(found).all():
        raise UserError.of(path, "is cut or holds what is no number", "needed: a whole grid of VASP")
    return np.asarray(poscar.structure.lattice.matrix), found
