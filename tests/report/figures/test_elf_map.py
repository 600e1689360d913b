"""The picture of an ELF map: what is shown, where, and in which colour."""

import numpy as np
import pytest
from ase import Atoms
from matplotlib.collections import PathCollection, QuadMesh

from iondrill.analyse.density.plane import Plane
from iondrill.analyse.elf.map import ElfMap
from iondrill.report.figures.elf_map import draw_elf_map

PLANE = Plane(np.array([-1.0, 2.0, 3.0]), np.array([[0.5, 0, 0], [0, 0, 0.25]]), (7, 5))


def a_map():
    i, j = np.indices(PLANE.shape)
    elf = i / 6  # grows along x
    rho = np.where(j == 0, 5e-4, 0.1)  # the lowest z is empty
    return ElfMap(PLANE, elf, rho)


def drawn(atoms):
    figure = draw_elf_map(a_map(), atoms, title="GFN2-xTB, 125 fs")
    (axes, bar) = figure.axes
    (mesh,) = [c for c in axes.collections if isinstance(c, QuadMesh)]
    return figure, axes, bar, mesh, [c for c in axes.collections if isinstance(c, PathCollection)]


@pytest.fixture
def atoms():
    # on the plane; 0.4 and 0.6 A off it
    return Atoms("CLiH", positions=[[0.0, 2.0, 3.5], [1.0, 2.4, 3.25], [0.5, 2.6, 3.5]])


def test_colours_run_from_blue_to_red_over_zero_to_one(atoms):
    _, _, _, mesh, _ = drawn(atoms)
    assert mesh.get_clim() == (0, 1)
    low, high = mesh.cmap(0.05), mesh.cmap(0.95)
    assert low[2] > low[0]
    assert high[0] > high[2]


def test_empty_space_is_masked_and_x_runs_across(atoms):
    _, _, _, mesh, _ = drawn(atoms)
    shown = np.ma.asarray(mesh.get_array()).reshape(5, 7)  # rows are z
    assert shown.mask[0].all()
    assert not shown.mask[1:].any()
    np.testing.assert_allclose(shown[2], np.arange(7) / 6)
    corners = mesh.get_coordinates()
    centre = corners[2:4, 4:6].mean(axis=(0, 1))
    np.testing.assert_allclose(centre, [-1 + 4 * 0.5, 3 + 2 * 0.25])


def test_atoms_near_the_plane_are_dots_of_their_colour(atoms):
    _, axes, _, _, dots = drawn(atoms)
    assert [d.get_label() for d in dots] == ["C", "Li"]
    np.testing.assert_allclose(dots[0].get_offsets(), [[0.0, 3.5]])
    np.testing.assert_allclose(dots[1].get_offsets(), [[1.0, 3.25]])
    assert not np.allclose(dots[0].get_facecolor(), dots[1].get_facecolor())
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["C", "Li"]


def test_words(atoms):
    _, axes, bar, _, _ = drawn(atoms)
    assert axes.get_title(loc="left") == "GFN2-xTB, 125 fs"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x (Å)", "z (Å)")
    assert "localisation" in bar.get_ylabel()
    assert axes.get_aspect() == 1


def test_no_atom_near_the_plane(atoms, tmp_path):
    atoms.positions[:, 1] += 5
    figure, axes, _, _, dots = drawn(atoms)
    assert dots == []
    assert axes.get_legend() is None
    figure.savefig(tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("shape", [(7, 5), (60, 20), (20, 60)])
def test_the_figure_fits_the_map(atoms, shape):
    plane = Plane(PLANE.origin_A, np.array([[0.1, 0, 0], [0, 0, 0.1]]), shape)
    flat = np.full(shape, 0.5)
    figure = draw_elf_map(ElfMap(plane, flat, flat), atoms, title="GFN2-xTB, 0 fs")
    figure.draw_without_rendering()
    axes, bar = figure.axes
    width, height = figure.get_size_inches()
    # nothing shrinks the axes to keep the aspect, and all that is written stays within the figure
    position = axes.get_position(original=True)
    np.testing.assert_allclose(axes.get_position().bounds, position.bounds, atol=1e-6)
    assert position.width * width / (position.height * height) == pytest.approx(shape[0] / shape[1])
    for part in (axes, bar):
        box = part.get_tightbbox()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width * figure.dpi
        assert box.y1 <= height * figure.dpi


def test_frames_on_one_plane_have_one_size(atoms):
    sizes = []
    for moved in (0, 5):
        atoms.positions[:, 1] += moved
        figure, *_ = drawn(atoms)
        sizes.append(tuple(figure.get_size_inches()))
    assert sizes[0] == sizes[1]
