"""The electron localisation function on a plane, from orbitals, VASP's grids or CP2K's cubes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from iondrill.analyse.density.plane import Plane, read_maps, write_maps
from iondrill.analyse.density.tiles import evaluate_on_plane
from iondrill.analyse.density.wavefunction import Wavefunction
from iondrill.analyse.elf.formula import elf_of, repair_uks_elf
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from iondrill.analyse.density.cube import Cube
    from iondrill.analyse.elf.elfcar import ElfCell
    from iondrill.config.levels import SpinD0

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class ElfMap:
    """ELF and density on a plane.

    Parameters
    ----------
    plane : Plane
        Where.
    elf : array (n₀, n₁)
        Electron localisation function, 0 to 1.
    rho : array (n₀, n₁)
        Electron density in 1/bohr³; where it is below 10⁻³ the ELF means nothing.
    """

    plane: Plane
    elf: Array
    rho: Array

    def write(self, path: Path) -> None:
        """Write the map as ``.npz``: elf, rho, origin and axes (steps) in Å."""
        write_maps(path, self.plane, elf=self.elf, rho=self.rho)


def read_elf_map(path: Path) -> ElfMap:
    """Read what `ElfMap.write` wrote; see `read_maps`."""
    plane, (elf, rho) = read_maps(path, "elf", "rho")
    return ElfMap(plane, elf, rho)


def elf_on_plane(wavefunction: Wavefunction | ElfCell, plane: Plane) -> ElfMap:
    """Return ELF and density on a plane."""
    if isinstance(wavefunction, Wavefunction):
        density = evaluate_on_plane(wavefunction, plane)
    else:
        density = wavefunction.evaluate(plane.points_A())
    return ElfMap(plane, elf_of(density).reshape(plane.shape), density.rho.sum(axis=0).reshape(plane.shape))


def elf_map_from_cubes(
    plane: Plane, elf: Sequence[Cube], density: Cube, spin: Cube | None = None, *, spin_D0: SpinD0 = "3pi2"
) -> ElfMap:
    """Return the map of the ELF from CP2K's cubes.

    Parameters
    ----------
    plane : Plane
        In the frame of the cubes.
    elf : sequence of Cube
        ``…-ELF_S1-…``, and ``…-ELF_S2-…`` of a spin-polarised run.
    density : Cube
        ``…-ELECTRON_DENSITY-…``: of all electrons.
    spin : Cube, optional
        ``…-SPIN_DENSITY-…``: alpha minus beta; needed for two cubes of the ELF.
    spin_D0 : {"6pi2", "3pi2"}
        The level's ``elf_spin_D0``.

    Returns
    -------
    ElfMap
        Closed shell: the cube. Spin-polarised: repaired (`repair_uks_elf`), NaN where the cubes tell nothing.

    Raises
    ------
    UserError
        If the cubes do not go together; and as `Cube.on_plane`.
    """
    if len(elf) != (1 if spin is None else 2):
        raise UserError.of(density.path, f"{len(elf)} ELF cubes", "needed: one, or two and the spin density")
    for cube in (*elf, *([] if spin is None else [spin])):
        if not cube.shares_grid(density):
            raise UserError.of(cube.path, f"another grid than that of {density.path}", "needed: cubes of one run")
    rho = density.on_plane(plane)
    values = np.clip([cube.on_plane(plane) for cube in elf], 0, 1)  # interpolation may overshoot
    if spin is None:
        return ElfMap(plane, values[0], rho)
    difference = spin.on_plane(plane)
    return ElfMap(plane, repair_uks_elf(values, np.array([rho + difference, rho - difference]) / 2, spin_D0), rho)
