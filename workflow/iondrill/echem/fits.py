"""Least squares with the error that a result claims: half of its 99 % interval, by Student's t."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Floats = NDArray[np.float64]
CONFIDENCE = 0.99


class Fit(NamedTuple):
    """Coefficients of a linear model.

    Attributes
    ----------
    coefficients : (k,) array
        Those of least squares.
    covariance : (k, k) array
        Of the coefficients, from the scatter of the data about the model.
    scatter : float
        Standard deviation of the data about the model.
    freedom : int
        Number of data less that of coefficients.
    """

    coefficients: Floats
    covariance: Floats
    scatter: float
    freedom: int

    def standard_error(self, i: int) -> float:
        """Return the standard error of a coefficient."""
        return float(np.sqrt(self.covariance[i, i]))


def fit(columns: ArrayLike, values: ArrayLike) -> Fit:
    """Fit values by a sum of columns.

    Parameters
    ----------
    columns : (n, k) array_like
        What the coefficients multiply; n > k.
    values : (n,) array_like
        With errors that are independent and alike.
    """
    design, data = np.asarray(columns, dtype=float), np.asarray(values, dtype=float)
    scale = np.linalg.norm(design, axis=0)
    inverse = np.linalg.pinv(design / scale) / scale[:, None]
    coefficients = inverse @ data
    freedom = len(data) - design.shape[1]
    variance = float(np.sum((data - design @ coefficients) ** 2)) / freedom
    return Fit(coefficients, variance * inverse @ inverse.T, float(np.sqrt(variance)), freedom)


def quantile(freedom: float) -> float:
    """Return what a standard error is multiplied by to give half of the 99 % interval."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def condition(columns: ArrayLike) -> float:
    """Return the condition number of columns scaled to equal length: near 1 if they are orthogonal.

    From about 30 on, coefficients cannot be told apart (Belsley, Kuh and Welsch, *Regression Diagnostics*, 1980).
    """
    design = np.asarray(columns, dtype=float)
    return float(np.linalg.cond(design / np.linalg.norm(design, axis=0)))
