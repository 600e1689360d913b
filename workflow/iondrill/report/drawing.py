"""Structures as small pictures: balls and sticks in SVG, looked at along an axis."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from ase.data import covalent_radii

from iondrill.build.bonds import find_bonds
from iondrill.build.checks import COVALENT
from iondrill.report.svg import INK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PX_PER_A = 22.0
MARGIN_A = 1.2
LEGEND_EM = 9.0
"""Width of a word of the legend, in sizes of its letters."""
CARBON, ND = "#68727f", "#0072b2"
ELEMENTS = {"H": "#dfe3e8", "Li": "#cc79a7", "Na": "#e69f00", "K": "#009e73"}
NEIGHBOURS = {1: "#000000", 2: "#f0e442", 3: "#e69f00", 4: "#0072b2"}
LAYERS = (CARBON, "#aab2bc", "#d5dae0")


class Colour(NamedTuple):
    """How an atom is filled, and what that means."""

    fill: str
    meaning: str


class Mark(NamedTuple):
    """A word at a point of the picture: a site on a surface."""

    label: str
    at_A: tuple[float, float]


class Scene(NamedTuple):
    """What is drawn, and from where.

    Attributes
    ----------
    atoms : Atoms
        With their bonds.
    view : str
        "side": along +y, x to the right and z upwards; "top": from above, x to the right and y upwards.
    colours : sequence of Colour
        One for each atom.
    marks : sequence of Mark
        In the plane of the picture.
    """

    atoms: Atoms
    view: Literal["side", "top"]
    colours: Sequence[Colour]
    marks: Sequence[Mark] = ()


class _Sheet(NamedTuple):
    """From Å to pixels: the corner of the picture, and its size."""

    left_A: float
    top_A: float
    width: float
    height: float

    def place(self, points_A: Floats) -> Floats:
        """Return pixels (..., 2) of points (..., 2)."""
        return np.asarray((points_A - [self.left_A, self.top_A]) * [PX_PER_A, -PX_PER_A])


def draw_scene(scene: Scene) -> str:
    """Return a scene as SVG with a legend, its width and height in pixels."""
    atoms, view, colours, marks = scene
    plane_A = atoms.positions[:, [0, 2] if view == "side" else [0, 1]]
    depth_A = -atoms.positions[:, 1] if view == "side" else atoms.positions[:, 2]
    cell_A = _outline(atoms) if view == "top" else np.empty((0, 2))
    sheet = _sheet(np.vstack([plane_A, cell_A]))
    shapes = _balls(atoms, sheet.place(plane_A), depth_A, colours) + _sticks(atoms, sheet, plane_A, depth_A)
    legend, legend_px = _legend(colours, sheet)
    width, height = round(sheet.width), round(sheet.height + legend_px)
    font = f'font-size="{_font_px(sheet.width):.1f}"'
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" {font} fill="{INK}">',
            *_cell(sheet.place(cell_A)),
            *(shape for _, shape in sorted(shapes, key=lambda item: item[0])),
            *(_mark(mark, sheet) for mark in marks),
            *legend,
            "</svg>\n",
        ]
    )


def by_element(atoms: Atoms) -> list[Colour]:
    """Colour atoms by element, and carbon by whether it is the nanodiamond's."""
    fragment = atoms.arrays.get("fragment", np.full(len(atoms), ""))
    flake = Colour(CARBON, "C, flake")
    carbon = {"nd": Colour(ND, "C, nanodiamond"), "lower": flake, "upper": flake}
    return [
        carbon.get(label, Colour(CARBON, "C")) if symbol == "C" else Colour(ELEMENTS.get(symbol, LAYERS[1]), symbol)
        for symbol, label in zip(atoms.get_chemical_symbols(), fragment.tolist(), strict=True)
    ]


def by_neighbours(atoms: Atoms) -> list[Colour]:
    """Colour atoms by their number of bonds."""
    counts = np.bincount(find_bonds(atoms).first, minlength=len(atoms)).tolist()
    return [Colour(NEIGHBOURS.get(n, "#ffffff"), f"{n} neighbour{'s' * (n != 1)}") for n in counts]


def by_layer(slab: Atoms) -> list[Colour]:
    """Colour the C of a slab by their layers, counted from the top, and other atoms by element."""
    return [
        Colour(LAYERS[min(tag, len(LAYERS)) - 1], f"C, layer {tag}") if colour.meaning == "C" and tag > 0 else colour
        for tag, colour in zip(slab.get_tags().tolist(), by_element(slab), strict=True)
    ]


