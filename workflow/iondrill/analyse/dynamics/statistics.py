"""Uncertainty of what few and short runs give: from blocks within a run, and from seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

Floats = NDArray[np.float64]

LEAST_BLOCKS = 6
CONFIDENCE = 0.95
RESAMPLES = 4000
FEWEST_TO_RESAMPLE = 3


def block_error(values: ArrayLike) -> float:
    """Return the standard error of the mean of a correlated series.

    Neighbours are averaged to blocks again and again; the error estimated from the blocks as if they were independent
    grows until they are. The largest estimate from at least 6 blocks is returned (Flyvbjerg and Petersen, J. Chem.
    Phys. 91, 461 (1989)): of a series shorter than its memory, still too small.

    Parameters
    ----------
    values : (n,) array_like
        In the order of time. Less than 6 give NaN.
    """
    blocks = np.asarray(values, dtype=float)
    errors = [float("nan")]
    while len(blocks) >= LEAST_BLOCKS:
        errors.append(float(blocks.std(ddof=1) / np.sqrt(len(blocks))))
        even = blocks[: len(blocks) // 2 * 2]
        blocks = even.reshape(-1, 2).mean(axis=1)
    return float(np.fmax.reduce(errors))


class Sample(NamedTuple):
    """One number from each of some independent runs.

    Attributes
    ----------
    values : tuple of float
        Of each run.
    errors : tuple of float
        Of each, from `block_error`.
    """

    values: tuple[float, ...]
    errors: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the runs."""
        return float(np.mean(self.values))

    @property
    def variance(self) -> float:
        """Variance of the mean: from the scatter of the runs, but not less than their own errors leave."""
        n = len(self.values)
        within = float(np.nanmean(np.square(self.errors))) / n if np.isfinite(self.errors).any() else 0.0
        return max(within, float(np.var(self.values, ddof=1)) / n) if n > 1 else within


class Estimate(NamedTuple):
    """A number, its standard error, its interval of 95 % confidence, and how likely chance alone makes it as large."""

    value: float
    error: float
    low: float
    high: float
    method: str
    p: float = float("nan")
    """Two-sided, by Student's t over seeds; NaN of single runs, and where nothing scatters."""


def estimate(samples: Sequence[Sample], signs: Sequence[int] = (1,)) -> Estimate:
    """Return a sum or difference of means, with its uncertainty.

    From two runs on: Student's t with the degrees of freedom of Welch and Satterthwaite; from three runs on, also the
    bootstrap over runs, and the wider of the two counts (the bootstrap of a few is too narrow).

    Parameters
    ----------
    samples : sequence of Sample
        Independent of each other.
    signs : sequence of int
        1 or -1 for each.
    """
    from scipy.stats import t

    value = sum(sign * sample.mean for sign, sample in zip(signs, samples, strict=True))
    variances = np.array([sample.variance for sample in samples])
    numbers = np.array([len(sample.values) for sample in samples])
    error = float(np.sqrt(variances.sum()))
    if (numbers < 2).any():
        half = float(t.ppf((1 + CONFIDENCE) / 2, np.inf)) * error
        return Estimate(value, error, value - half, value + half, "blocks within one run")
    freedom = variances.sum() ** 2 / (variances**2 / (numbers - 1)).sum() if error else 1.0
    half = float(t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    p = 2 * float(t.sf(abs(value) / error, freedom)) if error else float("nan")
    low, high, method = value - half, value + half, "t over seeds"
    if (numbers >= FEWEST_TO_RESAMPLE).all():
        random = np.random.default_rng(0)
        draws = np.zeros(RESAMPLES)
        for sign, sample in zip(signs, samples, strict=True):
            chosen = random.integers(len(sample.values), size=(RESAMPLES, len(sample.values)))
            draws += sign * np.array(sample.values)[chosen].mean(axis=1)
        ends = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]).tolist()
        low, high, method = min(low, ends[0]), max(high, ends[1]), "t and bootstrap over seeds"
    return Estimate(value, error, low, high, method, p)


def effect_size(samples: Sequence[Sample], value: float) -> float | None:
    """Return a difference in units of how far runs of the same case scatter (Cohen's d, with the pooled variance).

    Parameters
    ----------
    samples : sequence of Sample
        What the difference is made of.
    value : float
        The difference.

    Returns
    -------
    float or None
        None where no case has two runs, or none scatters.
    """
    freedom = sum(len(sample.values) - 1 for sample in samples)
    squares = sum(float(np.square(np.array(sample.values) - sample.mean).sum()) for sample in samples)
    return value / float(np.sqrt(squares / freedom)) if freedom and squares else None


def chance_of(p: Sequence[float]) -> list[float]:
    """Return for each of many comparisons the share of chance among those that are as clear as it, or clearer.

    The false-discovery rate by Benjamini and Yekutieli, Ann. Stat. 29, 1165 (2001): it holds however comparisons depend
    on each other, and those that share a case do, with either sign.

    Parameters
    ----------
    p : sequence of float
        How likely chance alone makes each difference as large as it is.
    """
    from scipy.stats import false_discovery_control

    return [float(share) for share in false_discovery_control(p, method="by")] if p else []
