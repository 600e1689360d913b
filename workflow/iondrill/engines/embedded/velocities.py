"""The velocities that dynamics start with, and the temperature of velocities, the same for every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.units import fs, kB

from iondrill.geometry.constraints import moving_atoms

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.jobs.job import Md

    Array = NDArray[np.float64]

LAUNCH_UNIT = 1e-5 / fs  # m/s = 1e-5 Å/fs, in ASE's velocity unit


def nanodiamond(atoms: Atoms) -> NDArray[np.bool_]:
    """Return which atoms are of the nanodiamond, shape (n,)."""
    fragment = atoms.arrays.get("fragment")
    return np.zeros(len(atoms), dtype=bool) if fragment is None else np.asarray(fragment == "nd")


def start_velocities(task: Md, atoms: Atoms) -> Array:
    """Return thermal velocities, and those of the nanodiamond shifted to its launch.

    From rest, at a minimum, half of the kinetic energy goes into the potential: a run that settles starts with twice
    the temperature.

    Parameters
    ----------
    task : Md
        Temperature, seed and launch.
    atoms : Atoms
        With masses, fragments and fixed atoms, which get no velocity. If it has velocities they are taken; else they
        are drawn.

    Returns
    -------
    array (n, 3)
        ASE units. Where there is a launch, the nanodiamond as a whole moves along +x at its speed.
    """
    masses, moving, nd = atoms.get_masses(), moving_atoms(atoms), nanodiamond(atoms)
    velocities: Array = np.zeros((len(atoms), 3))
    if "momenta" in atoms.arrays:
        velocities = atoms.get_velocities()
    else:
        first_K, rng = task.temperature_K * (2 if task.settles else 1), np.random.default_rng([task.seed, 0])
        velocities[moving] = maxwell_boltzmann(masses[moving], first_K, rng)
        if moving.all():
            velocities = without_drift(masses, velocities)
    if task.launch_m_s and nd.any():
        velocities[nd] = without_drift(masses[nd], velocities[nd])
        velocities[nd, 0] += task.launch_m_s * LAUNCH_UNIT
    return velocities


def bodies(atoms: Atoms, *, launched: bool) -> list[NDArray[np.bool_]]:
    """Return the groups of atoms (n,) whose motion as a whole is no heat: of those, no atom is fixed.

    Where the nanodiamond is launched, that is one and all else the other: neither the launch counts, nor what a flake
    that nothing holds takes of it. Else all is one.
    """
    nd, moving = nanodiamond(atoms), moving_atoms(atoms)
    groups = [nd, ~nd] if launched and nd.any() and not nd.all() else [np.ones(len(atoms), dtype=bool)]
    return [group for group in groups if moving[group].all() and group.sum() > 1]


def temperature_K(masses: Array, velocities: Array, moving: NDArray[np.bool_], free: list[NDArray[np.bool_]]) -> float:
    """Return the kinetic temperature 2K/(f k_B), K about the motion of each free body as a whole.

    Parameters
    ----------
    masses : array (n,)
        Atomic mass units.
    velocities : array (n, 3)
        ASE units.
    moving : array (n,)
        Which atoms may move; the others have no velocity.
    free : list of array (n,)
        From `bodies`; each takes 3 of the f degrees of freedom.

    Returns
    -------
    float
        K; zero if nothing can move.
    """
    inner = velocities.copy()
    for body in free:
        inner[body] = without_drift(masses[body], velocities[body])
    n_degrees = 3 * (int(moving.sum()) - len(free))
    kinetic = 0.5 * float(np.einsum("i,ij,ij->", masses[moving], inner[moving], inner[moving]))
    return 2.0 * kinetic / (n_degrees * kB) if n_degrees > 0 else 0.0


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
