"""The picture of a density difference: colours that diverge at zero, and what they mean."""

import numpy as np
import pytest
from ase import Atoms
from matplotlib.collections import QuadMesh

from iondrill.analyse.density.plane import Plane
from iondrill.analyse.elf.difference import DifferenceMap
from iondrill.report.figures.difference_map import draw_difference_map


@pytest.fixture
def drawn():
    plane = Plane(np.array([0.0, 0.0, 0.0]), np.array([[0.2, 0, 0], [0, 0, 0.2]]), (11, 6))
    i, _ = np.indices(plane.shape)
    figure = draw_difference_map(
        DifferenceMap(plane, (i - 5) * 4e-3), Atoms("CH", [[1, 0.3, 0.4], [1, 3, 0]]), title="GFN2-xTB, 5 fs"
    )
    axes, bar = figure.axes
    (mesh,) = [c for c in axes.collections if isinstance(c, QuadMesh)]
    return figure, axes, bar, mesh


def test_colours_diverge_symmetrically_from_white(drawn):
    _, _, _, mesh = drawn
    low, high = mesh.get_clim()
    assert low == -high
    lost, none, gained = (np.array(mesh.cmap(mesh.norm(value))[:3]) for value in (low, 0, high))
    assert none.min() > 0.95
    assert lost[2] > lost[0]
    assert gained[0] > gained[2]


def test_numbers_are_those_of_the_bar(drawn, tmp_path):
    figure, axes, bar, mesh = drawn
    shown = np.asarray(mesh.get_array()).reshape(6, 11)
    np.testing.assert_allclose(shown[2], (np.arange(11) - 5) * 4)  # thousandths
    assert "10⁻³ electrons/bohr³" in bar.get_ylabel()
    assert axes.get_title(loc="left") == "GFN2-xTB, 5 fs"
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["C"]
    figure.savefig(tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
