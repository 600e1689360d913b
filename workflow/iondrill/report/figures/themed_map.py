"""A map on a plane for the page: nothing is drawn where it means nothing, edges are smooth, words follow the theme."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np

from iondrill.report.figures.plane_map import NEAR_PLANE_A, aspect, axis_label
from iondrill.report.figures.svg import INK

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.analyse.density.plane import Plane
    from iondrill.report.figures.plane_map import Colours

    Array = NDArray[np.float64]

WIDTH_PX, LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 640, 52, 86, 14, 44
"""Of the map, and the room around it."""
EDGE = 0.06
"""Over how many decades of the density the edge of a map fades."""
STOPS = 24


def draw_themed_map(plane: Plane, values: Array, density: Array, colours: Colours, atoms: Atoms) -> str:
    """Return a map as SVG.

    Parameters
    ----------
    plane : Plane
        Where.
    values : array (n₀, n₁)
        What; NaN where it is not known.
    density : array (n₀, n₁)
        In units of the least that counts: nothing is drawn where it is below 1.
    colours : Colours
        How.
    atoms : Atoms
        In the frame of the plane; those within 0.5 Å of it become dots.
    """
    height = round(WIDTH_PX * aspect(plane))
    steps_A = np.linalg.norm(plane.axes_A, axis=1)
    directions = plane.axes_A / steps_A[:, None]
    start = directions @ plane.origin_A - steps_A / 2
    end = start + steps_A * np.array(plane.shape)
    picture = base64.b64encode(_png(values, density, colours, height)).decode()
    total = (LEFT_PX + WIDTH_PX + RIGHT_PX, TOP_PX + height + BOTTOM_PX)
    size = f'width="{total[0]}" height="{total[1]}" viewBox="0 0 {total[0]} {total[1]}"'
    place = f'x="{LEFT_PX}" y="{TOP_PX}" width="{WIDTH_PX}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="14" fill="{INK}">',
        f'<image {place} preserveAspectRatio="none" href="data:image/png;base64,{picture}"/>',
        f'<rect {place} fill="none" stroke="{INK}"/>',
        *_dots(plane, atoms, (start, end), height),
    ]
    for at in _ticks(start[0], end[0]):
        x = LEFT_PX + WIDTH_PX * (at - start[0]) / (end[0] - start[0])
        parts.append(_text(x, TOP_PX + height + 18, f"{at:g}"))
    for at in _ticks(start[1], end[1]):
        y = TOP_PX + height * (end[1] - at) / (end[1] - start[1])
        parts.append(_text(LEFT_PX - 6, y + 5, f"{at:g}", "end"))
    parts.append(_text(LEFT_PX + WIDTH_PX / 2, total[1] - 6, axis_label(directions[0])))
    middle = TOP_PX + height / 2
    parts.append(_text(14, middle, axis_label(directions[1]), turned=True))
    parts += _bar(colours, height)
    return "\n".join([*parts, "</svg>\n"])


def _png(values: Array, density: Array, colours: Colours, height: int) -> bytes:
    """Return the map as an image: between its points it is interpolated, and it fades where the density ends."""
    from PIL import Image

    def grown(array: Array) -> Array:
        image = Image.fromarray(array.T[::-1].astype(np.float32))
        return np.asarray(image.resize((WIDTH_PX, height), Image.Resampling.BICUBIC), dtype=float)

    decades = np.log10(np.maximum(np.nan_to_num(density), 1e-9))
    inside = np.clip(grown(np.maximum(decades, -4 * EDGE)) / EDGE + 0.5, 0, 1)
    opaque = inside * grown(np.isfinite(values).astype(float))
    shares = (grown(np.nan_to_num(values)) - colours.low) / (colours.high - colours.low)
    pixels = _painted(colours, shares)
    pixels[..., 3] *= np.clip(opaque, 0, 1)
    pixels = np.rint(255 * pixels).astype(np.uint8)
    image, out = Image.fromarray(pixels), io.BytesIO()
    if colours.clear is None:  # two colours have too many opacities for 256
        image = image.quantize(256, method=Image.Quantize.FASTOCTREE)
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _painted(colours: Colours, shares: Array) -> Array:
    """Return red, green, blue and opacity (…, 4), 0 to 1, of values given as shares of the scale."""
    from matplotlib import colormaps
    from matplotlib.colors import to_rgba_array

    if colours.clear is None:
        return np.asarray(colormaps[colours.name](np.clip(shares, 0, 1)))
    from_middle = np.clip(2 * shares - 1, -1, 1)
    pixels: Array = to_rgba_array(colours.clear)[(from_middle > 0).astype(int)]
    pixels[..., 3] = np.abs(from_middle)
    return pixels


def _dots(plane: Plane, atoms: Atoms, corners: tuple[Array, Array], height: int) -> list[str]:
    """Return the atoms near the plane, whose corners are given along its axes."""
    from ase.data.colors import jmol_colors

    directions = plane.axes_A / np.linalg.norm(plane.axes_A, axis=1)[:, None]
    start, end = corners
    near = np.abs((atoms.positions - plane.origin_A) @ np.cross(*directions)) <= NEAR_PLANE_A
    shares = (atoms.positions[near] @ directions.T - start) / (end - start)
    fills = ["#{:02x}{:02x}{:02x}".format(*np.rint(255 * jmol_colors[n]).astype(int)) for n in atoms.numbers[near]]
    return [
        f'<circle cx="{LEFT_PX + WIDTH_PX * x:.1f}" cy="{TOP_PX + height * (1 - z):.1f}" r="4.5" fill="{fill}" '
        'stroke="#000000" stroke-width="1.2"/>'
        for (x, z), fill in zip(shares, fills, strict=True)
        if 0 <= x <= 1 and 0 <= z <= 1
    ]


def _bar(colours: Colours, height: int) -> list[str]:
    """Return the bar of colours with its scale."""
    from matplotlib.colors import to_hex

    left, band = LEFT_PX + WIDTH_PX + 12, height / STOPS
    shares = (np.arange(STOPS) + 0.5) / STOPS
    blocks = [
        f'<rect x="{left}" y="{TOP_PX + height * (1 - share) - band / 2:.2f}" width="14" height="{band:.2f}" '
        f'fill="{to_hex(fill[:3])}" fill-opacity="{fill[3]:.3f}" shape-rendering="crispEdges"/>'
        for share, fill in zip(shares, _painted(colours, shares), strict=True)
    ]
    marks = [
        _text(left + 18, TOP_PX + height * (1 - share) + 5, _mark(colours, share), "start")
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    return [*blocks, *marks, _text(left + 68, TOP_PX + height / 2, colours.label, turned=True)]


def _mark(colours: Colours, share: float) -> str:
    """Return the value at a share of the scale, in words."""
    value = f"{colours.low + share * (colours.high - colours.low):g}".replace("-", "−")
    return ({0.0: "≤", 1.0: "≥"}.get(share, "") if colours.open_ended else "") + value


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers between two others."""
    step = next(each for each in (1.0, 2.0, 2.5, 5.0, 10.0, 20.0) if (high - low) / each <= 8 or each == 20.0)
    return [step * k for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _text(x: float, y: float, words: str, anchor: str = "middle", *, turned: bool = False) -> str:
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{turn}>{words}</text>'
