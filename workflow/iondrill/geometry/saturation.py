"""Hydrogen on dangling bonds."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from iondrill.geometry.bonds import find_bonds
from iondrill.geometry.labels import set_fragment

CH_A = 1.09
"""Length of a bond to a hydrogen that replaces a carbon."""


def bonded(atoms: Atoms) -> list[set[int]]:
    """Return the neighbours of each atom by covalent bonds; ions have none.

    Parameters
    ----------
    atoms : Atoms
        Not periodic.
    """
    covalent = np.isin(atoms.numbers, (1, 6, 14))
    pairs = find_bonds(atoms)
    found: list[set[int]] = [set() for _ in range(len(atoms))]
    for i, j in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True):
        if covalent[i] and covalent[j]:
            found[i].add(j)
    return found


def saturated(cluster: Atoms) -> Atoms:
    """Put hydrogen on the dangling bonds of a cluster of diamond as built, opposite to the bonds that there are.

    Parameters
    ----------
    cluster : Atoms
        Carbons of two, three and four neighbours; those of four, and of none or one, are left alone.
    """
    neighbours = bonded(cluster)
    whole = cluster.copy()
    for i, around in enumerate(neighbours):
        bonds = cluster.positions[sorted(around)] - cluster.positions[i]
        units = bonds / np.linalg.norm(bonds, axis=1, keepdims=True) if len(bonds) else bonds
        if len(around) == 3:
            directions = [-units.sum(axis=0)]
        elif len(around) == 2:
            back, aside = -units.sum(axis=0), np.cross(*units)
            back, aside = back / np.linalg.norm(back), aside / np.linalg.norm(aside)
            directions = [back * np.sqrt(1 / 3) + side * aside * np.sqrt(2 / 3) for side in (-1, 1)]
        else:
            continue
        for direction in directions:
            whole += Atoms("H", positions=[cluster.positions[i] + CH_A * direction / np.linalg.norm(direction)])
    set_fragment(whole, "nd")
    return whole
