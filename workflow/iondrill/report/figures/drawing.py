"""Structures as small pictures: balls and sticks in SVG, looked at along an axis."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from ase.data import covalent_radii

from iondrill.geometry.bonds import find_bonds
from iondrill.geometry.checks import COVALENT
from iondrill.geometry.labels import SHEETS
from iondrill.report.figures.svg import INK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

IN_PLANE = {"side": [0, 2], "top": [0, 1]}
PX_PER_A = {"side": 22.0, "top": 32.0}
MARGIN_A = 1.2
LEGEND_EM = 10.0
"""Width of a word of the legend, in sizes of its letters."""
CARBON, ND = "#68727f", "#0072b2"
ELEMENTS = {"H": "#dfe3e8", "Li": "#cc79a7", "Na": "#e69f00", "K": "#009e73"}
NEIGHBOURS = {1: "#000000", 2: "#f0e442", 3: "#e69f00", 4: "#0072b2"}


class Colour(NamedTuple):
    """How an atom is filled, and what that means."""

    fill: str
    meaning: str


LAYERS = (Colour(CARBON, "C, layer 1"), Colour("#aab2bc", "C, layer 2"), Colour("#d5dae0", "C, layers below"))
SITE = "#d55e00"


class Mark(NamedTuple):
    """A point of the picture with a name in the legend: a site on a surface."""

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
    within_A : (n, 2) array, optional
        Points that the picture holds besides: those of other scenes that it is to be compared with.
    """

    atoms: Atoms
    view: Literal["side", "top"]
    colours: Sequence[Colour]
    marks: Sequence[Mark] = ()
    within_A: Floats | None = None


class _Sheet(NamedTuple):
    """From Å to pixels: the corner of the picture, and its size."""

    left_A: float
    top_A: float
    width: float
    height: float
    px_per_A: float

    @property
    def em(self) -> float:
        """Size of letters that can still be read when a wide picture is narrowed to a phone."""
        return max(13.0, self.width / 36)

    def place(self, points_A: Floats) -> Floats:
        """Return pixels (..., 2) of points (..., 2)."""
        return np.asarray((points_A - [self.left_A, self.top_A]) * [self.px_per_A, -self.px_per_A])


class Drawing(NamedTuple):
    """A scene as SVG, and its size in pixels."""

    svg: str
    width: int
    height: int


def draw_scene(scene: Scene, *, legend: bool = True) -> str:
    """Return a scene as SVG, with a legend if wanted."""
    return drawing(scene, legend=legend).svg


def drawing(scene: Scene, *, legend: bool = True) -> Drawing:
    """Return a scene as SVG, with a legend if wanted, and its size."""
    atoms, view, colours, marks, within_A = scene
    plane_A = atoms.positions[:, IN_PLANE[view]]
    depth_A = -atoms.positions[:, 1] if view == "side" else atoms.positions[:, 2]
    cell_A = _outline(atoms) if view == "top" else np.empty((0, 2))
    sheet = _sheet(np.vstack([plane_A, cell_A, *([] if within_A is None else [within_A])]), PX_PER_A[view])
    shapes = _balls(atoms, sheet, plane_A, depth_A, colours) + _sticks(atoms, sheet, plane_A, depth_A)
    entries, legend_px = _legend(colours, marks, sheet) if legend else ([], 0.0)
    width, height = round(sheet.width), round(sheet.height + legend_px)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    font = f'font-family="sans-serif" font-size="{sheet.em:.1f}"'
    svg = "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font} fill="{INK}">',
            *_cell(sheet.place(cell_A)),
            *(shape for _, shape in sorted(shapes, key=lambda item: item[0])),
            *(_badge(number, sheet.place(np.array(mark.at_A)), sheet.em) for number, mark in enumerate(marks, 1)),
            *entries,
            "</svg>\n",
        ]
    )
    return Drawing(svg, width, height)


