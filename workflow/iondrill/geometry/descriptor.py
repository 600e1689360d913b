"""What surrounds each atom, as numbers that do not change when the frame is moved, turned or renumbered."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial.legendre import legvander
from scipy.spatial import cKDTree

from iondrill.geometry.neighbours import near

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ase import Atoms
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Numbers = NDArray[np.int_]

CUTOFF_A = 5.0
N_RADIAL = 5
L_MOST = 3


def environments(atoms: Atoms, elements: Sequence[str]) -> Array:
    """Return the power spectrum of the neighbours of each atom (Bartók, Kondor and Csányi, PRB 87, 184115, 2013).

    The density of each element about an atom is expanded in radial functions g_n(r) and spherical harmonics; summed
    over the harmonics of one l, its products depend on distances and angles alone: Σ_jk g_n(r_j) g_n'(r_k) P_l(cos).

    Parameters
    ----------
    atoms : Atoms
        Any periodicity.
    elements : sequence of str
        Those that a neighbour can be, in an order that is the same for all frames.

    Returns
    -------
    array (n_atoms, n_features)
        Square roots of the sums, with their signs, so that near and far neighbours are of one magnitude.

    Raises
    ------
    ValueError
        If an element is not in the list.
    """
    if unknown := set(atoms.get_chemical_symbols()) - set(elements):
        raise ValueError(f"no such element: {sorted(unknown)}; allowed: {list(elements)}")
    species = np.array([list(elements).index(symbol) for symbol in atoms.get_chemical_symbols()])
    pairs = near(atoms, CUTOFF_A / 2)
    radial = _radial(pairs.length_A)
    n_channels = len(elements) * N_RADIAL
    upper = np.triu_indices(n_channels)
    features = np.zeros((len(atoms), (L_MOST + 1) * len(upper[0])))
    bounds = np.searchsorted(pairs.first, np.arange(len(atoms) + 1))
    for i, (start, end) in enumerate(pairwise(bounds)):
        if start == end:
            continue
        each = slice(start, end)
        density = np.zeros((end - start, len(elements), N_RADIAL))
        density[np.arange(end - start), species[pairs.second[each]]] = radial[each]
        density = density.reshape(end - start, n_channels)
        units = pairs.vector_A[each] / pairs.length_A[each, None]
        angular = legvander(np.clip(units @ units.T, -1, 1), L_MOST)
        sums = [(density.T @ angular[:, :, order] @ density)[upper] for order in range(L_MOST + 1)]
        features[i] = np.concatenate(sums)
    return np.asarray(np.sign(features) * np.sqrt(np.abs(features)))


def _radial(lengths_A: Array) -> Array:
    """Return the radial functions of distances, shape (n, N_RADIAL): Gaussians that end smoothly at the cutoff."""
    centres = np.linspace(1.0, CUTOFF_A, N_RADIAL, endpoint=False)
    width = (CUTOFF_A - 1.0) / N_RADIAL
    ending = 0.5 * (1 + np.cos(np.pi * np.minimum(lengths_A / CUTOFF_A, 1)))
    return np.asarray(np.exp(-0.5 * ((lengths_A[:, None] - centres) / width) ** 2) * ending[:, None])


class Space:
    """Environments with a distance: features turned to their principal axes, of which the largest are kept.

    Parameters
    ----------
    elements : sequence of str
        Of all frames.
    mean : array (n_features,)
    axes : array (n_features, n_kept)
        Divided by the overall spread, so that distances are of order one.
    """

    KEPT = 32

    def __init__(self, elements: Sequence[str], mean: Array, axes: Array) -> None:
        self.elements, self.mean, self.axes = tuple(elements), mean, axes

    @classmethod
    def of(cls, frames: Sequence[Atoms], elements: Sequence[str]) -> Space:
        """Return the space that the environments of frames span."""
        features = np.concatenate([environments(frame, elements) for frame in frames])
        mean = features.mean(axis=0)
        centred = features - mean
        _, directions = np.linalg.eigh(centred.T @ centred)
        axes = directions[:, ::-1][:, : cls.KEPT]
        spread = np.sqrt((centred**2).sum() / len(centred)) or 1.0
        return cls(elements, mean, axes / spread)

    def points(self, atoms: Atoms) -> Array:
        """Return the environments of a frame's atoms, shape (n_atoms, n_kept)."""
        return np.asarray((environments(atoms, self.elements) - self.mean) @ self.axes)


def trees_of(points: Array, numbers: Numbers) -> dict[int, cKDTree]:
    """Return what is searched for near environments: for each atomic number those about an atom of it.

    Parameters
    ----------
    points : array (n, d)
        Environments.
    numbers : array (n,)
        Atomic number of the atom in the middle.
    """
    return {int(number): cKDTree(points[numbers == number]) for number in np.unique(numbers)}


def distances(points: Array, numbers: Numbers, trees: Mapping[int, cKDTree]) -> Array:
    """Return the distance of each environment, shape (n,), from the nearest one in the tree of its element.

    Infinity where the element has no tree.
    """
    found = np.full(len(points), np.inf)
    for number in np.unique(numbers):
        if (tree := trees.get(int(number))) is not None:
            found[numbers == number] = tree.query(points[numbers == number])[0]
    return found


def nearest(points: Array, numbers: Numbers, known: Array, known_numbers: Numbers) -> Array:
    """Return the distance of each environment, shape (n,), from the nearest known one about an atom of its element.

    Parameters
    ----------
    points : array (n, d)
        Environments.
    numbers : array (n,)
        Atomic number of the atom in the middle.
    known, known_numbers : arrays (m, d), (m,)
        The same of the known ones; infinity where there is none of the element.
    """
    return distances(points, numbers, trees_of(known, known_numbers))
