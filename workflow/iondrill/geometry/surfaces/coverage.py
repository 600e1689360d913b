"""Several ions on equivalent positions of a cell: as far from each other as they can be."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST = 20_000
"""More arrangements than this are not tried one by one."""


def spread(fractions: NDArray[np.float64], cell: NDArray[np.float64], n: int) -> list[int]:
    """Choose positions so that the nearest two are as far apart as possible, then the second nearest, and so on.

    The first position is always among them, which leaves nothing out where all are equivalent. Where all choices
    are too many to try, the positions are taken one after another, each as far from those before as possible.

    Parameters
    ----------
    fractions : (m, 2) float array
        Fractional coordinates of the positions.
    cell : (2, 2) float array
        The periodic cell, Å.
    n : int
        How many to choose.

    Returns
    -------
    list of int
        Indices, the first being 0.

    Raises
    ------
    UserError
        If there are fewer positions.
    """
    if n > len(fractions):
        raise UserError.of("n", f"{n} ions on a site with {len(fractions)} positions in the cell", "use a larger cell")
    distances_A = periodic_distances(fractions, cell)
    others = range(1, len(fractions))
    if comb(len(others), n - 1) <= MOST:
        arrangements = [[0, *some] for some in combinations(others, n - 1)]
        return min(arrangements, key=lambda some: _pairs(distances_A, some))
    chosen = [0]
    while len(chosen) < n:
        rest = [other for other in others if other not in chosen]
        chosen.append(min(rest, key=lambda other: sorted((-distances_A[other, chosen]).round(2), reverse=True)))
    return chosen


def closest_A(fractions: NDArray[np.float64], cell: NDArray[np.float64], n: int) -> float:
    """Return the distance of the nearest two of `n` spread positions, images of the cell included."""
    chosen = spread(fractions, cell, n)
    return float(periodic_distances(fractions[chosen], cell, own=True).min())


def periodic_distances(
    fractions: NDArray[np.float64], cell: NDArray[np.float64], *, own: bool = False
) -> NDArray[np.float64]:
    """Return the distances (m, m) of the nearest images; on the diagonal 0, or that of a position to its own image."""
    reach = np.array([(i, j) for i in range(-2, 3) for j in range(-2, 3)])
    apart = fractions[:, None] - fractions
    apart = (apart - np.rint(apart))[:, :, None] + reach
    lengths_A = np.linalg.norm(apart @ cell, axis=-1)
    if own:
        lengths_A[lengths_A < 1e-6] = np.inf
    nearest_A: NDArray[np.float64] = lengths_A.min(axis=-1)
    return nearest_A


def _pairs(distances_A: NDArray[np.float64], chosen: Sequence[int]) -> list[float]:
    """Return the distances among the chosen, nearest first, so that the least list is the widest arrangement."""
    return sorted((-distances_A[np.ix_(chosen, chosen)][np.triu_indices(len(chosen), 1)]).round(2), reverse=True)
