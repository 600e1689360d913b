"""The velocities that dynamics start with, the same for every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.units import fs, kB

from iondrill.build.moving import moving_atoms

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.prepare.jobs import Md

    Array = NDArray[np.float64]

LAUNCH_UNIT = 1e-5 / fs  # m/s = 1e-5 Å/fs, in ASE's velocity unit


def nanodiamond(atoms: Atoms) -> NDArray[np.bool_]:
    """Return which atoms are of the nanodiamond, shape (n,)."""
    fragment = atoms.arrays.get("fragment")
    return np.zeros(len(atoms), dtype=bool) if fragment is None else np.asarray(fragment == "nd")


def start_velocities(task: Md, atoms: Atoms) -> Array:
    """Return thermal velocities, and those of the nanodiamond shifted to its launch.

    Parameters
    ----------
    task : Md
        Temperature, seed and launch.
    atoms : Atoms
        With masses, fragments and fixed atoms, which get no velocity.

    Returns
    -------
    array (n, 3)
        ASE units. Where there is a launch, the nanodiamond as a whole moves along +x at its speed.
    """
    masses, moving, nd = atoms.get_masses(), moving_atoms(atoms), nanodiamond(atoms)
    velocities = np.zeros((len(atoms), 3))
    velocities[moving] = maxwell_boltzmann(masses[moving], task.temperature_K, np.random.default_rng([task.seed, 0]))
    if moving.all():
        velocities = without_drift(masses, velocities)
    if task.launch_m_s and nd.any():
        velocities[nd] = without_drift(masses[nd], velocities[nd])
        velocities[nd, 0] += task.launch_m_s * LAUNCH_UNIT
    return velocities


def maxwell_boltzmann(masses: Array, temperature_K: float, rng: np.random.Generator) -> Array:
    """Draw velocities of the canonical distribution.

    Parameters
    ----------
    masses : array (n,)
        Atomic mass units.
    temperature_K : float
        Not negative.
    rng : Generator
        Source of the numbers.

    Returns
    -------
    array (n, 3)
        ASE units. The mean is not removed.
    """
    spread: Array = np.sqrt(kB * temperature_K / masses)
    return rng.normal(size=(len(masses), 3)) * spread[:, None]


def without_drift(masses: Array, velocities: Array) -> Array:
    """Return the velocities with the centre of mass at rest."""
    drift: Array = (masses @ velocities) / masses.sum()
    return velocities - drift
