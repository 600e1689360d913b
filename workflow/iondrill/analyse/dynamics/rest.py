"""What a run was before it: the values at rest that changes are measured from, and the temperature that it kept.

The segment that thermalises the start has order parameters of its own, ``thermalisation.csv``. Its second half is the
rest: a mean over many frames, not the accident of one, and not the cold geometry that the parts were relaxed to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

LAST_PART = 4
"""The last quarter of a run's frames represents its end."""
OFF_K = 30.0
"""Further than this from what was asked for, a run is not at its temperature."""


class Rest(NamedTuple):
    """A quantity before the launch.

    Attributes
    ----------
    mean, spread : float
        Mean and standard deviation over the second half of the thermalisation.
    drift : float
        How much it still moved: mean of the last quarter less that of the third.
    """

    mean: float
    spread: float
    drift: float


def at_rest(values: ArrayLike) -> Rest | None:
    """Return what a quantity was in the second half of a thermalisation; None of less than four frames, or no numbers.

    Parameters
    ----------
    values : (n_frames,) array_like
        In the order of time.
    """
    series = np.asarray(values, dtype=float)
    if len(series) < 4 or not np.isfinite(series).all():
        return None
    late = series[len(series) // 2 :]
    third, last = late[: len(late) // 2], late[len(late) // 2 :]
    return Rest(float(late.mean()), float(late.std()), float(last.mean() - third.mean()))


def rests(series: Mapping[str, NDArray[np.float64]]) -> dict[str, Rest]:
    """Return the rest of each quantity of a thermalisation that has one."""
    found = {name: at_rest(values) for name, values in series.items() if values.dtype == float}
    return {name: rest for name, rest in found.items() if rest is not None}


class Temperature(NamedTuple):
    """Mean of the last quarter of a run, and what was asked for, K."""

    mean_K: float
    asked_K: float

    @property
    def off(self) -> bool:
        """Whether the two are further apart than `OFF_K`."""
        return abs(self.mean_K - self.asked_K) > OFF_K

    def __str__(self) -> str:
        """Return it in words, with a remark if it is off."""
        words = f"{self.mean_K:.0f} K on average in the last quarter, {self.asked_K:g} K asked for"
        return words + (f": more than {OFF_K:g} K off" if self.off else "")


def late_temperature(temperature_K: ArrayLike, asked_K: float) -> Temperature | None:
    """Return how hot a run was at its end; None if its frames do not all say it.

    Parameters
    ----------
    temperature_K : (n_frames,) array_like
        In the order of time.
    asked_K : float
        Of the thermostat.
    """
    series = np.asarray(temperature_K, dtype=float)
    late = series[-max(1, len(series) // LAST_PART) :]
    return Temperature(float(late.mean()), asked_K) if len(late) and np.isfinite(late).all() else None
