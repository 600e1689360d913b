"""The nearest of the images that a cell in the plane repeats, oblique cells included."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NINE = np.array(list(product((-1, 0, 1), repeat=2)))
"""In an oblique cell the nearest image may be one cell beyond the one that rounding gives."""


def nearest_cells(apart_A: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cells (..., 2), in whole numbers, to take off vectors so that they become the shortest.

    Parameters
    ----------
    apart_A : array (..., 2)
        Lateral vectors.
    cell : array (2, 2)
        Its rows are the cell's vectors, reduced to short ones, as those of recipes and found symmetries are.
    """
    cells = np.rint(apart_A @ np.linalg.inv(cell))[..., None, :] + NINE
    nearest = np.linalg.norm(apart_A[..., None, :] - cells @ cell, axis=-1).argmin(axis=-1)
    return np.take_along_axis(cells, nearest[..., None, None], axis=-2)[..., 0, :]


def nearest_A(apart_A: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lengths (...) of the shortest images of lateral vectors (..., 2)."""
    rounded_A = rounded(apart_A @ np.linalg.inv(cell), cell)
    lengths_A: NDArray[np.float64] = np.linalg.norm(rounded_A[..., None, :] + NINE @ cell, axis=-1).min(axis=-1)
    return lengths_A


def coincide(fractional: NDArray[np.float64], cell: NDArray[np.float64], within_A: float) -> NDArray[np.bool_]:
    """Say of fractional vectors (..., 2) whether they are vectors of the lattice, to within much less than a cell."""
    close: NDArray[np.bool_] = np.linalg.norm(rounded(fractional, cell), axis=-1) < within_A
    return close


def rounded(fractional: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return fractional vectors (..., 2) in Å, less the nearest whole numbers of cells."""
    return np.asarray((fractional - np.rint(fractional)) @ cell)
