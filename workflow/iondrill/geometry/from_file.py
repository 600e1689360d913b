"""Clusters and flakes from structure files: in one piece, without periodicity, layers flat and one upon the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np

from iondrill.config.base import Ion
from iondrill.errors import UserError
from iondrill.geometry.bonds import find_bonds
from iondrill.geometry.constraints import fix, fixed_directions, turned
from iondrill.geometry.flake import label_layers, mark_far_edge
from iondrill.geometry.labels import FACING
from iondrill.geometry.pieces import join

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FARTHEST_A = 8.0
"""No layer and no ion of a flake is farther from the rest."""
FLAT = 0.75
"""Mean square of the cosine between the normals of the atoms and that of the flake: 1 if flat, 1/3 if in no plane."""
THICKEST_A = 2.0
"""Carbon of a single layer spans no more along z."""
LYING_DEG = 0.1
"""A flake that is tilted or turned by less is left as it is."""
ALONG_AXES = 0.4
"""Mean of Σuᵢ⁴ over the bonds u of fourfold carbon: 1/3 if they lie along <111>, 3/5 if anyhow."""


def as_cluster(atoms: Atoms, path: Path) -> None:
    """Make a cluster of what a file holds, in place: one piece in vacuum.

    Raises
    ------
    UserError
        If it is of several pieces, or continues through its cell.
    """
    ions = np.isin(atoms.get_chemical_symbols(), get_args(Ion))
    pieces = [piece for piece in join(atoms, ions, path) if not ions[piece].any()]
    if len(pieces) > 1:
        found = f"is of {len(pieces)} pieces: {_formulas(atoms, pieces)}"
        raise UserError.of(path, found, "allowed for a cluster: one piece")


def as_flake(atoms: Atoms, path: Path) -> None:
    """Make a flake of what a file holds, in place: layers in the xy plane, bonds along x, labels, the far edge.

    Raises
    ------
    UserError
        If it is of more than two layers, its layers are not flat or not one upon the other, or a piece is far away.
    """
    ions = np.isin(atoms.get_chemical_symbols(), get_args(Ion))
    pieces = join(atoms, ions, path)
    layers = [piece for piece in pieces if not ions[piece].any()]
    if not (atoms.symbols == "C").any():
        raise UserError.of(path, f"holds no carbon ({atoms.get_chemical_formula()})")
    labelled = "fragment" in atoms.arrays
    if not labelled and len(layers) > len(FACING):
        found = f"is of {len(layers)} pieces besides ions: {_formulas(atoms, layers)}"
        raise UserError.of(path, found, "allowed for a flake: one or two layers, or labels in the column fragment")
    _lay_flat(atoms, layers, path)
    _turn_about_z(atoms, layers, path)
    if not labelled:
        _check_stack(atoms, layers, path)
        label_layers(atoms)
    _check_reach(atoms, pieces, path)
    if "far_edge" not in atoms.arrays:
        mark_far_edge(atoms)


def check_axes(cluster: Atoms, where: object) -> None:
    """Raise a UserError unless the crystal axes of a diamond lie along x, y and z, as far as its bonds show."""
    bonds = find_bonds(cluster)
    carbon = cluster.numbers == 6
    fourfold = np.bincount(bonds.first[carbon[bonds.first] & carbon[bonds.second]], minlength=len(cluster)) == 4
    units = (bonds.vector_A / bonds.length_A[:, None])[fourfold[bonds.first] & carbon[bonds.second]]
    if len(units) and (found := float((units**4).sum(axis=1).mean())) > ALONG_AXES:
        raise UserError.of(
            where,
            f"the bonds of its fourfold carbon do not lie along <111> (mean of Σu⁴ {found:.2f}, at most {ALONG_AXES})",
            "allowed with a tip of Miller indices: crystal axes along x, y and z; or tip: atom",
        )


def _lay_flat(atoms: Atoms, layers: list[NDArray[np.intp]], path: Path) -> None:
    """Turn the normal of the layers to +z, the upper one of two labelled ones up."""
    covalent = np.zeros(len(atoms), dtype=bool)
    covalent[np.concatenate(layers)] = True
    normals = _normals(atoms, covalent)
    if not len(normals):
        raise UserError.of(path, "has no two bonds that span a plane", "allowed for a flake: layers of carbon")
    shares, axes = np.linalg.eigh(normals.T @ normals / len(normals))
    if shares[-1] < FLAT:
        found = f"its bonds lie in no common plane (mean cos² of the normals {shares[-1]:.2f})"
        raise UserError.of(path, found, f"allowed for a flake: flat layers, at least {FLAT}")
    up = axes[:, -1] * (1 if axes[np.abs(axes[:, -1]).argmax(), -1] > 0 else -1)
    if abs(axes[2, -1]) > 1e-6:
        up = axes[:, -1] * np.sign(axes[2, -1])
    centres = [atoms.positions[atoms.arrays.get("fragment", np.empty(0)) == name] for name in FACING]
    if all(map(len, centres)) and (centres[1].mean(axis=0) - centres[0].mean(axis=0)) @ up < 0:
        up = -up
    if up[2] < np.cos(np.radians(LYING_DEG)):
        _rotate(atoms, _shortest_turn(up), path)


def _turn_about_z(atoms: Atoms, layers: list[NDArray[np.intp]], path: Path) -> None:
    """Turn a flake about z until C–C bonds lie along x, as those of recipes do: zigzag sides face -x and +x."""
    carbon = np.flatnonzero(atoms.numbers == 6)
    bonds = find_bonds(atoms)
    own = np.isin(bonds.first, carbon) & np.isin(bonds.second, carbon) & np.isin(bonds.first, np.concatenate(layers))
    x, y, _ = bonds.vector_A[own].T
    order = np.exp(6j * np.arctan2(y, x)).mean() if own.any() else 0.0
    angle = -np.angle(order) / 6
    if abs(order) > 0.5 and abs(angle) > np.radians(LYING_DEG):
        cosine, sine = np.cos(angle), np.sin(angle)
        _rotate(atoms, np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]), path)


def _check_stack(atoms: Atoms, layers: list[NDArray[np.intp]], path: Path) -> None:
    """Raise a UserError unless each layer is thin, and of two one lies upon the other."""
    carbon = [atoms.positions[piece[atoms.numbers[piece] == 6]] for piece in layers]
    if any(len(own) == 0 for own in carbon):
        raise UserError.of(
            path, f"has pieces without carbon: {_formulas(atoms, layers)}", "allowed for a flake: layers"
        )
    spans = [np.ptp(own[:, 2]) for own in carbon]
    if max(spans) > THICKEST_A:
        found = f"has a layer {max(spans):.2f} Å thick"
        allowed = f"allowed for a flake: at most {THICKEST_A} Å, or the labels lower and upper in the column fragment"
        raise UserError.of(path, found, allowed)
    if len(carbon) == len(FACING):
        low, high = sorted(carbon, key=lambda own: float(own[:, 2].mean()))
        aside_A = np.linalg.norm((high.mean(axis=0) - low.mean(axis=0))[:2])
        if high[:, 2].min() <= low[:, 2].max() or aside_A > np.ptp(low[:, :2], axis=0).max():
            found = f"has two pieces side by side: {_formulas(atoms, layers)}"
            raise UserError.of(path, found, "allowed for a flake: one layer, or two of which one lies upon the other")


def _check_reach(atoms: Atoms, pieces: list[NDArray[np.intp]], path: Path) -> None:
    """Raise a UserError if a piece is far from all others."""
    for piece in pieces if len(pieces) > 1 else []:
        rest = np.setdiff1d(np.arange(len(atoms)), piece)
        apart_A = np.linalg.norm(atoms.positions[piece, None] - atoms.positions[rest], axis=2).min()
        if apart_A > FARTHEST_A:
            found = f"has {_formulas(atoms, [piece])} {apart_A:.1f} Å away from the rest"
            raise UserError.of(path, found, f"allowed for a flake: at most {FARTHEST_A:.0f} Å")


def _normals(atoms: Atoms, covalent: NDArray[np.bool_]) -> Floats:
    """Return the unit normals (m, 3) of the planes of atoms with two or three bonds, of either sign."""
    bonds = find_bonds(atoms)
    bonds = bonds.select(covalent[bonds.first] & covalent[bonds.second])
    found = []
    for atom in np.flatnonzero(np.bincount(bonds.first, minlength=len(atoms)) >= 2):
        arms = bonds.vector_A[bonds.first == atom]
        arms = arms / np.linalg.norm(arms, axis=1, keepdims=True)
        if len(arms) > 2:
            arms = arms[1:] - arms[0]  # the plane of the neighbours, however far the atom is above it
        normal = np.cross(arms[0], arms[1])
        if (length := np.linalg.norm(normal)) > 0.1:
            found.append(normal / length)
    return np.array(found).reshape(-1, 3)


def _shortest_turn(up: Floats) -> Floats:
    """Return the rotation (3, 3) that takes a unit vector to +z by the smallest angle."""
    axis = np.cross(up, [0, 0, 1])
    cosine = up[2]
    if np.linalg.norm(axis) < 1e-9:
        return np.diag([1.0, 1.0, 1.0]) if cosine > 0 else np.diag([1.0, -1.0, -1.0])
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1 + cosine))


def _rotate(atoms: Atoms, rotation: Floats, path: Path) -> None:
    """Turn a structure, its cell and the directions in which it is fixed about its centre."""
    fixed = turned(fixed_directions(atoms, path), rotation, path)
    centre = atoms.positions.mean(axis=0)
    atoms.positions = (atoms.positions - centre) @ rotation.T + centre
    atoms.cell[:] = atoms.cell.array @ rotation.T
    fix(atoms, fixed)


def _formulas(atoms: Atoms, pieces: list[NDArray[np.intp]]) -> str:
    """Return the formulas of some pieces."""
    names = [str(atoms.symbols[piece].formula.format("hill")) for piece in pieces]
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
