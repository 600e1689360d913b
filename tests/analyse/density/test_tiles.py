"""Planes in tiles against the same points one by one: closed and open shells, any angle, few and many points."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.units import Bohr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from iondrill.analyse.density.plane import Plane
from iondrill.analyse.density.smooth import row_for
from iondrill.analyse.density.tiles import PATCH, TILE_BOHR, _Axes, _pieces, _Tiles, evaluate_on_plane
from iondrill.analyse.density.wavefunction import Wavefunction, read_molden
from iondrill.analyse.elf.formula import RHO_MASK, elf_of

DATA = Path(__file__).parents[2] / "data" / "elf"
STEP_A = 0.07
FLAT = np.eye(3)[[0, 2]]
TURNED = Rotation.from_rotvec([0.7, -0.4, 1.1]).as_matrix()
OBLIQUE = np.array([[1.0, 0.0, 0.0], [0.5, 0.1, 0.8]])
PLANES = {
    "flat": (FLAT, (110, 97)),
    "mirrored": (-FLAT, (70, 70)),
    "turned": (TURNED[:2], (75, 80)),
    "oblique": (OBLIQUE @ TURNED, (80, 75)),
    "almost square": (np.array([[1.0, 0.0, 0.0], [1e-9, 0.0, 1.0]]), (60, 60)),
    "unequal steps": (FLAT * [[1.4], [0.6]], (60, 120)),
}


def through_the_middle(wavefunction, axes, shape):
    middle = wavefunction.mol.atom_coords().mean(axis=0) * Bohr
    axes_A = STEP_A * axes
    return Plane(middle - np.subtract(shape, 1) / 2 @ axes_A, axes_A, shape)


def assert_the_same(found, expected):
    np.testing.assert_allclose(found.rho, expected.rho, atol=2e-7)
    np.testing.assert_allclose(found.gradient, expected.gradient, atol=1e-6)
    np.testing.assert_allclose(found.tau, expected.tau, atol=1e-6)
    dense = expected.rho.sum(axis=0) > RHO_MASK
    np.testing.assert_allclose(elf_of(found)[dense], elf_of(expected)[dense], atol=3e-6)


@pytest.fixture
def in_tiles(monkeypatch):
    """Let no plane be evaluated point by point; return the evaluation that is."""
    whole = Wavefunction.evaluate

    def refuse(*_):
        raise AssertionError("not in tiles")

    monkeypatch.setattr(Wavefunction, "evaluate", refuse)
    return whole


@pytest.mark.parametrize("kind", PLANES)
@pytest.mark.parametrize("name", ["c2h2li2", "c2h2li"])
def test_tiles_give_what_the_points_give(name, kind, in_tiles):
    wavefunction = read_molden(DATA / f"{name}.molden")
    plane = through_the_middle(wavefunction, *PLANES[kind])
    found, expected = evaluate_on_plane(wavefunction, plane), in_tiles(wavefunction, plane.points_A())
    assert (expected.rho.sum(axis=0) > RHO_MASK).sum() > 1000
    assert_the_same(found, expected)


@pytest.mark.parametrize("step_A", [0.02, 0.04, 0.1])
def test_finer_and_coarser_points(step_A, in_tiles):
    wavefunction = read_molden(DATA / "c2h2li.molden")
    plane = through_the_middle(wavefunction, FLAT * step_A / STEP_A, (100, 100))
    assert_the_same(evaluate_on_plane(wavefunction, plane), in_tiles(wavefunction, plane.points_A()))


def test_the_basis_of_gfn2_with_d_functions(embedded, in_tiles):
    atoms = molecule("SiH4") + Atoms("Na", positions=[[0.3, 3.2, 0.2]])
    wavefunction = embedded(atoms, uhf=1)
    plane = through_the_middle(wavefunction, TURNED[:2], (130, 90))
    assert_the_same(evaluate_on_plane(wavefunction, plane), in_tiles(wavefunction, plane.points_A()))


@pytest.mark.parametrize("all_of", ["smooth", "sharp"])
def test_a_basis_all_smooth_or_almost_all_sharp(all_of, in_tiles):
    whole = read_molden(DATA / "c2h2li.molden")
    wavefunction = whole.part(0.0, 0.3) if all_of == "smooth" else whole.part(0.3, np.inf)
    plane = through_the_middle(whole, FLAT * 0.4, (100, 100))
    assert_the_same(evaluate_on_plane(wavefunction, plane), in_tiles(wavefunction, plane.points_A()))


def test_nothing_far_from_the_molecule(in_tiles):
    wavefunction = read_molden(DATA / "c2h2li.molden")
    plane = Plane(np.array([0.0, 200.0, 0.0]), STEP_A * FLAT, (80, 80))
    found = evaluate_on_plane(wavefunction, plane)
    assert not any(values.any() for values in (found.rho, found.gradient, found.tau))


@pytest.mark.parametrize(
    ("axes_A", "shape"),
    [
        (0.5 * FLAT, (12, 11)),
        (0.05 * FLAT, (1, 1)),
        (0.05 * FLAT, (40, 1)),
        (0.05 * FLAT, (1, 40)),
        (0.05 * FLAT[[0, 0]], (30, 30)),
        (0 * FLAT, (3, 2)),
    ],
    ids=["coarse", "one point", "a column", "a row", "a line twice", "no extent"],
)
def test_points_that_are_too_few_or_no_plane_are_evaluated_one_by_one(axes_A, shape):
    wavefunction = read_molden(DATA / "c2h2li.molden")
    plane = Plane(wavefunction.mol.atom_coords()[0] * Bohr + 0.1, axes_A, shape)
    found, expected = evaluate_on_plane(wavefunction, plane), wavefunction.evaluate(plane.points_A())
    for name in ("rho", "gradient", "tau"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_the_gradient_is_that_of_the_density_on_the_plane():
    wavefunction = read_molden(DATA / "c2h2li2.molden")
    plane = through_the_middle(wavefunction, OBLIQUE, (90, 90))
    found = evaluate_on_plane(wavefunction, plane)
    rho, gradient = found.rho[0].reshape(plane.shape), found.gradient[0].reshape(3, *plane.shape)
    for axis, step in enumerate(plane.axes_A / Bohr):
        along = np.moveaxis(rho, axis, 0)
        numerical = (8 * (along[3:-1] - along[1:-3]) - (along[4:] - along[:-4])) / 12
        analytic = np.moveaxis(np.tensordot(step, gradient, 1), axis, 0)[2:-2]
        np.testing.assert_allclose(analytic, numerical, atol=2e-3 * np.abs(numerical).max())


EXPONENTS = np.geomspace(0.05, 50.0, 12)
"""1/bohr², ascending, as of a basis."""


@pytest.mark.parametrize(
    ("shape", "lengths"),
    [((200, 31), (0.1, 0.15)), ((28, 90), (0.19, 0.05)), ((60, 60), (0.2, 0.2)), ((100, 70), (0.11, 0.07))],
)
def test_tiles_cover_a_plane_evenly_and_take_half_as_many_nodes_as_points(shape, lengths):
    tiles = _Tiles.of(shape, np.array(lengths), EXPONENTS)
    larger = EXPONENTS[tiles.exponent < EXPONENTS][:1]
    for n, length, ends, row in zip(shape, lengths, tiles.ends, tiles.rows, strict=True):
        points = np.diff(ends)
        assert (ends[0], ends[-1]) == (0, n)
        assert points.max() - points.min() <= 1
        # as few tiles as are no longer than a tile may be
        allowed = min(int(TILE_BOHR / length), 48)
        assert len(points) == -(-n // allowed)
        assert len(row.nodes) <= points.max() / 2
        assert len(row.value) == points.max()
        assert row_for(points.max(), length, tiles.exponent, points.max() // 2) is not None
    sizes = [(np.diff(ends).max(), length) for ends, length in zip(tiles.ends, lengths, strict=True)]
    assert any(row_for(n, length, exponent, n // 2) is None for exponent in larger for n, length in sizes)


def test_there_are_no_tiles_where_all_gaussians_are_sharp_or_steps_longer_than_a_tile():
    assert _Tiles.of((50, 50), np.array([0.1, 0.1]), np.array([1e4, 1e5])) is None
    assert _Tiles.of((50, 50), np.array([0.1, 6.0]), EXPONENTS) is None


@given(start=st.integers(0, 100), n=st.integers(1, 150))
def test_pieces_are_a_tile_without_gaps_as_few_as_a_cache_allows(start, n):
    found = _pieces(start, start + n)
    np.testing.assert_array_equal(np.concatenate(found), np.arange(start, start + n))
    assert len(found) == -(-n // PATCH)
    assert max(map(len, found)) <= PATCH


@settings(max_examples=50)
@given(turn=st.tuples(*[st.floats(-3, 3)] * 3), angle_deg=st.floats(7, 173))
def test_the_frame_of_a_plane_is_a_frame_along_its_first_axis(turn, angle_deg):
    angle = np.radians(angle_deg)
    flat = np.array([[0.2, 0, 0], [0.3 * np.cos(angle), 0.3 * np.sin(angle), 0]])
    plane = Plane(np.array([1.0, 2.0, 3.0]), Rotation.from_rotvec(turn).apply(flat), (4, 5))
    axes = _Axes.of(plane)
    np.testing.assert_allclose(axes.frame @ axes.frame.T, np.eye(3), atol=1e-10)
    in_frame = axes.frame @ plane.axes_A.T / Bohr
    expected = np.array([[0.2, 0.3 * np.cos(angle)], [0, 0], [0, 0.3 * np.sin(angle)]]) / Bohr
    np.testing.assert_allclose(in_frame, expected, atol=1e-10)
    assert axes.frame[1][np.abs(axes.frame[1]).argmax()] > 0
    assert (axes.cosine, axes.sine) == (
        pytest.approx(np.cos(angle), abs=1e-10),
        pytest.approx(np.sin(angle), abs=1e-10),
    )
    found = axes.points(np.arange(4), np.arange(5)) * Bohr
    np.testing.assert_allclose(found, plane.points_A(), atol=1e-10)


@pytest.mark.parametrize(("angle_deg", "spans"), [(5.6, False), (5.9, True), (90, True), (174.1, True), (174.4, False)])
def test_axes_that_are_almost_parallel_span_no_plane(angle_deg, spans):
    angle = np.radians(angle_deg)
    axes_A = np.array([[0.1, 0, 0], [0.1 * np.cos(angle), 0.1 * np.sin(angle), 0]])
    assert (_Axes.of(Plane(np.zeros(3), axes_A, (9, 9))) is not None) == spans
