"""Smooth Gaussians on a row of points from fewer nodes: matrices that give values and slopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# Of a Gaussian of height 1: of the value, and of the slope per bohr. Some 10⁻⁷ of ρ and, where ρ > 10⁻³, 10⁻⁶ of the
# ELF come of it (163 atoms at GTH-DZVP; the tests hold small molecules to 3·10⁻⁶).
TOLERANCE = 5e-7
# The nodes lie on a stretch that is so much longer than the row on either side: polynomials are worst at their ends.
MARGIN = 0.05
# Gaussians are tried at centres so far apart, and so far beyond the row, in units of 1/√a.
CENTRE_STEP, CENTRE_BEYOND = 0.25, 4.5
LEAST_NODES = 4
# Of x-c before a Gaussian: up to d functions. They are differences of Gaussians side by side, and larger by far.
POWERS = (0, 1, 2)
# Combinations of nodes that no Gaussian has, but for this part of it, take no part: they would only amplify noise.
RANK_TOLERANCE = 1e-13


@dataclass(frozen=True)
class Row:
    """From values on nodes to values and slopes on a row of equidistant points.

    Parameters
    ----------
    nodes : array (n_nodes,)
        Positions in bohr from the first point.
    value : array (n_points, n_nodes)
        Times the values on the nodes: the values on the points.
    slope : array (n_points, n_nodes)
        Alike, the slopes per bohr.
    """

    nodes: Array
    value: Array
    slope: Array


def row_for(n_points: int, step: float, exponent: float, most: int) -> Row | None:
    """Return the fewest nodes that carry all Gaussians up to an exponent, on a row of points.

    Parameters
    ----------
    n_points : int
        In the row.
    step : float
        From point to point, in bohr.
    exponent : float
        The largest, a in exp(-a(x-c)²), in 1/bohr². With its centres c everywhere it bounds the smaller ones too:
        a broader Gaussian is a sum of narrower ones side by side.
    most : int
        Nodes.

    Returns
    -------
    Row or None
        The nodes are those of Chebyshev; the matrices are not those of polynomials, but fitted to the Gaussians
        themselves by least squares, which needs fewer nodes. None if that many nodes do not carry value and slope
        to `TOLERANCE`.
    """
    x = step * np.arange(float(n_points))
    beyond = CENTRE_BEYOND / np.sqrt(exponent)
    centres = np.arange(-beyond, x[-1] + beyond, CENTRE_STEP / np.sqrt(exponent))[:, None]

    def gaussians(positions: Array) -> tuple[Array, Array]:
        """Return values and slopes of s, p and d functions, of about unit height."""
        d = np.sqrt(exponent) * (positions - centres)
        bell = np.exp(-(d**2))
        values = np.vstack([d**power * bell for power in POWERS])
        slopes = np.vstack([(power * d ** max(power - 1, 0) - 2 * d ** (power + 1)) * bell for power in POWERS])
        return values, np.sqrt(exponent) * slopes

    wanted = np.hstack(gaussians(x))

    def fitted(n: int) -> Row | None:
        chebyshev = np.cos(np.pi * (np.arange(n) + 0.5) / n)
        nodes = np.asarray(x[-1] / 2 * (1 + (1 + 2 * MARGIN) * chebyshev))
        given, _ = gaussians(nodes)
        fit = np.linalg.lstsq(given, wanted, rcond=RANK_TOLERANCE)[0]
        if np.abs(given @ fit - wanted).max() > TOLERANCE:
            return None
        value, slope = np.split(fit.T, 2)
        return Row(nodes, np.ascontiguousarray(value), np.ascontiguousarray(slope))

    if most < LEAST_NODES or (best := fitted(most)) is None:
        return None
    return next((row for n in range(LEAST_NODES, most) if (row := fitted(n))), best)
