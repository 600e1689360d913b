"""What is around the position where ions came to rest, in the words of a row's status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.analyse.energies.row_status import SECOND_MINIMUM, Note
from iondrill.engines.neighbourhood import TOO_DEEP_EV, lowest_neighbour

if TYPE_CHECKING:
    from iondrill.engines.base import Neighbour, Neighbourhood


def around(found: Neighbourhood | None, n: int) -> list[Note]:
    """Return what the surroundings of ions have to say; nothing where all of them lie higher, or nobody has looked.

    Parameters
    ----------
    found : Neighbourhood, optional
        Of the relaxation.
    n : int
        Number of ions: energies are given for each.
    """
    if found is None:
        return []
    notes = []
    lower = lowest_neighbour(found.points, n)
    if lower is not None and lower.above_eV is not None:
        text = f"{SECOND_MINIMUM} {-lower.above_eV / n:.2f} eV lower at {_signed(lower.shift_A)} Å"
        notes.append(Note(text=text, code="second_minimum"))
    notes += [
        Note(text=f"left a minimum {one.above_eV / n:.2f} eV higher, from {_signed(one.shift_A)} Å beside it")
        for one in found.left
    ]
    for point in found.points:
        if point.above_eV is None:
            notes.append(Note(text=f"no SCF at {_signed(point.shift_A)} Å"))
        elif _too_deep(point, n):
            depth = f"{-point.above_eV / n:.1f} eV too deep"
            notes.append(Note(text=f"SCF at {_signed(point.shift_A)} Å ended {depth}, not counted"))
    return notes


def lowest_neighbour_eV(found: Neighbourhood | None, n: int) -> float | None:
    """Return the energy of the lowest neighbour over that at rest, for each ion; None if nobody has looked."""
    energies = [
        point.above_eV / n
        for point in (found.points if found else [])
        if point.above_eV is not None and not _too_deep(point, n)
    ]
    return min(energies, default=None)


def _too_deep(point: Neighbour, n: int) -> bool:
    return point.above_eV is not None and point.above_eV <= -TOO_DEEP_EV * n


def _signed(shift_A: float) -> str:
    return f"{shift_A:+.1f}".replace("-", "−")
