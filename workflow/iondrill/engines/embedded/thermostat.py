"""Velocity Verlet and the stochastic velocity-rescaling thermostat, as pure functions on arrays.

All quantities are in ASE's units: eV, Å, u and Å·√(u/eV) for time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.units import kB

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def kinetic_energy(masses: Array, velocities: Array) -> float:
    """Return ½ Σ m v², eV.

    Parameters
    ----------
    masses : array (n,)
        Atomic mass units.
    velocities : array (n, 3)
        ASE units.
    """
    return 0.5 * float(np.einsum("i,ij,ij->", masses, velocities, velocities))


def csvr_factor(
    kinetic: float, n_degrees: int, temperature_K: float, steps_per_tau: float, rng: np.random.Generator
) -> float:
    """Return the factor by which stochastic velocity rescaling changes all velocities in one step.

    Parameters
    ----------
    kinetic : float
        Kinetic energy of the thermostatted atoms, eV.
    n_degrees : int
        Their degrees of freedom.
    temperature_K : float
        Target.
    steps_per_tau : float
        Relaxation time over time step, τ/Δt.
    rng : Generator
        Two numbers are drawn.

    Returns
    -------
    float
        1 if nothing moves.

    References
    ----------
    Bussi, Donadio and Parrinello, J. Chem. Phys. 126, 014101 (2007), Eqs. (A7) and (A8).
    """
    if kinetic <= 0.0 or n_degrees == 0:
        return 1.0
    kept = np.exp(-1.0 / steps_per_tau)
    share = (1.0 - kept) * 0.5 * kB * temperature_K / kinetic
    normal = rng.normal()
    others = rng.chisquare(n_degrees - 1) if n_degrees > 1 else 0.0
    squared = kept + share * (others + normal**2) + 2.0 * normal * np.sqrt(kept * share)
    # the kinetic energy may cross zero along a single degree of freedom (Eq. A8)
    sign = 1.0 if share == 0.0 or normal + np.sqrt(kept / share) >= 0.0 else -1.0
    return float(sign * np.sqrt(squared))
