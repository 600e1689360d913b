"""Reconstructions: small named functions that move the top atoms of a bulk-cut slab, in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iondrill.errors import UserError
from iondrill.geometry.surfaces.lattices import crystals

if TYPE_CHECKING:
    from collections.abc import Callable

    from ase import Atoms

    from iondrill.geometry.surfaces.facet import FacetRecipe


def keep(_slab: Atoms, _recipe: FacetRecipe) -> None:
    """Leave the top as it was cut: 1×1."""


def dimerise(slab: Atoms, recipe: FacetRecipe) -> None:
    """Pair the top atoms of (100) along the first edge: dimers in rows along the second, buckled alike or flat.

    Each atom of a flat dimer keeps the length of its two bonds to the layer below.

    Parameters
    ----------
    slab : Atoms
        Bulk cut, an even number of 1×1 cells along x; tags count the layers from 1 at the top.
    recipe : FacetRecipe
        Its element and termination make the dimers' length.
    """
    dimer_A = crystals().elements[recipe.element].dimer_A["H" if recipe.hydrogenated else "clean"]
    top = np.flatnonzero(slab.get_tags() == 1)
    x = slab.positions[top, 0]
    pitch_A = slab.cell[0, 0] / len(np.unique(x.round(3)))
    column = np.rint((x - x.min()) / pitch_A).astype(int)
    side = np.where(column % 2, -1, 1)
    inwards = side * (pitch_A - np.sqrt(dimer_A**2 - recipe.buckling_A**2)) / 2
    height_A = slab.positions[top, 2].mean() - slab.positions[slab.get_tags() == 2, 2].mean()
    slab.positions[top, 0] += inwards
    slab.positions[top, 2] += np.sqrt(height_A**2 - inwards**2) - height_A + side * recipe.buckling_A / 2


def pandey(slab: Atoms, _recipe: FacetRecipe) -> None:
    """Turn the top bilayer of (111) into π-bonded zigzag chains along the second edge.

    K. C. Pandey, Phys. Rev. Lett. 47, 1913 (1981). In each 2×1 cell, of width b across the chains, the
    atoms of the third layer carry the lower chain half-way between them, and the upper chain is shifted by b/2 from it.
    The two atoms of a chain are on either side of its axis, and each keeps its position along the chain.

    Parameters
    ----------
    slab : Atoms
        Bulk cut, an even number of 1×1 cells along the first edge; tags count the layers from 1 at the top.

    Raises
    ------
    UserError
        If there is nothing below the top bilayer.
    """
    tags = slab.get_tags()
    if tags.max() < 4:
        raise UserError.of("layers", f"{tags.max()} layers are too thin for Pandey's chains", "use 4 or more")
    third = np.flatnonzero(tags == 3)
    along = slab.cell[1] / np.linalg.norm(slab.cell[1])
    across = np.cross(along, [0, 0, 1])
    offset_A = slab.positions[third] @ across
    rows_A = np.unique(offset_A.round(3))
    half_A = rows_A[1] - rows_A[0]
    # from the chain's axis, and above the third layer: 0.44, 1.46, 0.335 and 2.10 Å in diamond
    lower_A, lower_height_A, upper_A, upper_height_A = np.array([0.2014, 0.6684, 0.1534, 0.9614]) * half_A
    row = np.rint((offset_A - rows_A[0]) / half_A).astype(int)
    side = np.where(row % 2, -1.0, 1.0)[:, None] * across
    anchors = slab.positions[third]
    slab.positions[tags == 2] = anchors + side * (half_A / 2 - lower_A) + [0, 0, lower_height_A]
    slab.positions[tags == 1] = anchors - side * (half_A / 2 - upper_A) + [0, 0, upper_height_A]


RECONSTRUCT: dict[str, Callable[[Atoms, FacetRecipe], None]] = {"1x1": keep, "2x1": dimerise, "pandey": pandey}
