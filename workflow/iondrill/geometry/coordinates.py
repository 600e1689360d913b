"""Order parameters as smooth functions of positions, with their gradients: what a restraint acts on.

`penetration_A` and `gap_edge_A` as `iondrill.analyse.dynamics.order` defines them, in the frame of the flake. The
foremost carbon of the nanodiamond is a maximum, which has a kink where another one takes over; here it is
ln Σ exp(β s) / β, at most ln(n)/β above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from iondrill.errors import UserError
from iondrill.geometry.layers import flake_axes, gap, layer_normal

if TYPE_CHECKING:
    from collections.abc import Callable

    from iondrill.geometry.selection import Selection

Floats = NDArray[np.float64]
SHARPNESS = 10.0
"""β, 1/Å: two atoms as far forward as each other count as one that is 0.07 Å farther."""


def penetration(positions: Floats, selection: Selection) -> tuple[float, Floats]:
    """Return how far the foremost carbon of the nanodiamond is past the edge, and the gradient.

    s = ln Σ_k exp(β (r_k - o)·x) / β over the nanodiamond's C, o the mean of the edge C of all layers, x the axis that
    the flake carries along. With w_k the weights of the sum and c = Σ w_k (r_k - o): ∂s/∂r_k = w_k x, less as much for
    the edge, and what turning the axis adds, c·∂x.

    Parameters
    ----------
    positions : (n_atoms, 3) array
        Å, not wrapped.
    selection : Selection
        From `select`, of the start structure.

    Returns
    -------
    float
        Å; negative outside.
    (n_atoms, 3) array
        Without unit.
    """
    edge = np.concatenate([layer.edge for layer in selection.layers])
    axes = flake_axes(positions[None, selection.flake], selection.reference_A)[0]
    x = axes[:, 0]
    offsets = positions[selection.nd] - positions[edge].mean(axis=0)
    along = offsets @ x
    weights = np.exp(SHARPNESS * (along - along.max()))
    value = float(along.max() + np.log(weights.sum()) / SHARPNESS)
    weights /= weights.sum()
    gradient = np.zeros_like(positions)
    gradient[selection.nd] += weights[:, None] * x
    gradient[edge] -= x / len(edge)
    gradient[selection.flake] += _axis_gradient(positions, selection, axes, weights @ offsets)
    return value, gradient


def _axis_gradient(positions: Floats, selection: Selection, axes: Floats, c: Floats) -> Floats:
    """Return ∂(c·x)/∂r of the flake's C, for a constant c and the axis x = R e_x that minimises Σ|R a - b|².

    R is the polar factor of H = Σ b aᵀ = R S. A change of H turns R by the vector α in the frame of the reference,
    (tr S - S) α = vee(Rᵀ ∂H - ∂Hᵀ R), and c·x by α·(e_x × Rᵀ c).
    """
    reference = selection.reference_A
    flake = positions[selection.flake]
    stretch = axes.T @ (flake - flake.mean(axis=0)).T @ reference
    lever = np.cross([1.0, 0.0, 0.0], axes.T @ c)
    q = np.linalg.solve(np.trace(stretch) * np.eye(3) - stretch, lever)
    return np.asarray(reference @ _cross_matrix(q).T @ axes.T)


def _cross_matrix(vector: Floats) -> Floats:
    """Return the matrix whose product with another vector is the cross product."""
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def gap_edge(positions: Floats, selection: Selection) -> tuple[float, Floats]:
    """Return the distance of the layers' edges along the bisector of their normals, and the gradient.

    g = n·d, n = (n_lower + n_upper)/|n_lower + n_upper|, d between the means of the edge C. A normal is the eigenvector
    v₀ of least eigenvalue of M = Σ r rᵀ, and ∂v₀ = Σ_k v_k (v_kᵀ ∂M v₀)/(λ₀ - λ_k).

    Parameters
    ----------
    positions : (n_atoms, 3) array
        Å, not wrapped.
    selection : Selection
        From `select`, of the start structure; of two layers.

    Returns
    -------
    float
        Å.
    (n_atoms, 3) array
        Without unit.
    """
    lower, upper = selection.layers
    axes = flake_axes(positions[None, selection.flake], selection.reference_A)
    normals = [layer_normal(positions[None, layer.carbon], axes[:, :, 2]) for layer in (lower, upper)]
    value = float(gap(positions[None, lower.edge], positions[None, upper.edge], *normals)[0])
    apart = positions[upper.edge].mean(axis=0) - positions[lower.edge].mean(axis=0)
    both = (normals[0] + normals[1])[0]
    length = float(np.linalg.norm(both))
    bisector = both / length
    gradient = np.zeros_like(positions)
    gradient[upper.edge] += bisector / len(upper.edge)
    gradient[lower.edge] -= bisector / len(lower.edge)
    u = (apart - (bisector @ apart) * bisector) / length
    for layer, normal in zip((lower, upper), normals, strict=True):
        gradient[layer.carbon] += _normal_gradient(positions[layer.carbon], normal[0], u)
    return value, gradient


def _normal_gradient(layer: Floats, normal: Floats, u: Floats) -> Floats:
    """Return ∂(u·n)/∂r of a layer's C, for a constant u and the normal n of its least-squares plane."""
    centred = layer - layer.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    gradient = np.zeros_like(layer)
    for k in (1, 2):
        v = vectors[:, k]
        share = (u @ v) / (values[0] - values[k])
        gradient += share * (np.outer(centred @ normal, v) + np.outer(centred @ v, normal))
    return gradient


COORDINATES: dict[str, Callable[[Floats, Selection], tuple[float, Floats]]] = {
    "penetration_A": penetration,
    "gap_edge_A": gap_edge,
}
"""By the name of the order parameter."""


def check_has(coordinate: str, selection: Selection) -> None:
    """Raise a UserError if a structure has no such order parameter: no nanodiamond, or no second layer."""
    lacks = {"penetration_A": not len(selection.nd), "gap_edge_A": selection.upper is None}
    if lacks[coordinate]:
        needed = {"penetration_A": "a nanodiamond", "gap_edge_A": "two layers"}
        raise UserError.of(coordinate, "the structure has no such order parameter", f"needed: {needed[coordinate]}")
