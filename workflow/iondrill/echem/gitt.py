"""Diffusion coefficients by galvanostatic intermittent titration: Eq. 2 of Sun et al. 2024, with its 1/τ.

Weppner and Huggins, J. Electrochem. Soc. 124, 1569 (1977): where τ ≪ L²/D and E is linear in √t,

    D = 4/(πτ) · (m V_M / (M S))² · (ΔE_s/ΔE_τ)²,     L = m V_M / (M S).

The paper prints it without 1/τ, which leaves cm² where cm²/s belong. ΔE_s is the step between the states of rest before
and after the pulse, ΔE_τ that during the pulse without its ohmic part.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iondrill.analyse.columns import TableForm, number, text
from iondrill.echem.fits import Fit, fit, quantile
from iondrill.echem.slab import filling
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Floats = NDArray[np.float64]
ONSET = 0.1
"""Share of a pulse that is left out: double layer and charge transfer."""
TAIL = 0.1
"""Share of a rest that its potential is read from."""
DRIFT_TAIL = 0.25
"""Share of a rest that its drift is read from."""
LEAST_POINTS = 8
MOST_CURVATURE = 0.05
MOST_DRIFT = 0.01
"""Of the step between rests."""
CM2_OF_UM2 = 1e-8


class Pulse(NamedTuple):
    """A row of the table that ``iondrill echem gitt`` writes."""

    pulse: int
    start_s: float
    tau_s: float
    E_V: float
    dE_s_V: float
    dE_tau_V: float
    tau_over_L2_D: float
    D_cm2_s: float | None
    D_error_cm2_s: float | None
    status: str


GITT = TableForm[Pulse](
    "a pulse between two rests",
    (
        number("pulse", "counted from 1"),
        number("start_s", "when it began"),
        number("tau_s", "how long it took"),
        number("E_V", "potential of the rest before it"),
        number("dE_s_V", "step between the rests before and after it"),
        number("dE_tau_V", "step during it, linear in √t, ohmic part left out"),
        number("tau_over_L2_D", "its length over the diffusion time L²/D, by the whole law of a slab"),
        number("D_cm2_s", "diffusion coefficient; empty if refused"),
        number("D_error_cm2_s", "half of its 99 % interval"),
        text("status", "`determined`, or `refused` and all reasons"),
    ),
)
"""The table of ``iondrill echem gitt``."""


def validity(tau_s: float, length_um: float, D_cm2_s: float) -> float:
    """Return τ/(L²/D) of a pulse; the square-root law needs much less than 1.

    Raises
    ------
    UserError
        If it is 1 or more.
    """
    time_s = length_um**2 * CM2_OF_UM2 / D_cm2_s
    if tau_s >= time_s:
        raise UserError.of(
            f"τ = {tau_s:g} s",
            f"is {tau_s / time_s:.3g} times the diffusion time L²/D = {time_s:.4g} s of L = {length_um:g} µm and "
            f"D = {D_cm2_s:g} cm²/s: the ions fill the whole particle, and Eq. 2 does not hold",
            f"needed: τ ≪ L²/D, say {time_s / 10:.3g} s",
        )
    return tau_s / time_s


def pulses(current_A: Floats) -> Iterator[tuple[slice, slice, slice]]:
    """Yield the rows of each pulse, of the rest before it and of that after it.

    Parameters
    ----------
    current_A : (n,) array
        In the order of time. A pulse is where it is more than half of the largest, with one sign.
    """
    acts = np.where(np.abs(current_A) > np.abs(current_A).max(initial=0.0) / 2, np.sign(current_A), 0)
    edges = [0, *(np.flatnonzero(np.diff(acts)) + 1).tolist(), len(acts)]
    spans = [slice(a, b) for a, b in pairwise(edges)]
    for before, pulse, after in zip(spans, spans[1:], spans[2:], strict=False):
        if acts[pulse.start] and not acts[before.start] and not acts[after.start]:
            yield before, pulse, after


def read_gitt(path: Path, series: dict[str, Floats], length_um: float) -> list[Pulse]:
    """Return what each pulse of a measurement gives.

    Parameters
    ----------
    path : Path
        Where the series is from, for messages.
    series : dict of (n,) array
        ``time_s``, ``current_A`` and ``potential_V``.
    length_um : float
        L = m V_M/(M S): how deep ions can go, such as the radius of a particle.

    Raises
    ------
    UserError
        If time does not increase, or there is no pulse between two rests.
    """
    time_s, current_A, potential_V = (series[name] for name in ("time_s", "current_A", "potential_V"))
    back = np.flatnonzero(np.diff(time_s) <= 0)
    if len(back):
        line = int(back[0]) + 3
        raise UserError.of(f"{path} (line {line})", f"the time {time_s[back[0] + 1]:g} s does not increase")
    parts = list(pulses(current_A))
    if not parts:
        raise UserError.of(path, "no pulse between two rests", "needed: current, with none before and after it")
    found = []
    for i, (before, pulse, after) in enumerate(parts, 1):
        rests = [Rest.of(time_s[part], potential_V[part]) for part in (before, after)]
        # the last sample at rest is where the current begins
        began_s = float(time_s[before][-1])
        step = Step(began_s, time_s[pulse] - began_s, potential_V[pulse], rests[0], rests[1])
        found.append(evaluate(i, step, length_um))
    return found


class Rest(NamedTuple):
    """A state of rest: its potential, the error of that, and how much it still changes in its last quarter."""

    potential_V: float
    error_V: float
    drift_V: float
    drift_error_V: float
    points: int

    @property
    def moves_V(self) -> float:
        """How much it still changes in its last quarter, beyond what noise alone makes of it."""
        return max(0.0, abs(self.drift_V) - quantile(self.points) * self.drift_error_V)

    @classmethod
    def of(cls, time_s: Floats, potential_V: Floats) -> Rest:
        """Return what the last part of a rest says."""
        ago = (time_s[-1] - time_s) / max(time_s[-1] - time_s[0], 1e-12)
        tail, last = potential_V[ago <= TAIL], ago <= DRIFT_TAIL
        if len(tail) < LEAST_POINTS:
            return cls(float(potential_V[-1]), np.inf, np.inf, 0.0, len(tail))
        line = fit(np.column_stack([np.ones(last.sum()), ago[last]]), potential_V[last])
        drift = DRIFT_TAIL * float(line.coefficients[1])
        error_V = line.scatter / float(np.sqrt(len(tail)))
        return cls(float(tail.mean()), error_V, drift, DRIFT_TAIL * line.standard_error(1), len(tail))


class Step(NamedTuple):
    """A pulse as measured: when it began, time since then and potential (n,), and the states of rest around it."""

    start_s: float
    elapsed_s: Floats
    potential_V: Floats
    before: Rest
    after: Rest


def evaluate(i: int, step: Step, length_um: float) -> Pulse:
    """Return what a pulse gives: D with its error, or why it is refused.

    Parameters
    ----------
    i : int
        Its number.
    step : Step
        The pulse.
    length_um : float
        How deep ions can go.
    """
    start_s, elapsed_s, potential_V, before, after = step
    tau_s, step_V = float(elapsed_s[-1]), after.potential_V - before.potential_V
    used = elapsed_s >= ONSET * tau_s
    if used.sum() < LEAST_POINTS or min(before.points, after.points) < LEAST_POINTS:
        few = f"refused: fewer than {LEAST_POINTS} points in the pulse or in the last {TAIL:.0%} of a rest"
        return Pulse(i, start_s, tau_s, before.potential_V, step_V, np.nan, np.nan, None, None, few)
    share, potential_V = elapsed_s[used] / tau_s, potential_V[used]
    line = fit(np.column_stack([np.ones(len(share)), np.sqrt(share)]), potential_V)
    during_V = float(line.coefficients[1])
    if step_V * during_V <= 0:
        way = "refused: the potential does not go the same way during the pulse and from rest to rest"
        return Pulse(i, start_s, tau_s, before.potential_V, step_V, during_V, np.nan, None, None, way)
    theta = filling(share, potential_V, step_V)
    reasons = [*_unsteady(before, after, step_V), *_not_linear(share, potential_V, during_V)]
    if theta >= 1:
        reasons.insert(0, f"τ is {theta:.3g} times the diffusion time L²/D")
    row = (i, start_s, tau_s, before.potential_V, step_V, during_V, theta)
    if reasons:
        return Pulse(*row, None, None, f"refused: {'; '.join(reasons)}")
    D = coefficient(tau_s, length_um, step_V / during_V)
    by_slab = theta * length_um**2 * CM2_OF_UM2 / tau_s
    return Pulse(*row, D, D * _relative_error(line, before, after, step_V) + abs(D - by_slab), "determined")


def coefficient(tau_s: float, length_um: float, ratio: float) -> float:
    """Return D in cm²/s by Weppner and Huggins from τ, L and ΔE_s/ΔE_τ."""
    return 4 / (np.pi * tau_s) * length_um**2 * CM2_OF_UM2 * ratio**2


def _relative_error(line: Fit, before: Rest, after: Rest, step_V: float) -> float:
    """Return half of the 99 % interval of D over D: scatter of potentials, and what rests have not yet come to."""
    of_step = np.hypot(before.error_V, after.error_V) / step_V
    of_slope = line.standard_error(1) / line.coefficients[1]
    still = (before.moves_V + after.moves_V) / abs(step_V)
    return float(2 * (quantile(line.freedom) * np.hypot(of_step, of_slope) + still))


def _unsteady(before: Rest, after: Rest, step_V: float) -> Iterator[str]:
    """Yield which rest still changes."""
    for name, rest in (("before", before), ("after", after)):
        share = abs(rest.drift_V / step_V)
        if share > MOST_DRIFT and rest.moves_V > 0:
            yield f"the rest {name} it is not steady: it changes by {share:.1%} of ΔE_s in its last quarter"


def _not_linear(share: Floats, potential_V: Floats, during_V: float) -> Iterator[str]:
    """Yield whether the potential bends away from √t."""
    bent = fit(np.column_stack([np.ones(len(share)), np.sqrt(share), share]), potential_V)
    bend = float(bent.coefficients[2])
    if abs(bend) > MOST_CURVATURE * abs(during_V) and abs(bend) > quantile(bent.freedom) * bent.standard_error(2):
        yield f"E is not linear in √t: a term in t makes up {abs(bend / during_V):.0%} of ΔE_τ"
