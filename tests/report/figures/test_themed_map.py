"""The maps of the page: pixels have the colour of their value, and nothing is drawn where nothing is known."""

import base64
import io
import re

import numpy as np
import pytest
from ase import Atoms
from matplotlib import colormaps
from PIL import Image

from iondrill.analyse.density.plane import Plane
from iondrill.report.figures.difference_map import COLOURS
from iondrill.report.figures.elf_map import PAPER, SAFE, scale
from iondrill.report.figures.plane_map import aspect
from iondrill.report.figures.svg import INK_ON_DARK, themed
from iondrill.report.figures.themed_map import draw_themed_map

PLANE = Plane(np.array([2.0, 0.0, -3.0]), 0.2 * np.eye(3)[[0, 2]], (60, 30))
X = np.linspace(0, 1, 60)[:, None] * np.ones(30)
"""ELF rises along x; the density is above its limit in the upper half alone."""
RHO = np.where(np.arange(30) >= 15, 0.1, 1e-6) * np.ones((60, 1))


def pixels_of(svg):
    (found,) = re.findall(r'href="data:image/png;base64,([^"]+)"', svg)
    with Image.open(io.BytesIO(base64.b64decode(found))) as image:
        return np.asarray(image.convert("RGBA"), dtype=float)


@pytest.mark.parametrize("name", [PAPER, SAFE])
def test_pixels_have_the_colour_of_their_value_and_the_rest_is_transparent(name):
    pixels = pixels_of(draw_themed_map(PLANE, X, RHO / 1e-3, scale(name), Atoms()))
    assert pixels.shape[0] / pixels.shape[1] == pytest.approx(aspect(PLANE), abs=0.01)
    upper, lower = pixels[: pixels.shape[0] // 2 - 12], pixels[pixels.shape[0] // 2 + 12 :]
    assert (upper[..., 3] > 250).all()
    assert (lower[..., 3] < 5).all()
    for share in (0.2, 0.5, 0.8):
        wanted = 255 * np.array(colormaps[name](share)[:3])
        assert np.abs(upper[60, round(share * pixels.shape[1]), :3] - wanted).max() < 26  # of 256 colours


def test_what_is_not_known_is_not_drawn():
    values = np.where(X > 0.5, np.nan, X)
    pixels = pixels_of(draw_themed_map(PLANE, values, 0 * X + 1000, scale(), Atoms()))
    width = pixels.shape[1]
    assert (pixels[:, : width // 2 - 12, 3] > 250).all()
    assert (pixels[:, width // 2 + 14 :, 3] < 5).all()


def test_a_difference_is_opaque_at_its_ends_and_the_page_shows_through_where_there_is_none():
    svg = draw_themed_map(PLANE, 40 * X - 20, 0 * X + 1000, COLOURS, Atoms())
    pixels = pixels_of(svg)[60]
    left, middle, right = (pixels[round(share * (len(pixels) - 1))] for share in (0.05, 0.5, 0.95))
    assert middle[3] < 10
    assert left[3] > 245  # beyond the scale, which ends at ±10
    assert right[3] > 245
    assert left[2] > left[0]
    assert right[0] > right[2]
    half = pixels[round(0.625 * (len(pixels) - 1)), 3]  # half of the scale
    assert half == pytest.approx(128, abs=12)
    opacity = [float(each) for each in re.findall(r'fill-opacity="([\d.]+)"', svg)]
    assert opacity == pytest.approx(opacity[::-1])
    assert min(opacity) < 0.05
    assert [word in svg for word in (">≤−10<", ">0<", ">≥10<")] == [True, True, True]


def test_atoms_near_the_plane_are_dots_where_they_are():
    atoms = Atoms("CLiC", [[4.0, 0.2, -1.0], [8.0, -0.4, 1.0], [6.0, 0.9, 0.0]])
    svg = draw_themed_map(PLANE, X, RHO / 1e-3, scale(), atoms)
    places = [tuple(map(float, each)) for each in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)]
    assert len(places) == 2  # the third is 0.9 Å off
    (frame,) = re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)" fill="none"', svg)
    left, top, width, height = map(int, frame)
    for (x, y), at in zip(places, atoms.positions, strict=False):
        assert (x - left) / width == pytest.approx((at[0] - 1.9) / 12.0, abs=0.005)
        assert (y - top) / height == pytest.approx((2.9 - at[2]) / 6.0, abs=0.005)


def test_its_words_follow_the_theme():
    svg = themed(draw_themed_map(PLANE, X, RHO / 1e-3, scale(), Atoms()))
    assert INK_ON_DARK in svg
    assert ">x (Å)<" in svg
    assert "electron localisation function" in svg
