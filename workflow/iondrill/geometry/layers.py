"""Layers in each frame: axes of the flake, normals, gap and angle between layers, how deep, how far outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from iondrill.geometry.vectors import dot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iondrill.geometry.selection import Selection

Floats = NDArray[np.float64]

OUTSIDE_A = 2.0
"""Beyond the outermost C by more than this, an ion has left the flake: about an ion-carbon distance."""

ABOVE_A = 1.0
"""Above the upper or below the lower layer by this, an ion is on its outer side: adsorbed there it is at 1.7 Å."""


def flake_axes(flake_A: Floats, reference_A: Floats) -> Floats:
    """Return the axes of the first frame, carried along with the flake.

    The rotation R that minimises Σ|R a - b|² between the centred reference a and the centred frame b, from the
    singular value decomposition of Σ b aᵀ (Kabsch, Acta Cryst. A 32, 922 (1976)).

    Parameters
    ----------
    flake_A : (n_frames, n, 3) array
        The flake's C in each frame.
    reference_A : (n, 3) array
        The same in the first frame, centred.

    Returns
    -------
    (n_frames, 3, 3) array
        R, whose columns are the unit vectors x, y and z of the flake.
    """
    centred = flake_A - flake_A.mean(axis=1, keepdims=True)
    left, _, right = np.linalg.svd(centred.swapaxes(1, 2) @ reference_A)
    left[:, :, 2] *= np.linalg.det(left @ right)[:, None]  # a rotation, never a reflection
    return np.asarray(left @ right)


def layer_normal(layer_A: Floats, up: Floats) -> Floats:
    """Return the unit normal of each frame's least-squares plane through a layer, on the side of `up`.

    The eigenvector of Σ (r - r̄)(r - r̄)ᵀ with the least eigenvalue.

    Parameters
    ----------
    layer_A : (n_frames, n, 3) array
        The layer's C.
    up : (n_frames, 3) array
        From the lower to the upper layer.

    Returns
    -------
    (n_frames, 3) array
    """
    centred = layer_A - layer_A.mean(axis=1, keepdims=True)
    normal = np.linalg.eigh(centred.swapaxes(1, 2) @ centred).eigenvectors[:, :, 0]
    return np.where(dot(normal, up)[:, None] < 0, -normal, normal)


def gap(lower_A: Floats, upper_A: Floats, lower_normal: Floats, upper_normal: Floats) -> Floats:
    """Return the distance of two groups of atoms along the bisector of the layers' normals, in Å.

    gap = n · (mean of upper - mean of lower), n = (n_lower + n_upper) / |n_lower + n_upper|.

    Parameters
    ----------
    lower_A, upper_A : (n_frames, n, 3) array
        The C at the edge, or at the centre, of each layer.
    lower_normal, upper_normal : (n_frames, 3) array
        Of the layers, from `layer_normal`.

    Returns
    -------
    (n_frames,) array
    """
    bisector = lower_normal + upper_normal
    bisector /= np.linalg.norm(bisector, axis=1, keepdims=True)
    return dot(bisector, upper_A.mean(axis=1) - lower_A.mean(axis=1))


def opening_angle(lower_normal: Floats, upper_normal: Floats, axes: Floats) -> Floats:
    """Return the angle between the layers about the flake's y, in degrees; positive if open towards -x.

    α = atan2(n·x, n·z) of each layer; opening = α_upper - α_lower.

    Parameters
    ----------
    lower_normal, upper_normal : (n_frames, 3) array
        Of the layers.
    axes : (n_frames, 3, 3) array
        From `flake_axes`.

    Returns
    -------
    (n_frames,) array
    """
    lean = [np.arctan2(dot(n, axes[:, :, 0]), dot(n, axes[:, :, 2])) for n in (lower_normal, upper_normal)]
    return np.asarray(np.degrees(lean[1] - lean[0]))


def penetration(nd_A: Floats, edge_A: Floats, axes: Floats) -> Floats:
    """Return how far the foremost C of the nanodiamond is past the edge along the flake's x, in Å.

    max over the nanodiamond's C of r·x, minus the mean of r·x over the edge C of all layers: negative outside.

    Parameters
    ----------
    nd_A, edge_A : (n_frames, n, 3) array
        The nanodiamond's C, and the edge C of all layers.
    axes : (n_frames, 3, 3) array
        From `flake_axes`.

    Returns
    -------
    (n_frames,) array
    """
    origin = edge_A.mean(axis=1)
    return np.asarray(dot(nd_A - origin[:, None], axes[:, None, :, 0]).max(axis=1))


def outside(positions_A: Floats, axes: Floats, normals: Sequence[Floats], selection: Selection) -> NDArray[np.bool_]:
    """Say which ions have left the flake.

    An ion is out if, in the flake's xy plane, it is more than 2 Å outside any side of the outline (of the start),
    or, between two layers, more than 1 Å above the upper layer's least-squares plane or below the lower's.

    Parameters
    ----------
    positions_A : (n_frames, n_atoms, 3) array
        All atoms.
    axes : (n_frames, 3, 3) array
        From `flake_axes`.
    normals : sequence of (n_frames, 3) array
        Of the lower and the upper layer, from `layer_normal`; none of a single layer.
    selection : Selection
        From `select`.

    Returns
    -------
    (n_frames, n_ions) bool array
    """
    ions = positions_A[:, selection.ions]
    aside = (ions - positions_A[:, selection.flake].mean(axis=1, keepdims=True)) @ axes[:, :, :2]
    sides, offsets = selection.outline[:, :2], selection.outline[:, 2]
    out = (aside @ sides.T + offsets).max(axis=2) > OUTSIDE_A
    for layer, sign, normal in zip(selection.layers, (-1.0, 1.0), normals, strict=False):
        centre = positions_A[:, layer.carbon].mean(axis=1, keepdims=True)
        out |= dot(ions - centre, sign * normal[:, None]) > ABOVE_A
    return np.asarray(out)
