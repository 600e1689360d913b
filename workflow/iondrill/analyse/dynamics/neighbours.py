"""Which atoms are near which, in many frames at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from iondrill.geometry.vectors import squared

Floats = NDArray[np.float64]

MARGIN_A = 1e-6
"""Added to what a pair can come near by: rounding."""


class Contacts(NamedTuple):
    """Pairs of atoms that come near each other in some frames, and when they are nearer than a distance.

    Attributes
    ----------
    pairs : (n_pairs, 2) int array
        Indices into the first and the second group; pairs that are not here never touch.
    touching : (n_frames, n_pairs) bool array
    """

    pairs: NDArray[np.intp]
    touching: NDArray[np.bool_]

    def of_first(self, n_atoms: int) -> NDArray[np.int_]:
        """Return how many atoms of the second group each of the first touches, (n_frames, n_atoms)."""
        member = (self.pairs[:, :1] == np.arange(n_atoms)).astype(np.float32)
        return np.asarray(self.touching.astype(np.float32) @ member, dtype=int)


def contacts(first_A: Floats, second_A: Floats, cutoff_A: float | Floats) -> Contacts:
    """Say which atoms are nearer to which than a distance; an atom in both groups does not touch itself.

    Only pairs that can come so near are looked at in every frame: those whose distance in the first frame is less
    than the cutoff and how far each of the two strays from there (Verlet, Phys. Rev. 159, 98 (1967)).

    Parameters
    ----------
    first_A : (n_frames, n, 3) array
    second_A : (n_frames, m, 3) array
    cutoff_A : float or (n,) array
        For all, or for each atom of the first group.
    """
    strays = [np.sqrt(squared(group - group[0]).max(axis=0)) for group in (first_A, second_A)]
    reach = np.reshape(cutoff_A, (-1, 1)) + strays[0][:, None] + strays[1] + MARGIN_A
    apart = first_A[0][:, None] - second_A[0]
    pairs = np.argwhere(squared(apart) < reach**2)
    distances = first_A[:, pairs[:, 0]]
    distances -= second_A[:, pairs[:, 1]]
    squares = squared(distances)
    cutoff = np.broadcast_to(cutoff_A, first_A.shape[1])[pairs[:, 0]]
    return Contacts(pairs, (squares < cutoff**2) & (squares > 0))
