"""How currents grow with the scan rate: the exponent b, and the share that grows like a capacitor's.

i = a·v^b: b = 1/2 for diffusion into a half-space, 1 for a capacitor. After Wang, Polleux, Lim and Dunn (J. Phys. Chem.
C 111, 14925 (2007)), i(E) = k₁(E)·v + k₂(E)·√v at each potential E; the first part is called capacitive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iondrill.analyse.columns import TableForm, number
from iondrill.echem.fits import condition, fit, quantile
from iondrill.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

Floats = NDArray[np.float64]
LEAST_RATES = 3
MOST_CONDITION = 30.0
"""See `iondrill.echem.fits.condition`."""
MOST_BY_CHANCE = 0.05
"""Share of potentials that noise alone may give opposite signs."""


class Exponent(NamedTuple):
    """b, half of its 99 % interval, and what there is to say."""

    b: float
    b_error: float
    rates: int
    remarks: tuple[str, ...]


class Share(NamedTuple):
    """A row of the table that ``iondrill echem capacitive`` writes."""

    scan_rate_mV_s: float
    capacitive_share: float
    capacitive_share_error: float


SHARES = TableForm[Share](
    "a scan rate",
    (
        number("scan_rate_mV_s", "scan rate"),
        number("capacitive_share", "part of the charge that k₁·v carries, 0 to 1"),
        number("capacitive_share_error", "half of its 99 % interval"),
    ),
)
"""The table of ``iondrill echem capacitive``."""


class Shares(NamedTuple):
    """The share at each scan rate, and what there is to say."""

    rows: list[Share]
    remarks: tuple[str, ...]


def exponent(path: Path, rate_mV_s: Floats, current_A: Floats) -> Exponent:
    """Return b of i = a·v^b.

    Parameters
    ----------
    path : Path
        Where the values are from, for messages.
    rate_mV_s, current_A : (n,) array
        Scan rates, and the current of the same peak at each, with errors in proportion to the current.

    Raises
    ------
    UserError
        If there are fewer than three scan rates, or a rate or current is not positive, or currents of two signs.
    """
    rates = _rates(path, rate_mV_s)
    if not (np.all(current_A > 0) or np.all(current_A < 0)):
        raise UserError.of(path, "currents of both signs, or none", "needed: one peak, anodic or cathodic")
    x, y = np.log(rate_mV_s / np.exp(np.log(rate_mV_s).mean())), np.log(np.abs(current_A))
    line = fit(np.column_stack([np.ones(len(x)), x]), y)
    remarks = []
    if len(x) > LEAST_RATES and len(rates) > LEAST_RATES:
        bent = fit(np.column_stack([np.ones(len(x)), x, x**2]), y)
        if abs(bent.coefficients[2]) > quantile(bent.freedom) * bent.standard_error(2):
            low, high = (bent.coefficients[1] + 2 * bent.coefficients[2] * end for end in (x.min(), x.max()))
            remarks.append(f"ln i is not linear in ln v: its slope goes from {low:.2f} to {high:.2f}")
    return Exponent(
        float(line.coefficients[1]), quantile(line.freedom) * line.standard_error(1), len(rates), tuple(remarks)
    )


def capacitive(path: Path, rate_mV_s: Floats, potential_V: Floats, current_A: Floats) -> Shares:
    """Return which part of the charge of a sweep is capacitive, at each scan rate.

    Parameters
    ----------
    path : Path
        Where the values are from, for messages.
    rate_mV_s, potential_V, current_A : (n,) array
        One sweep, anodic or cathodic, at the same potentials at each rate; currents with errors alike at all rates.

    Raises
    ------
    UserError
        If there are fewer than three scan rates, or the potentials differ from rate to rate.
    """
    rates = _rates(path, rate_mV_s)
    grid, currents = _grid(path, rates, rate_mV_s, potential_V, current_A)
    design = np.column_stack([rates, np.sqrt(rates)])
    fits = [fit(design, values) for values in currents]
    k = np.array([each.coefficients for each in fits])
    # errors are alike at all potentials: their scatter is pooled
    unscaled = np.linalg.inv(design.T @ design)
    freedom = sum(each.freedom for each in fits)
    variance = sum(each.scatter**2 * each.freedom for each in fits) / freedom
    weights = np.gradient(grid)
    weights[[0, -1]] /= 2
    sums, covariance = weights @ k, variance * float(weights @ weights) * unscaled
    rows = []
    for rate, (v, root) in zip(rates.tolist(), design.tolist(), strict=True):
        total = sums[0] * v + sums[1] * root
        slope = np.array([v * root * sums[1], -v * root * sums[0]]) / total**2
        error = quantile(freedom) * float(np.sqrt(slope @ covariance @ slope))
        rows.append(Share(rate, float(sums[0] * v / total), error))
    sure = np.abs(k) > quantile(freedom) * np.sqrt(variance * np.diag(unscaled))
    opposite = int(((k[:, 0] * k[:, 1] < 0) & sure.all(axis=1)).sum())
    return Shares(rows, tuple(_remarks(design, opposite, len(k), rows)))


def _remarks(design: Floats, opposite: int, n_potentials: int, rows: list[Share]) -> list[str]:
    remarks = []
    if (number := condition(design)) > MOST_CONDITION:
        remarks.append(
            f"v and √v are nearly collinear over these rates (condition number {number:.0f}, more than "
            f"{MOST_CONDITION:.0f}): the parts cannot be told apart; take rates over a wider range"
        )
    if opposite > MOST_BY_CHANCE * n_potentials:
        remarks.append(f"k₁ and k₂ have opposite signs at {opposite} of {n_potentials} potentials")
    if any(not 0 <= row.capacitive_share <= 1 for row in rows):
        remarks.append("a share is not between 0 and 1: the currents do not follow k₁·v + k₂·√v")
    return remarks


def _rates(path: Path, rate_mV_s: Floats) -> Floats:
    """Return the scan rates that there are."""
    rates = np.unique(rate_mV_s)
    if rates[0] <= 0:
        raise UserError.of(path, f"a scan rate of {rates[0]:g} mV/s", "allowed: positive numbers")
    if len(rates) < LEAST_RATES:
        raise UserError.of(path, f"{len(rates)} scan rates", f"needed: {LEAST_RATES} or more")
    return rates


def _grid(
    path: Path, rates: Floats, rate_mV_s: Floats, potential_V: Floats, current_A: Floats
) -> tuple[Floats, Floats]:
    """Return the potentials (m,), and the currents (m, n_rates) at them."""
    sweeps = []
    for rate in rates:
        chosen = rate_mV_s == rate
        order = np.argsort(potential_V[chosen], kind="stable")
        sweeps.append((potential_V[chosen][order], current_A[chosen][order]))
    grid = sweeps[0][0]
    if len(grid) < LEAST_RATES or (np.diff(grid) <= 0).any():
        found = f"{len(grid)} rows at {rates[0]:g} mV/s, or one potential twice"
        raise UserError.of(path, found, "needed: one sweep, each potential once")
    for rate, (other, _) in zip(rates, sweeps, strict=True):
        if len(other) != len(grid) or not np.allclose(other, grid, rtol=0, atol=1e-6):
            found = f"the potentials at {rate:g} mV/s are not those at {rates[0]:g} mV/s"
            raise UserError.of(path, found, "needed: the same potentials at each rate; interpolate first")
    return grid, np.column_stack([currents for _, currents in sweeps])
