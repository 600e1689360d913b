"""The electron localisation function at the contacts of the drill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.analyse.columns import TableForm, number, text
from iondrill.analyse.elf.formula import elf_of

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.analyse.density.wavefunction import Wavefunction

# Shannon's ionic radii (Acta Cryst. A 32, 751 (1976), CN 6): inside are an ion's own core shells.
ION_RADII_A = {"Li": 0.76, "Na": 1.02, "K": 1.38}
LINE_STEP_A = 0.01


@dataclass(frozen=True)
class ContactElf:
    """The ELF at a contact.

    Parameters
    ----------
    pair : str
        ``ion-carbon``, ``nd-flake``, ``flake-sigma`` or ``between-layers``.
    distance_A : float
        Of the two nuclei.
    elf_midpoint : float
        ELF half-way between the nuclei.
    elf_min, elf_max : float
        Extremes along the line between the nuclei, outside their cores (`core_radius_A`).
    """

    pair: str
    distance_A: float
    elf_midpoint: float
    elf_min: float
    elf_max: float


class FrameContact(NamedTuple):
    """A row of ``summary.csv``."""

    step: int
    time_fs: float
    contact: ContactElf


CONTACTS = TableForm[FrameContact](
    "the shortest contact of a kind in a frame; the ELF is that along the line between the nuclei, outside their cores",
    (
        number("step", "of the frame", hidden=True),
        number("time_fs", "of the frame", heading="Time", digits=1),
        text(
            "pair",
            "`ion-carbon`, `nd-flake`, `flake-sigma` (two C of a layer) or `between-layers`; or, alone in its row, "
            "that an event of `elf.events` did not happen: `no layers opened`",
            lambda row: row.contact.pair,
            heading="Contact",
            role="name",
        ),
        number("distance_A", "of the nuclei", lambda row: row.contact.distance_A, heading="Distance", digits=3),
        number("elf_midpoint", "ELF half-way", lambda row: row.contact.elf_midpoint, heading="ELF half-way", digits=3),
        number("elf_min", "its minimum", lambda row: row.contact.elf_min, heading="ELF min", digits=3),
        number("elf_max", "its maximum", lambda row: row.contact.elf_max, heading="ELF max", digits=3),
    ),
)
"""``elf/<run>/summary.csv``, and that of each frame."""


def contact_pairs(atoms: Atoms) -> dict[str, tuple[int, int]]:
    """Return the shortest contact of each kind.

    Parameters
    ----------
    atoms : Atoms
        A molecule with the array ``fragment``: nd, lower, upper, ion.

    Returns
    -------
    dict
        ``ion-carbon`` (any carbon), ``nd-flake`` and ``between-layers`` (carbons of either side), ``flake-sigma``
        (two carbons of the same layer) to the indices of the two atoms; kinds that do not occur are left out.
    """
    fragment, carbon = atoms.arrays["fragment"], atoms.numbers == 6
    lower, upper = carbon & (fragment == "lower"), carbon & (fragment == "upper")
    kinds = {
        "ion-carbon": [(fragment == "ion", carbon)],
        "nd-flake": [(carbon & (fragment == "nd"), lower | upper)],
        "flake-sigma": [(lower, lower), (upper, upper)],
        "between-layers": [(lower, upper)],
    }
    shortest = {
        kind: [pair for a, b in sides if (pair := _shortest(atoms, a, b)) is not None] for kind, sides in kinds.items()
    }
    return {
        kind: min(pairs, key=lambda pair: float(atoms.get_distance(*pair))) for kind, pairs in shortest.items() if pairs
    }


def _shortest(atoms: Atoms, a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[int, int] | None:
    """Return the nearest two different atoms, one of each selection."""
    first, second = np.flatnonzero(a), np.flatnonzero(b)
    distances = np.linalg.norm(atoms.positions[first, None] - atoms.positions[None, second], axis=-1)
    distances[first[:, None] == second[None, :]] = np.inf
    if not np.isfinite(distances).any():
        return None
    i, j = np.unravel_index(int(distances.argmin()), distances.shape)
    return int(first[i]), int(second[j])


def core_radius_A(symbol: str) -> float:
    """Return the radius about a nucleus whose ELF tells of its core, not of a bond.

    Shannon's ionic radius for Li, Na and K (within lie the 1s or 2s2p shells that a semicore potential keeps), half
    the covalent radius else (within lies the hole that a pseudopotential leaves).
    """
    from ase.data import atomic_numbers, covalent_radii

    return ION_RADII_A.get(symbol, 0.5 * float(covalent_radii[atomic_numbers[symbol]]))


def contact_elf(wavefunction: Wavefunction, atoms: Atoms) -> list[ContactElf]:
    """Return the ELF at the shortest contact of each kind.

    Parameters
    ----------
    wavefunction : Wavefunction
        Of these atoms.
    atoms : Atoms
        In the frame of the wavefunction (`Wavefunction.moved_to`), with the array ``fragment``.

    Returns
    -------
    list of ContactElf
        In the order of `contact_pairs`. If two cores leave no gap, the extremes are those of the midpoint.
    """
    return [_along(wavefunction, atoms, pair, first, second) for pair, (first, second) in contact_pairs(atoms).items()]


def _along(wavefunction: Wavefunction, atoms: Atoms, pair: str, first: int, second: int) -> ContactElf:
    start, end = atoms.positions[[first, second]]
    distance = float(np.linalg.norm(end - start))
    low = core_radius_A(atoms[first].symbol)
    high = max(low, distance - core_radius_A(atoms[second].symbol))
    between = np.linspace(low, high, int((high - low) / LINE_STEP_A) + 2 if high > low else 0)
    along = np.concatenate([[distance / 2], between]) / distance
    elf = elf_of(wavefunction.evaluate(start + along[:, None] * (end - start)))
    return ContactElf(pair, distance, float(elf[0]), float(elf.min()), float(elf.max()))
