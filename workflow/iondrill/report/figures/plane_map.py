"""The picture of a map on a plane: the figure fits the map, and maps of one size give figures of one size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from iondrill.analyse.density.plane import Plane

    Array = NDArray[np.float64]

NEAR_PLANE_A = 0.5
WIDTH_IN = 8.0
# room around the map, in inches: left, right, bottom, top
MARGINS_IN = (0.65, 1.1, 0.55, 0.35)
BAR_IN = (0.12, 0.16)  # distance from the map, width


@dataclass(frozen=True)
class Colours:
    """What the colours of a map mean.

    Parameters
    ----------
    name : str
        Of matplotlib's colour map.
    low, high : float
        The values at its ends.
    label : str
        Quantity and unit.
    open_ended : bool
        Whether values beyond the ends occur; they have the colours of the ends.
    clear : tuple of str, optional
        Of a map that the page shows through where it is at the middle of the scale: the colours that it becomes opaque
        with, at the low and the high end.
    """

    name: str
    low: float
    high: float
    label: str
    open_ended: bool = False
    clear: tuple[str, str] | None = None


def draw_plane_map(plane: Plane, values: Array, colours: Colours, atoms: Atoms, *, title: str) -> Figure:
    """Draw values on a plane, with the atoms near it as dots.

    Parameters
    ----------
    plane : Plane
        Where.
    values : (masked) array (n₀, n₁)
        What; nothing is drawn where it is masked.
    colours : Colours
        How.
    atoms : Atoms
        In the frame of the plane; those within 0.5 Å of it become dots.
    title : str
        Level of theory and time of the frame.

    Returns
    -------
    matplotlib.figure.Figure
        On an Agg canvas; the caller saves it. Its size depends on the plane alone.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    left, right, bottom, top = MARGINS_IN
    width = WIDTH_IN - left - right
    height = width * aspect(plane)
    total = height + bottom + top
    figure = Figure(figsize=(WIDTH_IN, total))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((left / WIDTH_IN, bottom / total, width / WIDTH_IN, height / total))
    image = paint(axes, plane, values, colours, atoms)
    bar_left = (WIDTH_IN - right + BAR_IN[0]) / WIDTH_IN
    bar = figure.add_axes((bar_left, bottom / total, BAR_IN[1] / WIDTH_IN, height / total))
    figure.colorbar(image, cax=bar, label=colours.label, extend="both" if colours.open_ended else "neither")
    axes.set_title(title, loc="left", fontsize="medium")
    return figure


def aspect(plane: Plane) -> float:
    """Return the height of a plane over its width."""
    lengths = np.array(plane.shape) * np.linalg.norm(plane.axes_A, axis=1)
    return float(lengths[1] / lengths[0])


def paint(axes: Axes, plane: Plane, values: Array, colours: Colours, atoms: Atoms) -> QuadMesh:
    """Paint a map with its atoms on axes, and return what a colour bar needs; parameters as of `draw_plane_map`."""
    steps_A = np.linalg.norm(plane.axes_A, axis=1)
    directions = plane.axes_A / steps_A[:, None]
    # coordinates along the plane's own axes, so that x and z of the structure stay readable
    start = directions @ plane.origin_A
    edges = [start[k] + steps_A[k] * (np.arange(plane.shape[k] + 1) - 0.5) for k in (0, 1)]
    image = axes.pcolormesh(
        edges[0], edges[1], values.T, cmap=colours.name, vmin=colours.low, vmax=colours.high, rasterized=True
    )
    axes.set(xlabel=axis_label(directions[0]), ylabel=axis_label(directions[1]), aspect="equal", facecolor="white")
    _draw_atoms(axes, plane, atoms, directions)
    axes.set_xlim(edges[0][0], edges[0][-1])
    axes.set_ylim(edges[1][0], edges[1][-1])
    return image


def _draw_atoms(axes: Axes, plane: Plane, atoms: Atoms, directions: Array) -> None:
    from ase.data.colors import jmol_colors

    normal = np.cross(*directions)
    near = np.abs((atoms.positions - plane.origin_A) @ normal) <= NEAR_PLANE_A
    for symbol in sorted(set(atoms[near].get_chemical_symbols())):
        chosen = near & (atoms.symbols == symbol)
        across, up = directions @ atoms.positions[chosen].T
        axes.scatter(
            across,
            up,
            s=36,
            color=[jmol_colors[atoms.numbers[chosen][0]]],
            edgecolors="black",
            linewidths=0.8,
            label=symbol,
            zorder=3,
        )
    if near.any():
        # above the map, at the end of the title's line
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1, 1),
            borderaxespad=0.1,
            ncols=4,
            frameon=False,
            handletextpad=0,
            columnspacing=1,
        )


def axis_label(direction: Array) -> str:
    """Name an axis of the plane: x, y or z where it is one, else its direction."""
    for name, unit in zip("xyz", np.eye(3), strict=True):
        if np.allclose(direction, unit):
            return f"{name} (Å)"
    return "along ({:.2f} {:.2f} {:.2f}) (Å)".format(*direction)
