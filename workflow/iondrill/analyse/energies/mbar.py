"""Restrained dynamics put together: MBAR (Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008)), by pymbar."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase.units import kB
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Floats = NDArray[np.float64]


class Chain(NamedTuple):
    """Dynamics in one window, with one seed, that came from one direction.

    Attributes
    ----------
    at_A, stiffness_eV_A2 : float
        Its restraint.
    way : str
        ``in`` or ``out``.
    biased_A : (n,) array
        The coordinate that the restraint acts on, in each frame that counts.
    shown_A : (n,) array
        The order parameter.
    """

    at_A: float
    stiffness_eV_A2: float
    way: str
    biased_A: Floats
    shown_A: Floats

    def only(self, frames: slice | NDArray[np.intp]) -> Chain:
        """Return it with some of its frames."""
        return self._replace(biased_A=self.biased_A[frames], shown_A=self.shown_A[frames])


def _mbar() -> Callable[..., object]:
    """Return pymbar's solver, without what it says on import of packages that it does not need."""
    logging.getLogger("pymbar").setLevel(logging.ERROR)
    from pymbar import MBAR

    solver: Callable[..., object] = MBAR
    return solver


class Solution(NamedTuple):
    """Profile in bins, free energies of the windows in units of kT, and the overlap of neighbours."""

    profile_eV: Floats
    f: Floats
    overlap: float


def solve(
    chains: Sequence[Chain], temperature_K: float, edges_A: Floats, *, f: Floats | None = None, overlap: bool = False
) -> Solution:
    """Return the free energy in bins of the order parameter, without restraint.

    Parameters
    ----------
    chains : sequence of Chain
        Of all windows.
    temperature_K : float
        Of all.
    edges_A : (n_bins + 1,) array
        Of the bins.
    f : (n_windows,) array, optional
        Free energies of the windows to start from.
    overlap : bool
        Whether the overlap is computed.
    """
    from scipy.special import logsumexp

    chains = sorted(chains, key=lambda chain: chain.at_A)
    kT = kB * temperature_K
    states = sorted({(chain.at_A, chain.stiffness_eV_A2) for chain in chains})
    counts = np.array([sum(len(c.biased_A) for c in chains if (c.at_A, c.stiffness_eV_A2) == s) for s in states])
    biased, shown = (np.concatenate([getattr(chain, name) for chain in chains]) for name in ("biased_A", "shown_A"))
    reduced = np.array([0.5 * k * (biased - at) ** 2 / kT for at, k in states])
    solver = _mbar()
    solved = solver(reduced, counts, initial_f_k=f, relative_tolerance=1e-8, verbose=False)
    solution: Floats = np.asarray(solved.f_k)  # type: ignore[attr-defined]
    # of the state without restraint, whose reduced energy is 0
    log_weights = -logsumexp(solution[:, None] - reduced, axis=0, b=counts[:, None])
    bins = np.digitize(shown, edges_A) - 1
    sums = np.full(len(edges_A) - 1, np.nan)
    for k in range(len(sums)):
        if (inside := bins == k).any():
            sums[k] = -kT * (logsumexp(log_weights[inside]) - np.log(edges_A[k + 1] - edges_A[k]))
    least = float("nan")
    if overlap:
        matrix = np.asarray(solved.compute_overlap()["matrix"])  # type: ignore[attr-defined]
        least = float(np.minimum(np.diag(matrix, 1), np.diag(matrix, -1)).min(initial=np.inf))
    return Solution(sums - _first(sums), solution, least)


def _first(values: Floats) -> float:
    """Return the first number that there is."""
    there = np.flatnonzero(np.isfinite(values))
    return float(values[there[0]]) if len(there) else float("nan")


def correlation_frames(values: Floats) -> int:
    """Return how many frames later a series has forgotten: its statistical inefficiency, rounded up."""
    if np.ptp(values) == 0:
        return len(values)
    _mbar()
    from pymbar.timeseries import statistical_inefficiency

    return int(np.ceil(statistical_inefficiency(values)))
