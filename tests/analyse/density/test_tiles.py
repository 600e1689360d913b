"""Planes in tiles against the same points one by one: closed and open shells, any angle, few and many points."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.units import Bohr
from scipy.spatial.transform import Rotation

from iondrill.analyse.density.plane import Plane
from iondrill.analyse.density.tiles import evaluate_on_plane
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
