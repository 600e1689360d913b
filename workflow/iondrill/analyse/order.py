"""Order parameters of a nanodiamond at the edge of a lithiated bilayer; docs/order-parameters.md has the formulas.

All are read in the frame of the flake: the rotation that best lays the flake's carbon of the start structure over
that of the frame at hand carries the axes of the start (layers in the xy plane, insertion along +x) along. So
nothing depends on how the whole drifts or turns. Positions must not be wrapped into the box.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iondrill.analyse.selection import Selection, select
from iondrill.analyse.tables import write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ase import Atoms

    from iondrill.collect.xyz import Chunk

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]

CC_BOND_A = 1.85
"""Two C nearer than this are bonded: half-way between a bond (1.54) and second neighbours (2.2 and more)."""

CH_BOND_A = 1.30
MARGIN_A = 1e-6
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


class Contacts(NamedTuple):
    """Pairs of atoms that come near each other in some frames, and when they are nearer than a distance.

    Attributes
    ----------
    pairs : (n_pairs, 2) int array
        Indices into the first and the second group; pairs that are not here never touch.
    touching : (n_frames, n_pairs) bool array
    """

    pairs: NDArray[np.intp]
    touching: NDArray[np.bool_]

    def of_first(self, n_atoms: int) -> NDArray[np.int_]:
        """Return how many atoms of the second group each of the first touches, (n_frames, n_atoms)."""
        member = (self.pairs[:, :1] == np.arange(n_atoms)).astype(np.float32)
        return np.asarray(self.touching.astype(np.float32) @ member, dtype=int)


def contacts(first_A: Floats, second_A: Floats, cutoff_A: float | Floats) -> Contacts:
    """Say which atoms are nearer to which than a distance; an atom in both groups does not touch itself.

    Only pairs that can come so near are looked at in every frame: those whose distance in the first frame is less
    than the cutoff and how far each of the two strays from there (Verlet, Phys. Rev. 159, 98 (1967)).

    Parameters
    ----------
    first_A : (n_frames, n, 3) array
    second_A : (n_frames, m, 3) array
    cutoff_A : float or (n,) array
        For all, or for each atom of the first group.
    """
    strays = [np.sqrt(_squared(group - group[0]).max(axis=0)) for group in (first_A, second_A)]
    reach = np.reshape(cutoff_A, (-1, 1)) + strays[0][:, None] + strays[1] + MARGIN_A
    apart = first_A[0][:, None] - second_A[0]
    pairs = np.argwhere(_squared(apart) < reach**2)
    distances = first_A[:, pairs[:, 0]]
    distances -= second_A[:, pairs[:, 1]]
    squared = _squared(distances)
    cutoff = np.broadcast_to(cutoff_A, first_A.shape[1])[pairs[:, 0]]
    return Contacts(pairs, (squared < cutoff**2) & (squared > 0))


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
        out |= _dot(ions - centre, sign * normal[:, None]) > ABOVE_A
    return np.asarray(out)


class Observed(NamedTuple):
    """What some frames show.

    Attributes
    ----------
    columns : dict of (n_frames,) array
        By name in `COLUMNS`; without those of a nanodiamond, ions or second layer that are not there.
    bonds : Contacts
        Of the C of the nanodiamond with those of the flake; no pairs without one.
    outside : (n_frames, n_ions) bool array
        Which ions have left the flake.
    """

    columns: Columns
    bonds: Contacts
    outside: NDArray[np.bool_]


def geometry(positions_A: Floats, selection: Selection) -> Observed:
    """Return what positions decide.

    Bonds between nanodiamond and flake are pairs of C nearer than 1.85 Å. A C of the nanodiamond is sp³ if it has
    four neighbours: C nearer than 1.85 Å, H nearer than 1.30 Å. An ion's coordination number is the number of all C
    nearer than 2.86 (Li), 3.14 (Na) or 3.47 Å (K); its mean over the ions is given.

    Parameters
    ----------
    positions_A : (n_frames, n_atoms, 3) array
        Some frames.
    selection : Selection
        From `select`.
    """
    lower, upper = selection.lower, selection.upper
    axes = flake_axes(positions_A[:, selection.flake], selection.reference_A)
    columns: Columns = {}
    normals: list[Floats] = []
    if upper is not None:
        normals = [layer_normal(positions_A[:, layer.carbon], axes[:, :, 2]) for layer in (lower, upper)]
        columns["gap_edge_A"] = gap(positions_A[:, lower.edge], positions_A[:, upper.edge], *normals)
        columns["gap_centre_A"] = gap(positions_A[:, lower.centre], positions_A[:, upper.centre], *normals)
        columns["opening_angle_deg"] = opening_angle(normals[0], normals[1], axes)
    nd, ions = positions_A[:, selection.nd], positions_A[:, selection.ions]
    bonds = contacts(nd, positions_A[:, selection.flake], CC_BOND_A)
    if n_nd := len(selection.nd):
        edge = positions_A[:, np.concatenate([layer.edge for layer in selection.layers])]
        columns["penetration_A"] = penetration(nd, edge, axes)
        neighbours = bonds.of_first(n_nd) + contacts(nd, nd, CC_BOND_A).of_first(n_nd)
        neighbours += contacts(nd, positions_A[:, selection.hydrogen], CH_BOND_A).of_first(n_nd)
        columns["nd_flake_bonds"] = bonds.touching.sum(axis=1)
        columns["nd_sp3_fraction"] = (neighbours == 4).mean(axis=1)
    out = np.zeros((len(positions_A), 0), dtype=bool)
    if n_ions := len(selection.ions):
        out = outside(positions_A, axes, normals, selection)
        near = contacts(ions, positions_A[:, selection.carbon], selection.contact_A)
        columns["ion_carbon_cn"] = near.touching.sum(axis=1) / n_ions
        columns["ions_expelled"] = out.sum(axis=1)
    return Observed(columns, bonds, out)


def order_parameters(chunks: Iterable[Chunk], atoms: Atoms) -> Iterator[Observed]:
    """Yield what the frames of a trajectory show, in one pass.

    Parameters
    ----------
    chunks : iterable of dict of arrays
        From `iondrill.collect.readers`.
    atoms : Atoms
        The start structure: species, the array fragment, layers in the xy plane and nanodiamond at smaller x.

    Yields
    ------
    Observed
        For each chunk; step, time, temperature and energies, where the trajectory has them, are among the columns.

    Raises
    ------
    UserError
        If the structure has no flake; or what the chunks raise.
    """
    selection = select(atoms, atoms.positions)
    for chunk in chunks:
        seen = geometry(chunk["positions_A"], selection)
        yield seen._replace(columns={name: chunk[name] for name in COLUMNS if name in chunk} | seen.columns)


def write_csv(parts: Iterable[Columns], path: Path) -> None:
    """Write ``order_parameters.csv`` as the parts come; what they do not have stays empty."""
    write_table(path, COLUMNS, (row for part in parts for row in _rows(part)))


def _rows(columns: Columns) -> Iterator[tuple[float | None, ...]]:
    n_frames = len(columns["step"])
    lists = [columns[name].tolist() if name in columns else [None] * n_frames for name in COLUMNS]
    return zip(*lists, strict=True)


def _dot(a: Floats, b: Floats) -> Floats:
    """Return the dot products of the last axis, broadcasting the others."""
    return np.asarray(np.einsum("...i,...i->...", a, b))


def _squared(vectors: Floats) -> Floats:
    """Return the squared lengths of the last axis."""
    return _dot(vectors, vectors)
