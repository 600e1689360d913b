"""Diffusion into a slab from one face, at constant flux: what the square-root law is the beginning of.

Crank, *The Mathematics of Diffusion* (1975), section 4.3.6. With θ = Dt/L², and concentrations in units of flux · L/D,
the mean is θ and the surface has θ + 1/3 − (2/π²) Σ exp(−k²π²θ)/k²; at first that is 2√(θ/π).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Floats = NDArray[np.float64]
TERMS = 60
EARLY = 0.02
"""Below this θ the square root holds to all digits, and the series would need more terms."""
BOUNDS = (1e-8, 1e3)


def surface(theta: ArrayLike) -> Floats:
    """Return the concentration at the surface, in units of flux · L/D, after θ = Dt/L² of constant flux.

    Parameters
    ----------
    theta : array_like
        Not negative.
    """
    theta = np.asarray(theta, dtype=float)
    k = np.arange(1, TERMS + 1)
    series = (np.exp(-np.multiply.outer(theta, (np.pi * k) ** 2)) / k**2).sum(axis=-1)
    late: Floats = theta + 1 / 3 - 2 / np.pi**2 * series
    return np.where(theta < EARLY, 2 * np.sqrt(theta / np.pi), late)


def filling(share: ArrayLike, potential_V: ArrayLike, step_V: float) -> float:
    """Return θ = Dτ/L² of a pulse by the whole law of the slab, whether or not the square root holds.

    Parameters
    ----------
    share : (n,) array_like
        Time since the pulse began over τ.
    potential_V : (n,) array_like
        During the pulse; a constant, such as the ohmic drop, does not matter.
    step_V : float
        Between the states of rest before and after: what the mean concentration does to the potential.

    Returns
    -------
    float
        That of the least squares, between 10⁻⁸ and 10³.
    """
    from scipy.optimize import minimize_scalar

    share, potential_V = np.asarray(share, dtype=float), np.asarray(potential_V, dtype=float)

    def misfit(logarithm: float) -> float:
        theta = np.exp(logarithm)
        rest = potential_V - step_V * surface(theta * share) / theta
        return float(np.var(rest))

    found = minimize_scalar(misfit, bounds=np.log(BOUNDS), method="bounded", options={"xatol": 1e-9})
    return float(np.exp(found.x))