def _sheet(points_A: Floats) -> _Sheet:
    low, high = points_A.min(axis=0) - MARGIN_A, points_A.max(axis=0) + MARGIN_A
    width, height = (high - low) * PX_PER_A
    return _Sheet(float(low[0]), float(high[1]), max(float(width), 13 * LEGEND_EM), float(height))


def _outline(atoms: Atoms) -> Floats:
    """Return the corners (4, 2) of the cell in the plane; none of a cluster."""
    if not atoms.pbc[:2].all():
        return np.empty((0, 2))
    a, b = atoms.cell.array[:2, :2]
    return np.array([0 * a, a, a + b, b])


def _balls(atoms: Atoms, places: Floats, depth_A: Floats, colours: Sequence[Colour]) -> list[tuple[float, str]]:
    """Return circles with their depths."""
    radii = 0.45 * PX_PER_A * covalent_radii[atoms.numbers]
    return [
        (
            float(depth),
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" stroke="{INK}" stroke-width=".7"/>',
        )
        for (x, y), depth, radius, (fill, _) in zip(places, depth_A, radii, colours, strict=True)
    ]


def _sticks(atoms: Atoms, sheet: _Sheet, plane_A: Floats, depth_A: Floats) -> list[tuple[float, str]]:
    """Return lines with their depths; contacts of ions and bonds across the cell's edge are left out."""
    bonds, covalent = find_bonds(atoms), np.isin(atoms.symbols, COVALENT)
    drawn = (bonds.first < bonds.second) & covalent[bonds.first] & covalent[bonds.second]
    bonds = bonds.select(drawn & ~bonds.offset.any(axis=1))
    ends = np.stack([sheet.place(plane_A[bonds.first]), sheet.place(plane_A[bonds.second])], axis=1)
    depths = np.minimum(depth_A[bonds.first], depth_A[bonds.second])
    return [
        (
            float(depth) - 1e-3,
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#8b95a1" stroke-width="3.5"/>',
        )
        for depth, ((x1, y1), (x2, y2)) in zip(depths, ends, strict=True)
    ]


def _cell(corners: Floats) -> list[str]:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return [f'<polygon points="{points}" fill="none" stroke="{INK}" stroke-dasharray="5 4"/>'] if points else []


def _mark(mark: Mark, sheet: _Sheet) -> str:
    x, y = sheet.place(np.array(mark.at_A))
    em = _font_px(sheet.width)
    width = (0.6 * len(mark.label) + 0.6) * em
    # the word stays inside the picture
    left = min(max(x - width / 2, 0), max(sheet.width - width, 0))
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#d55e00" stroke="#ffffff" stroke-width="1.5"/>'
        f'<rect x="{left:.1f}" y="{y + 7:.1f}" width="{width:.1f}" height="{1.4 * em:.1f}" rx="4" fill="#ffffff" '
        f'fill-opacity=".92"/><text x="{left + width / 2:.1f}" y="{y + 7 + 1.05 * em:.1f}" text-anchor="middle" '
        f'fill="#111111">{escape(mark.label)}</text>'
    )


def _legend(colours: Sequence[Colour], sheet: _Sheet) -> tuple[list[str], float]:
    """Return the legend below the picture, and its height."""
    entries, em = sorted(set(colours), key=lambda colour: colour.meaning), _font_px(sheet.width)
    columns = max(1, int(sheet.width // (LEGEND_EM * em)))
    shapes = []
    for k, (fill, meaning) in enumerate(entries):
        x, y = em * (0.8 + LEGEND_EM * (k % columns)), sheet.height + em * (0.8 + 1.6 * (k // columns))
        ball = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{em / 2:.1f}" fill="{fill}" stroke="{INK}" stroke-width=".7"/>'
        shapes.append(f'{ball}<text x="{x + 0.9 * em:.1f}" y="{y + 0.35 * em:.1f}">{escape(meaning)}</text>')
    return shapes, em * (1.6 * -(-len(entries) // columns) + 0.4)


def _font_px(width_px: float) -> float:
    """Return a size of letters that can still be read when a wide picture is narrowed to a phone."""
    return max(13.0, width_px / 36)
