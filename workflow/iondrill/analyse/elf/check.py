"""What D₀ of one spin is in an engine's own ELF: one closed shell, computed with one spin density and with two.

The ELF of one spin of a closed shell is that of both, if D₀ of one spin is made with (6π²)^⅔: then D and D₀ are halved
alike. With (3π²)^⅔ χ = D/D₀ is 2^⅔ times too large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.analyse.density.cube import Cube
from iondrill.analyse.elf.elfcar import read_grids
from iondrill.analyse.elf.formula import D0_OF_SPIN
from iondrill.config.levels import engines_that
from iondrill.engines.vasp.output import CHGCAR, ELFCAR
from iondrill.errors import UserError
from iondrill.jobs.job import CUBES, Job, Static

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.config.levels import SpinD0
    from iondrill.config.models import Config

    Array = NDArray[np.float64]

EDGE_A = 8.0
DENSE = 0.03
"""1/bohr³: where the density is higher, what CP2K adds to D is negligible."""
SOUND = (0.1, 0.95)
"""The ELF from which χ can be determined."""
SAME = 0.03
LEAST_POINTS = 100


class Verdict(NamedTuple):
    """What the comparison found."""

    ratio: float
    """χ of one spin over χ of both."""
    spin_D0: SpinD0


def methane() -> Atoms:
    """Return a closed shell with more than one orbital: of one alone, D is zero."""
    from ase.build import molecule

    atoms = molecule("CH4")
    atoms.set_cell([EDGE_A] * 3)
    atoms.set_array("fragment", np.full(len(atoms), "lower"))
    return atoms


def check_job(config: Config, level_name: str, spins: int) -> Job:
    """Return the job of methane with one spin density, or with two.

    Raises
    ------
    UserError
        If there is no such level, or if its engine writes no ELF of its own.
    """
    level = config.levels.get(level_name)
    if level is None or not level.has_own_elf:
        names = [name for name, one in config.levels.items() if one.has_own_elf]
        able = engines_that(lambda model: model.has_own_elf)
        found = "is not there" if level is None else f"is of engine {level.engine}, which writes no ELF of its own"
        raise UserError.of(f"level '{level_name}'", found, f"allowed: {', '.join(names) or f'one of {able}'}")
    return Job.model_validate(
        {
            "stage": "elf",
            "name": f"elf-check.spins-{spins}.{level_name}",
            "level_name": level_name,
            "level": level,
            "task": Static(wavefunction=True, cubes=level.writes_cubes),
            "multiplicity": 1,
            "spins": spins,
            "kind": "cluster",
        }
    )


def own_elf(folder: Path) -> tuple[Array, Array]:
    """Return an engine's own ELF (n_spins, ...) and the density (...), 1/bohr³, from the folder of a finished job."""
    if (folder / ELFCAR).is_file():
        cell = read_grids(folder / ELFCAR, folder / CHGCAR)
        return cell.elf, cell.rho.sum(axis=0)
    cubes = folder / CUBES
    elf = [Cube(path).read() for path in sorted(cubes.glob("elf-*.cube"))]
    return np.array(elf), Cube(cubes / "density.cube").read()


def compare(where: str, one: tuple[Array, Array], two: tuple[Array, Array]) -> Verdict:
    """Say what D₀ of one spin is made with.

    Parameters
    ----------
    where : str
        What is compared, for messages.
    one, two : (elf, rho)
        ELF (1 or 2, ...) and density (...), 1/bohr³, of a closed shell, on the same points: with one spin density,
        and with two.

    Raises
    ------
    UserError
        If the grids do not go together, or the ratio is neither of the two.
    """
    (together, rho), (apart, _) = one, two
    if len(together) != 1 or len(apart) != 2 or together.shape[1:] != apart.shape[1:]:
        raise UserError.of(where, f"ELF of {len(together)} and {len(apart)} spins", "needed: of 1 and 2, on one grid")
    values = np.concatenate([together, apart])
    known = (rho > DENSE) & ((values > SOUND[0]) & (values < SOUND[1])).all(axis=0)
    if known.sum() < LEAST_POINTS:
        raise UserError.of(where, f"{known.sum()} points from which χ can be determined", f"needed: {LEAST_POINTS}")
    chi = np.sqrt(1 / values[:, known] - 1)
    ratios = chi[1:] / chi[0]
    low, ratio, high = np.quantile(ratios, [0.1, 0.5, 0.9])
    for spin_D0, factor in D0_OF_SPIN.items():
        expected = D0_OF_SPIN["6pi2"] / factor
        if max(abs(np.array([low, ratio, high]) / expected - 1)) < SAME:
            return Verdict(float(ratio), spin_D0)
    found = f"D/D₀ of one spin is {ratio:.3f} ({low:.3f} to {high:.3f}) times that of both"
    raise UserError.of(where, found, f"known: 1 ((6π²)^⅔) and {2 ** (2 / 3):.3f} ((3π²)^⅔)")
