"""Which frames of a run are compared with the reference, and what is cut out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.analyse.dynamics.events import first_contact
from iondrill.analyse.tables import evenly
from iondrill.potential.pieces import contact_of, cut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray

CONTACT, GRADE, EVENLY, RECORDED = "first contact", "largest grade", "evenly spaced", "recorded"
MOST_GRADED = 200
"""Frames of a run whose grade is measured, evenly spaced: of 225 atoms each takes some hundredths of a second."""


class Chosen(NamedTuple):
    """A frame to compare.

    Attributes
    ----------
    number : int
        Among the saved frames.
    why : str
        `CONTACT`, `GRADE` or `EVENLY`.
    """

    number: int
    why: str


def choose(bonds: ArrayLike, grades: Mapping[int, float], count: int) -> list[Chosen]:
    """Choose frames of a run: the first contact, the one farthest from the training, the others evenly spaced.

    The frame that the run starts from is not chosen: nothing has happened in it.

    Parameters
    ----------
    bonds : (n_frames,) array_like
        Bonds of nanodiamond and flake in each saved frame; NaN where there are none to count.
    grades : mapping
        Largest grade of some frames, by index; nothing where the level has none.
    count : int
        How many; less than `n_frames`.

    Returns
    -------
    list of Chosen
        In the order in which they were chosen, each frame once; the last frame is among those evenly spaced.
    """
    contact, chosen = first_contact(bonds), dict[int, str]()
    if contact is not None:
        chosen[contact] = CONTACT
    later = {index: grade for index, grade in grades.items() if index and index not in chosen}
    if later and len(chosen) < count:
        chosen[max(later, key=lambda index: later[index])] = GRADE
    left = [index for index in range(1, np.size(bonds)) if index not in chosen]
    wanted = count - len(chosen)
    # the last ones of equal stretches, so that the end is among them
    for k in range(wanted):
        chosen[left[(k + 1) * len(left) // wanted - 1]] = EVENLY
    return [Chosen(index, why) for index, why in chosen.items()]


def graded(n_frames: int) -> list[int]:
    """Return the indices of the frames whose grade is measured."""
    return evenly(n_frames, MOST_GRADED)


def piece_of(whole: Atoms, most: int, vacuum_A: float, seed: Sequence[int]) -> Atoms:
    """Cut a piece round the contact of a frame, and put it into a box of its own.

    Parameters
    ----------
    whole : Atoms
        Not periodic, with the array fragment.
    most : int
        Atoms of the piece, its hydrogens included.
    vacuum_A : float
        How much wider than its atoms the box is, along each axis; an engine that wants a cube takes the longest edge.
    seed : sequence of int
        Draws among the closest pairs of atoms.
    """
    frame = whole.copy()
    frame.set_constraint()
    piece = cut(frame, contact_of(frame, np.random.default_rng(list(seed))), most)
    piece.set_cell(np.ptp(piece.positions, axis=0) + vacuum_A)
    piece.center()
    return piece


def parents_of(frame: Atoms) -> NDArray[np.int_]:
    """Return for each atom of a piece its index in the whole frame; −1 for hydrogens that stand in for others."""
    if "cap" not in frame.arrays:
        return np.arange(len(frame))
    return np.where(frame.arrays["cap"].astype(bool), -1, frame.arrays["parent"])
