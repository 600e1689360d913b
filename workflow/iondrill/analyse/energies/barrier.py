"""Diffusion barriers from minimum-energy paths, and the table of them: no number from an unconverged path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from iondrill.analyse.tables import write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.engines.base import Result

COLUMNS = (
    *("facet", "ion", "path", "E_forward_eV", "E_backward_eV", "length_A", "saddle_A", "level", "status"),
    *("n_images", "n_ionic_steps", "n_scf_cycles", "core_s"),
)
PROFILE = ("image", "distance_A", "energy_eV")
VALLEY_EV = 0.02
"""An image lower than both ends by more is a minimum that the path should have been split at."""


@dataclass(frozen=True)
class Barrier:
    """One row of ``barriers.csv``: an ion on its way from site to site.

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


def profile(images: Sequence[Atoms], energies_eV: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the way of the ion along a path, and the energy on it.

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


def table_row(row: Barrier) -> dict[str, str | int | float | None]:
    """Return a row of ``barriers.csv`` by column; None where there is no number to give.

    E_forward is the highest energy on the path above that of its start, and E_backward above that of its end; where
    an end is the highest, it is no barrier but the difference of the two sites.
    """
    result, (distance_A, energy_eV) = row.result, row.profile
    numbers: dict[str, float | None] = dict.fromkeys(("E_forward_eV", "E_backward_eV", "length_A", "saddle_A"))
    words: list[str] = [result.status]
    if result.status == "converged":
        top = int(np.argmax(energy_eV))
        numbers = {
            "E_forward_eV": float(energy_eV[top] - energy_eV[0]),
            "E_backward_eV": float(energy_eV[top] - energy_eV[-1]),
            "length_A": float(distance_A[-1]),
            "saddle_A": float(distance_A[top]),
        }
        if top in {0, len(energy_eV) - 1}:
            words.append("no saddle between the ends")
        if energy_eV[1:-1].min(initial=np.inf) < min(energy_eV[0], energy_eV[-1]) - VALLEY_EV:
            words.append("passes a lower minimum")
    else:
        words += [" ".join(result.attempts[-1].reason.split()) if result.attempts else "no reason given"]
    return {
        "facet": row.facet,
        "ion": row.ion,
        "path": f"{row.start} → {row.end}",
        **numbers,
        "level": result.level,
        "status": "; ".join(words),
        "n_images": len(energy_eV) or None,
        "n_ionic_steps": result.n_ionic_steps,
        "n_scf_cycles": result.n_scf_cycles,
        "core_s": result.core_s,
    }


def write_csv(rows: Iterable[Barrier], path: Path) -> None:
    """Write ``barriers.csv``."""
    write_table(path, COLUMNS, ([table_row(row)[name] for name in COLUMNS] for row in rows))


def write_profile(distance_A: NDArray[np.float64], energy_eV: NDArray[np.float64], path: Path) -> None:
    """Write ``profile.csv``: a row for each image; none for a path that did not converge."""
    pairs = zip(distance_A.tolist(), energy_eV.tolist(), strict=True)
    write_table(path, PROFILE, [(k, *pair) for k, pair in enumerate(pairs)])


def read_profile(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read what `write_profile` wrote."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    rows = np.array([[float(cell) for cell in line.split(",")[1:]] for line in lines]).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]
