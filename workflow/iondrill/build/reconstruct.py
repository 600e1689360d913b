"""Reconstructions: small named functions that move the top atoms of a bulk-cut slab, in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from ase import Atoms

DIMER_A = {False: 1.38, True: 1.62}
"""Length of a dimer, clean and with hydrogen."""


def keep(_slab: Atoms, _hydrogenated: bool) -> None:
    """Leave the top as it was cut: 1×1."""


def dimerise(slab: Atoms, hydrogenated: bool) -> None:
    """Pair the top atoms of (100) along the first edge: symmetric dimers, in rows along the second.

    Each atom keeps the length of its two bonds to the layer below.

    Parameters
    ----------
    slab : Atoms
        Bulk cut, an even number of 1×1 cells along x; tags count the layers from 1 at the top.
    hydrogenated : bool
        Whether hydrogen will sit on the dimers, which makes them longer.
    """
    top = np.flatnonzero(slab.get_tags() == 1)
    x = slab.positions[top, 0]
    pitch_A = np.ptp(np.unique(x.round(3))[:2])
    column = np.rint((x - x.min()) / pitch_A).astype(int)
    inwards = np.where(column % 2, -1, 1) * (pitch_A - DIMER_A[hydrogenated]) / 2
    slab.positions[top, 0] += inwards
    height_A = slab.positions[top, 2].mean() - slab.positions[slab.get_tags() == 2, 2].mean()
    slab.positions[top, 2] += np.sqrt(height_A**2 - inwards**2) - height_A


def pandey(slab: Atoms, _hydrogenated: bool) -> None:
    """Turn the top bilayer of (111) into π-bonded zigzag chains along the second edge.

    K. C. Pandey, Phys. Rev. Lett. 47, 1913 (1981). In each 2×1 cell, of width b across the chains, the
    atoms of the third layer carry the lower chain half-way between them, and the upper chain b/2 beside it.
    The two atoms of a chain stand to either side of its axis, and each keeps its place along the chain.

    Parameters
    ----------
    slab : Atoms
        Bulk cut, an even number of 1×1 cells along the first edge; tags count the layers from 1 at the top.
    _hydrogenated : bool
        Without a meaning here: the chains have no dangling bonds.
    """
    lower_A, lower_height_A = 0.44, 1.46  # from the chain's axis, above the third layer
    upper_A, upper_height_A = 0.335, 2.10
    tags = slab.get_tags()
    third = np.flatnonzero(tags == 3)
    along = slab.cell[1] / np.linalg.norm(slab.cell[1])
    across = np.cross(along, [0, 0, 1])
    offset_A = slab.positions[third] @ across
    rows_A = np.unique(offset_A.round(3))
    half_A = rows_A[1] - rows_A[0]
    row = np.rint((offset_A - rows_A[0]) / half_A).astype(int)
    side = np.where(row % 2, -1.0, 1.0)[:, None] * across
    anchors = slab.positions[third]
    slab.positions[tags == 2] = anchors + side * (half_A / 2 - lower_A) + [0, 0, lower_height_A]
    slab.positions[tags == 1] = anchors - side * (half_A / 2 - upper_A) + [0, 0, upper_height_A]


RECONSTRUCT: dict[str, Callable[[Atoms, bool], None]] = {"1x1": keep, "2x1": dimerise, "pandey": pandey}
