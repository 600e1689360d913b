"""Products of many vectors at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def dot(a: Floats, b: Floats) -> Floats:
    """Return the dot products of the last axis, broadcasting the others."""
    return np.asarray(np.einsum("...i,...i->...", a, b))


def squared(vectors: Floats) -> Floats:
    """Return the squared lengths of the last axis."""
    return dot(vectors, vectors)
