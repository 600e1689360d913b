"""A nanodiamond before the edge of a flake, in its box."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from iondrill.errors import UserError
from iondrill.geometry.flake import mark_far_edge
from iondrill.geometry.labels import FACING, set_fragment
from iondrill.geometry.recipes import CubicBox

if TYPE_CHECKING:
    from numpy.typing import NDArray

from iondrill.geometry.recipes import AssemblyRecipe, FittedBox

HEIGHTS = {"gap": 0.5, "layer": 1.0, "above": 1.5}
"""Of the centre of the nanodiamond, in gaps above the lower layer."""
LEAST_MARGIN_A = 4.0
"""From any nucleus to the wall: the density of the valence electrons has decayed there."""


def assemble(cluster: Atoms | None, flake: Atoms, recipe: AssemblyRecipe) -> Atoms:
    """Put a nanodiamond before an edge of a flake, ready to move along +x between the layers.

    The tip direction of the nanodiamond points to +x, through its centroid, at the height that the recipe says and
    level with the flake in y. About x it is turned so that the <110> direction that is most nearly
    normal to the tip lies along y: the (110) mirror plane of the diamond then falls into the xz plane, which is
    also a mirror plane of the flake, so that a map in this plane runs through atoms of both.

    With edge "zigzag" a straight side of the flake faces the tip. The sides of these flakes are all zigzag;
    with "armchair" the flake is turned by 30° about z, and a corner faces the tip: the pair of bonded C-H
    there is an armchair edge, the only one such a flake has, and the tip moves along the armchair normal.

    Parameters
    ----------
    cluster : Atoms or None
        The nanodiamond with its crystal axes along x, y, z, as built or relaxed; None for the control without.
    flake : Atoms
        Layers in the xy plane, with the array fragment, as built or relaxed. A far_edge array is kept unless
        the flake is turned; it is made when it is missing.
    recipe : AssemblyRecipe
        Tip, edge, distance, height and box.

    Returns
    -------
    Atoms
        Non-periodic, centred in its box; arrays fragment and far_edge (False for the nanodiamond); without the
        constraints of the parts.

    Raises
    ------
    UserError
        If the box leaves less than 4 Å on any side, or cluster or flake has no carbon.
    """
    sheet = _bare(flake)
    if recipe.edge == "armchair":
        sheet.rotate(30, "z", center=sheet.positions.mean(axis=0))
    if recipe.edge == "armchair" or "far_edge" not in sheet.arrays:
        mark_far_edge(sheet)
    if cluster is None:
        return boxed(sheet, recipe.box)
    diamond = _bare(cluster)
    set_fragment(diamond, "nd")
    diamond.set_array("far_edge", np.zeros(len(diamond), dtype=bool))
    carbon = diamond.symbols == "C"
    if not carbon.any():
        raise UserError.of("cluster", f"holds no carbon ({diamond.get_chemical_formula()})")
    diamond.positions = (diamond.positions - diamond.positions.mean(axis=0)) @ _axes(recipe.tip, diamond).T
    if not (sheet.symbols == "C").any():
        raise UserError.of("flake", f"holds no carbon ({sheet.get_chemical_formula()})")
    edge_x, middle = _entrance(sheet, HEIGHTS[recipe.height])
    tip_x = diamond.positions[carbon, 0].max()
    diamond.translate([edge_x - recipe.distance_A - tip_x, *middle])
    return boxed(diamond + sheet, recipe.box)


def boxed(atoms: Atoms, box: FittedBox | CubicBox) -> Atoms:
    """Return the atoms centred in a non-periodic box.

    Parameters
    ----------
    atoms : Atoms
        The solute.
    box : FittedBox or CubicBox
        An edge, or the vacuum between the solute and its image (half of it on each side).

    Raises
    ------
    UserError
        If less than 4 Å remain between an atom and the wall.
    """
    extent = np.ptp(atoms.positions, axis=0)
    if isinstance(box, CubicBox):
        edges = np.full(3, box.edge_A)
    else:
        edges = (np.full(3, extent.max()) if box.cubic else extent) + box.vacuum_A
    if (edges - extent).min() < 2 * LEAST_MARGIN_A - 1e-6:  # of rounding
        raise UserError.of(
            "box",
            f"{edges.min():.1f} Å leaves {(edges - extent).min() / 2:.1f} Å on each side of a solute of "
            f"{extent.max():.1f} Å",
            f"allowed: at least {LEAST_MARGIN_A} Å on each side",
        )
    placed = atoms.copy()
    placed.pbc = False
    placed.cell = np.diag(edges)
    placed.positions += edges / 2 - (placed.positions.min(axis=0) + placed.positions.max(axis=0)) / 2
    return placed


def _bare(atoms: Atoms) -> Atoms:
    """Return symbols, positions, and of the arrays fragment and far_edge those that there are."""
    bare = Atoms(atoms.get_chemical_symbols(), positions=atoms.positions)
    if "fragment" in atoms.arrays:
        set_fragment(bare, atoms.arrays["fragment"])
    if "far_edge" in atoms.arrays:
        bare.set_array("far_edge", atoms.arrays["far_edge"])
    return bare


def _axes(tip: tuple[int, int, int] | str, diamond: Atoms) -> NDArray[np.float64]:
    """Return the rotation (3, 3) whose rows are the directions that become x, y and z."""
    if isinstance(tip, str):
        from_centroid = diamond.positions - diamond.positions.mean(axis=0)
        forward = from_centroid[np.linalg.norm(from_centroid, axis=1).argmax()]
    else:
        forward = np.array(tip, dtype=float)
    forward /= np.linalg.norm(forward)
    unit = np.eye(3)
    across = np.array([unit[i] + sign * unit[j] for i, j in combinations(range(3), 2) for sign in (-1, 1)])
    aside = across[np.round(np.abs(across @ forward), 6).argmin()]
    aside = aside - (aside @ forward) * forward
    aside /= np.linalg.norm(aside)
    return np.array([forward, aside, np.cross(forward, aside)])


def _entrance(sheet: Atoms, height: float) -> tuple[float, NDArray[np.float64]]:
    """Return the smallest x of the flake's C, and y and z of a point at a height, in gaps from the lower layer."""
    carbon = sheet.symbols == "C"
    layers = [carbon & (sheet.arrays["fragment"] == name) for name in FACING]
    lower, *upper = (sheet.positions[layer, 1:].mean(axis=0) for layer in layers if layer.any())
    point = lower if not upper else lower + height * (upper[0] - lower)
    return float(sheet.positions[carbon, 0].min()), np.asarray(point)
