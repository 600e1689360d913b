"""Stacked hexagonal graphene flakes with ions between them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, get_args

import numpy as np
from ase import Atoms

from iondrill.config.base import Ion
from iondrill.errors import UserError
from iondrill.geometry.labels import SHEETS, set_fragment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iondrill.geometry.recipes import FlakeRecipe, Intercalant

STACKS = {1: ("lower",), 2: ("lower", "upper"), 3: ("lower", "upper", "above"), 4: SHEETS}
"""Labels of the layers, from the bottom up, by their number: the nanodiamond faces the gap of lower and upper."""
EDGE_DEPTH_A = 1.7
CH_BOND_BELOW_A = 1.4


def build_flake(recipe: FlakeRecipe) -> Atoms:
    """Build one to four stacked flakes with ions over the hexagon centres.

    A flake of order n has n hexagons along each edge: C(6n²)H(6n), with six zigzag edges. Its sides face
    the directions 0°, 60°, … and its corners 30°, 90°, …, so that the sides at -x and +x are zigzag edges and
    C-C bonds lie along x. In AB stacking every second layer is shifted by one bond along +x.

    Ions lie half-way in each gap, over the hexagon centres of the first layer, in the √3×√3 pattern of LiC6 (ion-ion
    distance three bonds). Of the pattern's registries the one is taken whose ions lie most balanced and close
    about the centre of the flake; "full" takes the fullest. Fewer ions than the full pattern fill it from the
    centre.

    Parameters
    ----------
    recipe : FlakeRecipe
        Order, stacking, distances and ions.

    Returns
    -------
    Atoms
        Layers in the xy plane, the first at z = 0, centred about x = y = 0, without a cell. Arrays: fragment
        (the `STACKS`, and "ion") and far_edge (see `mark_far_edge`).

    Raises
    ------
    UserError
        If the flake has no room for the ions.
    """
    centres = _hexagons(recipe.ring_order)
    sheet = _sheet(centres, recipe)
    atoms = Atoms()
    for layer, name in enumerate(STACKS[recipe.layers]):
        one = sheet.copy()
        one.translate([recipe.cc_A * (layer % 2) * (recipe.stacking == "AB"), 0, recipe.gap_A * layer])
        set_fragment(one, name)
        atoms += one
    if recipe.ions is not None:
        sites = _pattern(centres, recipe.ions) * recipe.cc_A
        for gap in range(max(recipe.layers - 1, 1)):
            positions = np.insert(sites, 2, recipe.gap_A * (gap + 0.5), axis=1)
            ions = Atoms([recipe.ions.element] * len(sites), positions=positions)
            set_fragment(ions, "ion")
            atoms += ions
    mark_far_edge(atoms)
    return atoms


def mark_far_edge(atoms: Atoms) -> None:
    """Set the boolean array far_edge: what holds the flake while a nanodiamond comes from -x.

    It marks, in each layer, the C atoms within 1.7 Å of the layer's largest x, and the H bonded to them: the
    outermost zigzag chain of a zigzag edge, or the two outer rows, six C, of a corner.

    Parameters
    ----------
    atoms : Atoms
        A flake with the array fragment; changed in place.
    """
    symbols, fragment = np.array(atoms.get_chemical_symbols()), atoms.arrays["fragment"]
    far = np.zeros(len(atoms), dtype=bool)
    for layer in SHEETS:
        carbon = (fragment == layer) & (symbols == "C")
        hydrogen = np.flatnonzero((fragment == layer) & (symbols == "H"))
        if not carbon.any():
            continue
        x = atoms.positions[:, 0]
        edge = carbon & (x >= x[carbon].max() - EDGE_DEPTH_A)
        apart = atoms.positions[hydrogen, None] - atoms.positions[None, edge]
        bonded = (np.linalg.norm(apart, axis=2) < CH_BOND_BELOW_A).any(axis=1)
        far |= edge
        far[hydrogen[bonded]] = True
    atoms.set_array("far_edge", far)


def label_layers(atoms: Atoms) -> None:
    """Set the array fragment of a flake that came without: "ion", "lower" and "upper".

    Li, Na and K are ions; of the others those above the middle height are "upper" if the C span more than 2 Å
    along z (two layers), else all are "lower".

    Parameters
    ----------
    atoms : Atoms
        Layers in the xy plane; changed in place.

    Raises
    ------
    UserError
        If there is no carbon.
    """
    symbols, z = np.array(atoms.get_chemical_symbols()), atoms.positions[:, 2]
    if "C" not in symbols:
        raise UserError.of("flake", f"holds no carbon ({atoms.get_chemical_formula()})")
    low, high = z[symbols == "C"].min(), z[symbols == "C"].max()
    fragment = np.where((z > (low + high) / 2) & (high - low > 2.0), "upper", "lower")
    set_fragment(atoms, np.where(np.isin(symbols, get_args(Ion)), "ion", fragment))


def _hexagons(order: int) -> NDArray[np.int_]:
    """Return the hexagons of a flake in steps along the lattice vectors at 30° and 90°, shape (n, 2)."""
    steps = range(1 - order, order)
    return np.array([(i, j) for i, j in product(steps, steps) if abs(i + j) < order])


def _plane(hexagons: NDArray[np.int_]) -> NDArray[np.float64]:
    """Return the centres of hexagons in units of the bond, shape (n, 2)."""
    return np.asarray(hexagons @ np.array([[1.5, np.sqrt(0.75)], [0.0, np.sqrt(3.0)]]))


def _sheet(hexagons: NDArray[np.int_], recipe: FlakeRecipe) -> Atoms:
    """Return one layer at z = 0: the corners of the hexagons, and H on the C with two neighbours, if it is wanted."""
    angles = np.radians(np.arange(0, 360, 60))
    corners = np.column_stack([np.cos(angles), np.sin(angles)])
    every = (_plane(hexagons)[:, None] + corners).reshape(-1, 2)
    # the nearest corners are one bond apart: a grid of 0.001 bond distinguishes them
    carbon = every[np.unique(np.round(every, 3) + 0.0, axis=0, return_index=True)[1]]
    apart = carbon[None] - carbon[:, None]
    bonded = np.abs(np.linalg.norm(apart, axis=2) - 1) < 0.01
    outer = bonded.sum(axis=1) == 2
    outward = -(apart * bonded[..., None]).sum(axis=1)[outer]
    hydrogen = carbon[outer] * recipe.cc_A + recipe.ch_A * outward / np.linalg.norm(outward, axis=1, keepdims=True)
    if not recipe.edge_hydrogen:
        hydrogen = hydrogen[:0]
    plane = np.vstack([carbon * recipe.cc_A, hydrogen])
    return Atoms("C" * len(carbon) + "H" * len(hydrogen), positions=np.insert(plane, 2, 0.0, axis=1))


def _pattern(hexagons: NDArray[np.int_], ions: Intercalant) -> NDArray[np.float64]:
    """Return the sites of the ions in units of the bond, shape (count, 2)."""
    # every third hexagon is one registry of √3×√3; the third registry is the mirror image of the second
    registries = [_plane(hexagons[(hexagons[:, 0] - hexagons[:, 1]) % 3 == shift]) for shift in (0, 1)]
    most = max(map(len, registries))
    count = most if ions.count == "full" else ions.count
    if count > most:
        raise UserError.of(
            "ions.count", f"found {count}", f"allowed: at most {most} in the √3×√3 pattern of this flake"
        )
    chosen = [_from_centre(sites, count) for sites in registries if len(sites) >= count]
    return min(chosen, key=_off_balance)


def _off_balance(sites: NDArray[np.float64]) -> tuple[float, float]:
    """Return how far the mean of the sites lies from the centre, and then how far they spread."""
    return round(float(np.linalg.norm(sites.mean(axis=0))), 6), round(float((sites**2).sum()), 6)


def _from_centre(sites: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Take sites shell by shell from the centre, and of the last shell those spread evenly about it."""
    distance = np.round(np.linalg.norm(sites, axis=1), 6)
    x, y = (np.round(sites, 6) + 0.0).T  # no -0.0, whose angle would be -180°
    angle = np.arctan2(y, x)
    taken: list[int] = []
    for radius in np.unique(distance):
        shell = np.flatnonzero(distance == radius)
        shell = shell[np.argsort(angle[shell], kind="stable")]
        wanted = min(count - len(taken), len(shell))
        taken.extend(shell[np.arange(wanted) * len(shell) // max(wanted, 1)])
    return np.asarray(sites[taken])
