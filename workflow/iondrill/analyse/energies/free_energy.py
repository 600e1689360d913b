"""Free energies along an order parameter from restrained dynamics: MBAR, errors from chains and blocks, convergence.

Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008), by pymbar. A restraint acts on a smooth coordinate; the profile
is that of the order parameter itself, by the weights that MBAR gives each frame without restraint.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase.units import kB
from numpy.typing import NDArray

from iondrill.analyse.columns import TableForm, number, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Floats = NDArray[np.float64]

RESAMPLES = 50
LEAST_BLOCKS = 5
"""Independent blocks that a chain has to have, or its error is not known."""
LEAST_OVERLAP = 0.03
"""Of neighbouring windows: below it, what joins them is chance (Klimovich, Shirts and Mobley 2015)."""
MOST_APART_EV = 0.2
"""How far halves, or directions, may be apart, root mean square over the bins: as far as an error of 0.1 eV leaves, of
which each half has √2 times as much and their difference twice. In units of the profile's own error they cannot be
judged: it holds how much directions differ."""


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


class Curve(NamedTuple):
    """A free energy, zero in the first bin that has frames.

    Attributes
    ----------
    coordinate_A, free_energy_eV, error_eV : (n_bins,) array
        Middle of each bin, value and standard error; NaN without frames.
    first_half_eV, second_half_eV, in_eV, out_eV : (n_bins,) array
        The same from parts of the frames.
    samples : (n_bins,) int array
        Frames.
    highest_eV, highest_error_eV, highest_at_A : float
        The highest point.
    end_eV, end_error_eV : float
        In the last bin.
    halves_eV, ways_eV : float
        How far both halves, and both directions, are apart: root mean square over the bins; NaN of one alone.
    overlap : float
        The least of neighbouring windows.
    flaw : str
        Why it is not converged; nothing if it is.
    """

    coordinate_A: Floats
    free_energy_eV: Floats
    error_eV: Floats
    first_half_eV: Floats
    second_half_eV: Floats
    in_eV: Floats
    out_eV: Floats
    samples: NDArray[np.intp]
    highest_eV: float
    highest_error_eV: float
    highest_at_A: float
    end_eV: float
    end_error_eV: float
    halves_eV: float
    ways_eV: float
    overlap: float
    flaw: str


class Point(NamedTuple):
    """A row of ``free_energy.csv``."""

    profile: str
    run: str
    coordinate: str
    coordinate_A: float
    free_energy_eV: float | None
    error_eV: float | None
    first_half_eV: float | None
    second_half_eV: float | None
    in_eV: float | None
    out_eV: float | None
    samples: int
    level: str


FREE_ENERGY = TableForm[Point](
    "a bin of a profile; none of one of which a window did not converge",
    (
        text("profile", "its name"),
        text("run", "whose assembly and temperature it has"),
        text("coordinate", "the order parameter"),
        number("coordinate_A", "middle of the bin", heading="at"),
        number("free_energy_eV", "above that of the first bin; empty without frames"),
        number("error_eV", "standard error of it: bootstrap over seeds, directions and blocks", heading="error"),
        number("first_half_eV", "the same from the first half of each window", heading="first half"),
        number("second_half_eV", "from the second half", heading="second half"),
        number("in_eV", "from the windows that were steered inwards", heading="in"),
        number("out_eV", "from those that were steered outwards", heading="out"),
        number("samples", "frames in the bin"),
        text("level", "level of theory"),
    ),
)
"""``free_energy.csv``."""


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


def curve(chains: Sequence[Chain], temperature_K: float, edges_A: Floats, seed: int = 0) -> Curve:
    """Return the free energy along an order parameter, its error, and how far it is converged.

    Of each window, chains (a seed, a direction) are drawn with replacement, and of each chain blocks as long as its
    memory; the scatter of 50 such draws is the error, for few chains larger by √(c/(c − 1)), since c of them scatter
    about their own mean. With one chain a window, nothing is known of others.

    Parameters
    ----------
    chains : sequence of Chain
        Of all windows, without the beginning that does not count.
    temperature_K : float
        Of all.
    edges_A : (n_bins + 1,) array
        Of the bins.
    seed : int
        Of the draws.
    """
    whole = solve(chains, temperature_K, edges_A, overlap=True)
    memory = [max(map(correlation_frames, (chain.biased_A, chain.shown_A))) for chain in chains]
    draws = np.array(_draws(chains, memory, temperature_K, edges_A, (seed, whole.f)))
    windows = {chain.at_A for chain in chains}
    per_window = len(chains) / len(windows)
    few = np.sqrt(per_window / (per_window - 1)) if per_window > 1 else 1.0
    error = few * _spread(draws)
    top = int(np.nanargmax(whole.profile_eV))
    parts = {
        "first_half_eV": [chain.only(slice(None, len(chain.shown_A) // 2)) for chain in chains],
        "second_half_eV": [chain.only(slice(len(chain.shown_A) // 2, None)) for chain in chains],
        "in_eV": [chain for chain in chains if chain.way == "in"],
        "out_eV": [chain for chain in chains if chain.way == "out"],
    }
    nothing = np.full(len(edges_A) - 1, np.nan)
    partly = {
        name: solve(part, temperature_K, edges_A).profile_eV if {chain.at_A for chain in part} == windows else nothing
        for name, part in parts.items()
    }
    halves_eV = _apart(partly["first_half_eV"], partly["second_half_eV"])
    ways_eV = _apart(partly["in_eV"], partly["out_eV"])
    blocks = [len(chain.shown_A) // frames for chain, frames in zip(chains, memory, strict=True)]
    last = np.flatnonzero(np.isfinite(whole.profile_eV))[-1]
    shown = np.concatenate([chain.shown_A for chain in chains])
    return Curve(
        coordinate_A=(edges_A[1:] + edges_A[:-1]) / 2,
        free_energy_eV=whole.profile_eV,
        error_eV=error,
        **partly,
        samples=np.histogram(shown, edges_A)[0],
        highest_eV=float(whole.profile_eV[top]),
        highest_error_eV=float(few * _spread(np.nanmax(draws, axis=1))),
        highest_at_A=float((edges_A[top] + edges_A[top + 1]) / 2),
        end_eV=float(whole.profile_eV[last]),
        end_error_eV=float(error[last]),
        halves_eV=halves_eV,
        ways_eV=ways_eV,
        overlap=whole.overlap,
        flaw=_flaw(halves_eV, ways_eV, whole, min(blocks)),
    )


def _draws(
    chains: Sequence[Chain],
    memory: Sequence[int],
    temperature_K: float,
    edges_A: Floats,
    start: tuple[int, Floats],
) -> list[Floats]:
    """Return the profiles of resampled chains, each of resampled blocks."""
    seed, f = start
    random = np.random.default_rng(seed)
    of_window: dict[float, list[int]] = {}
    for index, chain in enumerate(chains):
        of_window.setdefault(chain.at_A, []).append(index)
    found = []
    for _ in range(RESAMPLES):
        drawn = [index for same in of_window.values() for index in random.choice(same, len(same))]
        resampled = [chains[index].only(_blocks(len(chains[index].shown_A), memory[index], random)) for index in drawn]
        found.append(solve(resampled, temperature_K, edges_A, f=f).profile_eV)
    return found


def _blocks(n: int, length: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Return frames of blocks drawn with replacement, about as many as there are."""
    starts = random.integers(n - length + 1, size=max(1, n // length))
    frames: NDArray[np.intp] = (starts[:, None] + np.arange(length)).ravel()
    return frames


def _spread(draws: Floats) -> Floats:
    """Return the standard deviation over the draws that have frames; NaN where fewer than two have."""
    there = np.isfinite(draws).sum(axis=0)
    filled = np.where(np.isfinite(draws), draws, 0.0)
    mean = filled.sum(axis=0) / np.maximum(there, 1)
    squares = np.where(np.isfinite(draws), (draws - mean) ** 2, 0.0).sum(axis=0)
    return np.where(there > 1, np.sqrt(squares / np.maximum(there - 1, 1)), np.nan)


def _apart(one: Floats, other: Floats) -> float:
    """Return how far two profiles are apart, root mean square; the first bin, where both are zero, does not count."""
    off = (one - other)[1:]
    off = off[np.isfinite(off)]
    return float(np.sqrt(np.mean(off**2))) if len(off) else float("nan")


def _flaw(halves_eV: float, ways_eV: float, whole: Solution, blocks: int) -> str:
    """Say why a profile is not converged; nothing if it is."""
    if np.isnan(whole.profile_eV).any():
        return f"{int(np.isnan(whole.profile_eV).sum())} bins have no frame"
    if whole.overlap < LEAST_OVERLAP:
        return f"neighbouring windows overlap by {whole.overlap:.1%}, {LEAST_OVERLAP:.0%} needed"
    if blocks < LEAST_BLOCKS:
        return f"a window has {blocks} independent blocks, {LEAST_BLOCKS} needed: longer windows"
    for what, apart_eV in (("halves", halves_eV), ("directions", ways_eV)):
        if apart_eV > MOST_APART_EV:
            return f"the {what} are {apart_eV:.2f} eV apart, {MOST_APART_EV:g} eV allowed"
    return ""
