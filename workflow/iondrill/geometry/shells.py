"""Ions spread over the surface of a cluster, and an ion on its way between two layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.data import covalent_radii

from iondrill.geometry.labels import set_fragment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

REACH_A = {"Li": 2.1, "Na": 2.5, "K": 2.9}
"""Distance from the nearest carbon at which an ion is put; from others by the difference of the covalent radii more."""
DIRECTIONS = 500


def outermost(
    atoms: Atoms, target_A: NDArray[np.float64], direction: NDArray[np.float64], reach_A: float
) -> NDArray[np.float64]:
    """Return where a ray from outside first comes as near to an atom as `reach_A` allows, Å.

    Parameters
    ----------
    atoms : Atoms
        Not periodic, or met from above.
    target_A : (3,) array
        Where the ray goes to.
    direction : (3,) array
        Unit vector from there outwards.
    reach_A : float
        From carbon; see `REACH_A`.
    """
    reach = reach_A + covalent_radii[atoms.numbers] - covalent_radii[6]
    from_target = atoms.positions - target_A
    along = from_target @ direction
    # where the ray leaves the sphere of each atom that it goes through
    inside = reach**2 - ((from_target**2).sum(axis=1) - along**2)
    hit = inside >= 0
    return np.asarray(target_A + direction * (along[hit] + np.sqrt(inside[hit])).max(initial=0.0))


def spread(n: int) -> NDArray[np.float64]:
    """Return n unit vectors spread evenly (Fibonacci's spiral), shape (n, 3)."""
    k = np.arange(n) + 0.5
    z, angle = 1 - 2 * k / n, np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(1 - z * z)
    return np.column_stack([flat * np.cos(angle), flat * np.sin(angle), z])


def alternating(filling: Mapping[str, int]) -> list[str]:
    """Return the ions of a filling in the order of their places: of two kinds as evenly mixed as can be."""
    total = sum(filling.values())
    first, *_ = filling
    share = filling[first] / total
    return [first if int((i + 1) * share + 1e-9) > int(i * share + 1e-9) else list(filling)[-1] for i in range(total)]


def with_shell(cluster: Atoms, filling: Mapping[str, int]) -> Atoms:
    """Return a cluster with ions on its surface, the last atoms, fragment "ion".

    Places are taken one by one, each time the one farthest from those taken: fewer ions are on the first places of
    more, and ions of another kind in the same directions.

    Parameters
    ----------
    cluster : Atoms
        Built or relaxed.
    filling : mapping
        Number of ions of each element.
    """
    centre = cluster.positions.mean(axis=0)
    directions = spread(DIRECTIONS)
    first = next(iter(REACH_A.values()))
    surface = np.array([outermost(cluster, centre, direction, first) for direction in directions])
    taken = [0]
    distances = np.linalg.norm(surface - surface[0], axis=1)
    while len(taken) < sum(filling.values()):
        taken.append(int(distances.argmax()))
        distances = np.minimum(distances, np.linalg.norm(surface - surface[taken[-1]], axis=1))
    whole = cluster.copy()
    fragments = whole.arrays["fragment"].tolist()
    for ion, number in zip(alternating(filling), taken, strict=False):
        whole += Atoms(ion, positions=[outermost(cluster, centre, directions[number], REACH_A[ion])])
    set_fragment(whole, fragments + ["ion"] * (len(whole) - len(fragments)))
    return whole


def way_in(flake: Atoms, ion: str, share: float, outside_A: float) -> Atoms:
    """Return a bilayer with an ion half-way between its layers, on the way from before the edge to the centre.

    Parameters
    ----------
    flake : Atoms
        Two layers in the xy plane, fragments "lower" and "upper"; the way goes along x through their centre.
    ion : str
        Chemical symbol.
    share : float
        Of the way: 0 at its begin, 1 at the centre.
    outside_A : float
        Of its begin, before the smallest x of all atoms.
    """
    centre = flake.positions[flake.numbers == 6].mean(axis=0)
    first = flake.positions[:, 0].min() - outside_A
    whole = flake.copy()
    fragments = whole.arrays["fragment"].tolist()
    whole += Atoms(ion, positions=[[first + share * (centre[0] - first), centre[1], centre[2]]])
    set_fragment(whole, [*fragments, "ion"])
    return whole
