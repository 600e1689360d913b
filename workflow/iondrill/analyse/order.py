"""Order parameters of a nanodiamond at the edge of a lithiated bilayer.

All are read in the frame of the flake: the rotation that best lays the flake's carbon of the first frame over that
of the frame at hand carries the axes of the first frame (layers in the xy plane, insertion along +x) along. So
nothing depends on how the whole drifts or turns. Positions must not be wrapped into the box.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iondrill.analyse.selection import Selection, select
from iondrill.analyse.tables import write_table
from iondrill.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.prepare.frames import Frames

Floats = NDArray[np.float64]

CC_BOND_A = 1.85
"""Two C nearer than this are bonded: half-way between a bond (1.54) and second neighbours (2.2 and more)."""

CH_BOND_A = 1.30
OUTSIDE_A = 2.0
"""Beyond the outermost C by more than this, an ion has left the flake: about an ion-carbon distance."""

ABOVE_A = 1.0
"""Above the upper or below the lower layer by this, an ion is on its outer side: adsorbed there it is at 1.7 Å."""

COLUMNS = (
    *("step", "time_fs", "temperature_K", "potential_eV", "conserved_eV"),
    *("gap_edge_A", "gap_centre_A", "opening_angle_deg", "penetration_A"),
    *("nd_flake_bonds", "nd_sp3_fraction", "ion_carbon_cn", "ions_expelled"),
)


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
    return np.asarray(normal * np.where(_dot(normal, up) < 0, -1.0, 1.0)[:, None])


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
    return _dot(bisector, upper_A.mean(axis=1) - lower_A.mean(axis=1))


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
    lean = [np.arctan2(_dot(n, axes[:, :, 0]), _dot(n, axes[:, :, 2])) for n in (lower_normal, upper_normal)]
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
    return np.asarray(_dot(nd_A - origin[:, None], axes[:, None, :, 0]).max(axis=1))


def contacts(first_A: Floats, second_A: Floats, cutoff_A: float | Floats) -> NDArray[np.bool_]:
    """Say which atoms are nearer to which than a distance; an atom in both groups touches itself.

    Parameters
    ----------
    first_A : (n_frames, n, 3) array
    second_A : (n_frames, m, 3) array
    cutoff_A : float or (n,) array
        For all, or for each atom of the first group.

    Returns
    -------
    (n_frames, n, m) bool array
    """
    origin = first_A.mean(axis=1, keepdims=True)  # small numbers: nothing cancels in the squares
    first, second = first_A - origin, second_A - origin
    squared = (first**2).sum(axis=2)[:, :, None] + (second**2).sum(axis=2)[:, None]
    squared -= 2 * first @ second.swapaxes(1, 2)
    return np.asarray(squared < np.square(cutoff_A).reshape(-1, 1))


def expelled(positions_A: Floats, axes: Floats, selection: Selection) -> NDArray[np.int_]:
    """Count the ions that have left the flake.

    An ion is out if, in the flake's xy plane, it is more than 2 Å outside any side of the outline (of the first
    frame), or, between two layers, more than 1 Å above the upper layer's least-squares plane or below the lower's.

    Parameters
    ----------
    positions_A : (n_frames, n_atoms, 3) array
        All atoms.
    axes : (n_frames, 3, 3) array
        From `flake_axes`.
    selection : Selection
        From `select`.

    Returns
    -------
    (n_frames,) int array
    """
    ions = positions_A[:, selection.ions]
    aside = (ions - positions_A[:, selection.flake].mean(axis=1, keepdims=True)) @ axes[:, :, :2]
    sides, offsets = selection.outline[:, :2], selection.outline[:, 2]
    out = (aside @ sides.T + offsets).max(axis=2) > OUTSIDE_A
    if selection.upper is not None:
        for layer, sign in ((selection.lower, -1.0), (selection.upper, 1.0)):
            carbon = positions_A[:, layer.carbon]
            outward = sign * layer_normal(carbon, axes[:, :, 2])
            out |= _dot(ions - carbon.mean(axis=1, keepdims=True), outward[:, None]) > ABOVE_A
    return np.asarray(out.sum(axis=1))


def geometry(positions_A: Floats, selection: Selection) -> dict[str, NDArray[Any]]:
    """Return the order parameters that positions decide.

    Bonds between nanodiamond and flake are pairs of C nearer than 1.85 Å. A C of the nanodiamond is sp³ if it has
    four neighbours: C nearer than 1.85 Å, H nearer than 1.30 Å. An ion's coordination number is the number of all C
    nearer than 2.86 (Li), 3.14 (Na) or 3.47 Å (K); its mean over the ions is given.

    Parameters
    ----------
    positions_A : (n_frames, n_atoms, 3) array
        Some frames.
    selection : Selection
        From `select`.

    Returns
    -------
    dict of (n_frames,) array
        By column; without those of a nanodiamond, ions or second layer that are not there.
    """
    lower, upper = selection.lower, selection.upper
    axes = flake_axes(positions_A[:, selection.flake], selection.reference_A)
    columns: dict[str, NDArray[Any]] = {}
    if upper is not None:
        down, up = (layer_normal(positions_A[:, layer.carbon], axes[:, :, 2]) for layer in (lower, upper))
        columns["gap_edge_A"] = gap(positions_A[:, lower.edge], positions_A[:, upper.edge], down, up)
        columns["gap_centre_A"] = gap(positions_A[:, lower.centre], positions_A[:, upper.centre], down, up)
        columns["opening_angle_deg"] = opening_angle(down, up, axes)
    if len(selection.nd):
        nd = positions_A[:, selection.nd]
        edge = positions_A[:, np.concatenate([layer.edge for layer in selection.layers])]
        columns["penetration_A"] = penetration(nd, edge, axes)
        to_flake = contacts(nd, positions_A[:, selection.flake], CC_BOND_A)
        neighbours = to_flake.sum(axis=2) + contacts(nd, nd, CC_BOND_A).sum(axis=2) - 1
        neighbours += contacts(nd, positions_A[:, selection.hydrogen], CH_BOND_A).sum(axis=2)
        columns["nd_flake_bonds"] = to_flake.sum(axis=(1, 2))
        columns["nd_sp3_fraction"] = (neighbours == 4).mean(axis=1)
    if len(selection.ions):
        touching = contacts(positions_A[:, selection.ions], positions_A[:, selection.carbon], selection.contact_A)
        columns["ion_carbon_cn"] = touching.sum(axis=2).mean(axis=1)
        columns["ions_expelled"] = expelled(positions_A, axes, selection)
    return columns


def order_parameters(frames: Frames, atoms: Atoms) -> dict[str, NDArray[Any] | None]:
    """Return all order parameters of a run, in one pass over its frames.

    Parameters
    ----------
    frames : Frames
        The run.
    atoms : Atoms
        Species and the array fragment.

    Returns
    -------
    dict of (n_frames,) array
        One for each of `COLUMNS`; None for what the run does not have (nanodiamond, ions, second layer).

    Raises
    ------
    UserError
        If the atoms do not fit the frames, or a position is not a number.
    """
    if frames.n_atoms != len(atoms):
        raise UserError.of(frames.path, f"holds {frames.n_atoms} atoms", f"the structure of the run has {len(atoms)}")
    selection = select(atoms, frames[0]["positions_A"])
    parts = []
    for chunk in frames.chunks():
        finite = np.isfinite(chunk["positions_A"]).all(axis=(1, 2))
        if not finite.all():
            step = chunk["step"][finite.argmin()]
            raise UserError.of(frames.path, f"the positions of step {step} are not all numbers")
        part = geometry(chunk["positions_A"], selection)
        parts.append({name: chunk[name] for name in COLUMNS if name in frames.fields} | part)
    return {name: np.concatenate([part[name] for part in parts]) if name in parts[0] else None for name in COLUMNS}


def write_csv(columns: dict[str, NDArray[Any] | None], path: Path) -> None:
    """Write ``order_parameters.csv``; a column that is None stays empty."""
    n_frames = len(next(column for column in columns.values() if column is not None))
    lists = [[None] * n_frames if column is None else column.tolist() for column in columns.values()]
    write_table(path, tuple(columns), zip(*lists, strict=True))


def _dot(a: Floats, b: Floats) -> Floats:
    """Return the dot products of the last axis, broadcasting the others."""
    return np.asarray((a * b).sum(axis=-1))