def by_element(atoms: Atoms) -> list[Colour]:
    """Colour atoms by element, and carbon by whether it is the nanodiamond's."""
    fragment = atoms.arrays.get("fragment", np.full(len(atoms), ""))
    flake = Colour(CARBON, "C, flake")
    carbon = {"nd": Colour(ND, "C, nanodiamond"), **dict.fromkeys(SHEETS, flake)}
    return [
        carbon.get(label, Colour(CARBON, "C")) if symbol == "C" else Colour(ELEMENTS.get(symbol, "#aab2bc"), symbol)
        for symbol, label in zip(atoms.get_chemical_symbols(), fragment.tolist(), strict=True)
    ]


def by_neighbours(atoms: Atoms) -> list[Colour]:
    """Colour atoms by their number of bonds."""
    counts = np.bincount(find_bonds(atoms).first, minlength=len(atoms)).tolist()
    return [Colour(NEIGHBOURS.get(n, "#ffffff"), f"{n} neighbour{'s' * (n != 1)}") for n in counts]


def by_layer(slab: Atoms) -> list[Colour]:
    """Colour the C of a slab by their layers, counted from the top, and other atoms by element."""
    return [
        LAYERS[min(max(tag, 1), len(LAYERS)) - 1] if colour.meaning == "C" else colour
        for tag, colour in zip(slab.get_tags().tolist(), by_element(slab), strict=True)
    ]


def _sheet(points_A: Floats, px_per_A: float) -> _Sheet:
    low, high = points_A.min(axis=0) - MARGIN_A, points_A.max(axis=0) + MARGIN_A
    width, height = (high - low) * px_per_A
    return _Sheet(float(low[0]), float(high[1]), max(float(width), 13 * LEGEND_EM), float(height), px_per_A)


def _outline(atoms: Atoms) -> Floats:
    """Return the corners (4, 2) of the cell in the plane; none of a cluster."""
    if not atoms.pbc[:2].all():
        return np.empty((0, 2))
    a, b = atoms.cell.array[:2, :2]
    return np.array([0 * a, a, a + b, b])


def _balls(
    atoms: Atoms, sheet: _Sheet, plane_A: Floats, depth_A: Floats, colours: Sequence[Colour]
) -> list[tuple[float, str]]:
    """Return circles with their depths."""
    radii = 0.45 * sheet.px_per_A * covalent_radii[atoms.numbers]
    return [
        (float(depth), _ball(position, radius, colour.fill))
        for position, depth, radius, colour in zip(sheet.place(plane_A), depth_A, radii, colours, strict=True)
    ]


def _ball(position: Floats, radius: float, fill: str) -> str:
    x, y = position
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" stroke="{INK}" stroke-width=".7"/>'


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


def _badge(number: int, position: Floats, em: float) -> str:
    """Return the number of a mark in a circle."""
    x, y = position
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{0.65 * em:.1f}" fill="{SITE}" stroke="#ffffff" stroke-width="1.5"/>'
        f'<text x="{x:.1f}" y="{y + 0.36 * em:.1f}" text-anchor="middle" fill="#ffffff">{number}</text>'
    )


def _legend(colours: Sequence[Colour], marks: Sequence[Mark], sheet: _Sheet) -> tuple[list[str], float]:
    """Return the legend below the picture, and its height."""
    entries, em = sorted(set(colours), key=lambda colour: colour.meaning), sheet.em
    columns = max(1, int(sheet.width // (LEGEND_EM * em)))
    positions = [
        np.array([0.8 + LEGEND_EM * (k % columns), 0.8 + 1.6 * (k // columns)]) * em + [0, sheet.height]
        for k in range(len(entries) + len(marks))
    ]
    words = [*(colour.meaning for colour in entries), *(mark.label for mark in marks)]
    shapes = [
        *(_ball(position, em / 2, colour.fill) for position, colour in zip(positions, entries, strict=False)),
        *(_badge(n, position, em) for n, position in enumerate(positions[len(entries) :], 1)),
        *(
            f'<text x="{x + 0.9 * em:.1f}" y="{y + 0.35 * em:.1f}">{escape(word)}</text>'
            for (x, y), word in zip(positions, words, strict=True)
        ),
    ]
    return shapes, em * (1.6 * -(-len(positions) // columns) + 0.4)
