"""Diffusion barriers from minimum-energy paths, and the table of them: no number from an unconverged path."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from iondrill.analyse.columns import TableForm, number, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.engines.base import Result

VALLEY_EV = 0.02
"""An image lower than both ends by more is a minimum that the path should have been split at."""


@dataclass(frozen=True)
class Barrier:
    """One row of ``barriers.csv``: an ion that moves from site to site.

    Parameters
    ----------
    facet, ion, start, end : str
        Names; the sites are those where the ends relaxed.
    result : Result
        Of the path.
    profile : tuple of arrays (n,), (n,)
        Distance that the ion has gone, Å, and energy, eV, of each image, the ends included; empty if the path did
        not converge.
    """

    facet: str
    ion: str
    start: str
    end: str
    result: Result
    profile: tuple[NDArray[np.float64], NDArray[np.float64]]

    @cached_property
    def top(self) -> int | None:
        """The image of highest energy; None if the path did not converge."""
        return int(np.argmax(self.profile[1])) if self.result.status == "converged" else None

    def above_eV(self, end: int) -> float | None:
        """Return the highest energy on the path above that of an end, 0 or -1."""
        energy_eV = self.profile[1]
        return None if self.top is None else float(energy_eV[self.top] - energy_eV[end])

    def path_length_A(self, image: int | None) -> float | None:
        """Return how far the ion has gone at an image; None if the path did not converge."""
        return None if self.top is None or image is None else float(self.profile[0][image])

    @property
    def status(self) -> str:
        """``converged`` and what there is to say, or why there is no number."""
        words: list[str] = [self.result.status]
        energy_eV = self.profile[1]
        if self.top is None:
            return "; ".join([*words, self.result.why])
        if self.top in {0, len(energy_eV) - 1}:
            words.append("no saddle between the ends")
        if energy_eV.min() < min(energy_eV[0], energy_eV[-1]) - VALLEY_EV:
            words.append("passes a lower minimum")
        return "; ".join(words)


BARRIERS = TableForm[Barrier](
    "an ion that moves from a site to another",
    (
        text("facet", "name of the facet"),
        text("ion", "the ion"),
        text("path", "start → end", lambda row: f"{row.start} → {row.end}"),
        number(
            "E_forward_eV",
            "the highest energy on the path above that of its start; where an end is the highest, no barrier but the "
            "difference of the two sites",
            lambda row: row.above_eV(0),
        ),
        number("E_backward_eV", "the same above that of its end", lambda row: row.above_eV(-1)),
        number("length_A", "length of the ion's path from end to end", lambda row: row.path_length_A(-1)),
        number("saddle_A", "length of the ion's path to the highest image", lambda row: row.path_length_A(row.top)),
        text("level", "level of theory", lambda row: row.result.level),
        text("status", "`converged`, or why there is no number"),
        number("n_images", "images, the ends included", lambda row: len(row.profile[1]) or None),
        number("n_ionic_steps", "steps of the search", lambda row: row.result.n_ionic_steps),
        number("n_scf_cycles", "SCF cycles of the search", lambda row: row.result.n_scf_cycles),
        number("core_s", "core seconds of the search", lambda row: row.result.core_s),
    ),
)
"""``barriers.csv``."""
PROFILE = TableForm[tuple[int, float, float]](
    "an image of a path; no row for one that did not converge",
    (
        number("image", "from 0 at the start", lambda row: row[0]),
        number("distance_A", "length of the ion's path", lambda row: row[1]),
        number("energy_eV", "above that of the start", lambda row: row[2]),
    ),
)
"""``profile.csv`` of the job of a path."""


def profile(images: Sequence[Atoms], energies_eV: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distance of the ion along a path, and the energy on it.

    Parameters
    ----------
    images : sequence of Atoms
        From end to end; the ion is the last atom.
    energies_eV : sequence of float
        Of each; none of a path that did not converge.

    Returns
    -------
    distance_A, energy_eV : (n,) arrays
        Both from zero at the first image; empty without energies.
    """
    if not energies_eV:
        return np.empty(0), np.empty(0)
    steps = np.linalg.norm(np.diff([image.positions[-1] for image in images], axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)]), np.asarray(energies_eV) - energies_eV[0]


def write_profile(distance_A: NDArray[np.float64], energy_eV: NDArray[np.float64], path: Path) -> None:
    """Write ``profile.csv``: a row for each image; none for a path that did not converge."""
    pairs = zip(distance_A.tolist(), energy_eV.tolist(), strict=True)
    PROFILE.write(((k, *pair) for k, pair in enumerate(pairs)), path)


def read_profile(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read what `write_profile` wrote."""
    table = PROFILE.read(path)
    return table.numbers("distance_A"), table.numbers("energy_eV")
