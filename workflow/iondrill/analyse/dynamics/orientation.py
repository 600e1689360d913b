"""How a start lies: layers in the xy plane, nanodiamond at smaller x. A start that lies otherwise is laid so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from iondrill.errors import UserError
from iondrill.geometry.labels import FACING

if TYPE_CHECKING:
    from ase import Atoms

    from iondrill.collect.remarks import Remarks

Floats = NDArray[np.float64]

TOLERANCE_DEG = 2.0
"""What is turned by less is left: over a side of 15 Å it makes 0.5 Å, within which C counts as of the edge."""

LEAST_PARALLEL_DEG = 45.0
"""Layers that are less parallel are none."""

NEAR_SIDE_A = 0.5
"""C so near a side of the outline belongs to it; see `selection.EDGE_DEPTH_A`."""

FAR_A = 1000.0
"""A point so far away is in front of that side of a flake, of whatever shape, that faces it most."""


def laid_out(atoms: Atoms, remarks: Remarks) -> Atoms:
    """Return a start with its layers in the xy plane, the upper above, and the nanodiamond at smaller x.

    z is the mean normal of the layers, from the lower to the upper. x is the inward normal of that side of the
    flake's outline that the nanodiamond lies in front of; without a nanodiamond, of the side opposite the atoms
    marked far_edge.

    Parameters
    ----------
    atoms : Atoms
        With the array fragment: nd, lower, upper, ion.
    remarks : Remarks
        Says by how much it was turned, or what could not be determined.

    Raises
    ------
    UserError
        If the layers are not parallel, or the nanodiamond is not at their edge. What else a start needs, `select` says.
    """
    fragment = np.asarray(atoms.arrays.get("fragment", np.full(len(atoms), "")))
    carbon = np.array(atoms.get_chemical_symbols()) == "C"
    layers = [atoms.positions[carbon & (fragment == name)] for name in FACING]
    if not all(len(layer) >= 3 for layer in layers if len(layer)) or not len(layers[0]):
        return atoms  # `select` says what is missing
    z = _normal([layer for layer in layers if len(layer)])
    flake = np.concatenate(layers)
    centre = flake.mean(axis=0)
    side = _front(atoms, fragment, centre)
    if side is None:
        remarks.add("the start has neither nanodiamond nor far edge: the edge is taken to be that at smallest x")
        side = -FAR_A * np.eye(3)[0]
    x = _inward(flake - centre, z, side)
    axes = np.array([x, np.cross(z, x), z])
    squared = np.round(axes)  # by right angles: what a start was turned by, more often than not
    if np.abs(axes - squared).max() <= np.sin(np.radians(TOLERANCE_DEG)):
        axes = squared
    if not (angle := _angle_deg(axes)):
        return atoms
    turned = atoms.copy()
    turned.set_positions((atoms.positions - centre) @ axes.T + centre, apply_constraint=False)
    remarks.add(f"the start was turned by {angle:.1f}°, so that layers are in xy and the nanodiamond at smaller x")
    return turned


def _angle_deg(rotation: Floats) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))))


def _normal(layers: list[Floats]) -> Floats:
    """Return the mean normal of the layers, from the first to the last; of one alone, upwards."""
    normals = [np.linalg.svd(layer - layer.mean(axis=0))[2][2] for layer in layers]
    up = layers[-1].mean(axis=0) - layers[0].mean(axis=0) if len(layers) > 1 else np.array([0, 0, 1.0])
    normals = [normal if normal @ up >= 0 else -normal for normal in normals]
    if len(normals) > 1 and normals[0] @ normals[1] < np.cos(np.radians(LEAST_PARALLEL_DEG)):
        angle = np.degrees(np.arccos(normals[0] @ normals[1]))
        raise UserError.of("the start", f"its layers are {angle:.0f}° apart", f"allowed: {LEAST_PARALLEL_DEG:.0f}°")
    mean = np.sum(normals, axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


def _front(atoms: Atoms, fragment: NDArray[np.str_], centre: Floats) -> Floats | None:
    """Return where the nanodiamond is from the centre of the flake; without one, away from the far edge."""
    if (nd := fragment == "nd").any():
        return np.asarray(atoms.positions[nd].mean(axis=0) - centre)
    far = np.asarray(atoms.arrays.get("far_edge", np.zeros(len(atoms))), dtype=bool)
    return np.asarray(centre - atoms.positions[far].mean(axis=0)) if far.any() else None


def _inward(flake_A: Floats, z: Floats, front_A: Floats) -> Floats:
    """Return the unit vector in the plane of the flake, into it from the side that a point lies in front of.

    That side is the one whose line the point is farthest outside of, fitted to the C near it.

    Parameters
    ----------
    flake_A : (n, 3) array
        The C of all layers about their mean.
    z : (3,) array
        Their normal.
    front_A : (3,) array
        The point.
    """
    from scipy.spatial import ConvexHull

    along = np.cross(z, np.eye(3)[np.abs(z).argmin()])
    plane = np.array([along / np.linalg.norm(along), np.cross(z, along) / np.linalg.norm(along)])
    flat, point = flake_A @ plane.T, plane @ front_A
    if np.linalg.norm(point) < np.linalg.norm(front_A) / 2:
        raise UserError.of("the start", "the nanodiamond is above or below the layers", "needed: beside them")
    sides = ConvexHull(flat).equations
    normal = sides[(sides[:, :2] @ point + sides[:, 2]).argmax(), :2]
    for _ in range(2):
        depth = flat @ normal
        near = flat[depth > depth.max() - NEAR_SIDE_A]
        if len(near) > 1:
            fitted = np.linalg.svd(near - near.mean(axis=0))[2][1]
            normal = fitted if fitted @ normal >= 0 else -fitted
    return np.asarray(-normal @ plane)
