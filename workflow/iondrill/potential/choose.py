"""Which frames are worth a label: those whose environments are far from all labelled ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.geometry.descriptor import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.geometry.descriptor import Space

    Array = NDArray[np.float64]
    Numbers = NDArray[np.int_]


class Chosen(NamedTuple):
    """A frame that is chosen.

    Attributes
    ----------
    frame : int
        Its index.
    novelty : float
        Distance of its most novel environment from all chosen or known before.
    """

    frame: int
    novelty: float


def select(
    frames: Sequence[Atoms], space: Space, count: int, least: float, known: Sequence[Atoms] = ()
) -> list[Chosen]:
    """Choose frames one by one, each time the one with the environment farthest from those chosen so far.

    This is the greedy cover of Gonzalez (1985): when it stops because nothing is farther than `least`, every
    environment of every frame has a chosen or known one within that distance.

    Parameters
    ----------
    frames : sequence of Atoms
        To choose from.
    space : Space
        Where distances are measured.
    count : int
        Number of frames that are chosen at most.
    least : float
        A frame with nothing farther than this from those chosen is a duplicate, and is not.
    known : sequence of Atoms
        Frames that are labelled already.
    """
    points = [space.points(frame) for frame in frames]
    numbers = [frame.numbers for frame in frames]
    distances = [np.full(len(frame), np.inf) for frame in frames]
    for frame in known:
        _approach(distances, points, numbers, space.points(frame), frame.numbers)
    chosen: list[Chosen] = []
    left = set(range(len(frames)))
    while left and len(chosen) < count:
        novelty = {i: float(distances[i].max()) for i in sorted(left)}
        # of several whose elements are all unknown, the one with most atoms that are far
        index = max(novelty, key=lambda i: (novelty[i], float(np.minimum(distances[i], 1e3).mean())))
        if novelty[index] <= least:
            break
        chosen.append(Chosen(index, novelty[index]))
        left.remove(index)
        _approach(distances, points, numbers, points[index], numbers[index])
    return chosen


def _approach(
    distances: list[Array], points: Sequence[Array], numbers: Sequence[Numbers], new: Array, new_numbers: Numbers
) -> None:
    """Shorten the distances of all environments by those of one more frame."""
    for i, each in enumerate(points):
        distances[i] = np.minimum(distances[i], nearest(each, numbers[i], new, new_numbers))
