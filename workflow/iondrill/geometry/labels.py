"""Which fragment each atom belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np

from iondrill.config.base import Fragment

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike

FACING = ("lower", "upper")
"""The two layers between which a nanodiamond would enter."""
SHEETS = ("below", *FACING, "above")
"""All layers of a flake, from the bottom up."""
WIDTH = max(map(len, get_args(Fragment)))


def set_fragment(atoms: Atoms, names: ArrayLike) -> None:
    """Set the array fragment, wide enough for every label.

    ASE gives joined structures the string width of the first one and cuts longer labels silently; with this
    width none is longer.

    Parameters
    ----------
    atoms : Atoms
        Changed in place.
    names : str or array_like of str, shape (n,)
        One label for all atoms, or one for each.
    """
    atoms.arrays["fragment"] = np.broadcast_to(np.asarray(names, dtype=f"<U{WIDTH}"), len(atoms)).copy()
