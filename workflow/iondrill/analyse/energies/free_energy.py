"""Free energies along an order parameter from restrained dynamics: MBAR, errors from chains and blocks, convergence.

Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008), by pymbar. A restraint acts on a smooth coordinate; the profile
is that of the order parameter itself, by the weights that MBAR gives each frame without restraint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iondrill.analyse.columns import TableForm, number, text
from iondrill.analyse.energies.mbar import Chain, Solution, correlation_frames, solve

if TYPE_CHECKING:
    from collections.abc import Sequence

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
