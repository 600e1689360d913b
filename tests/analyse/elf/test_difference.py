"""Density differences: nothing from parts that do not meet, charge conserved, and the charge that moves."""

from dataclasses import replace
from math import erf
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.units import Bohr

from iondrill.analyse.density.plane import Plane
from iondrill.analyse.density.wavefunction import read_molden
from iondrill.analyse.elf.difference import (
    DifferenceMap,
    Profile,
    check_balance,
    density_difference,
    difference_on_plane,
    planar_integral,
    read_difference_map,
    read_profile,
)
from iondrill.errors import UserError

DATA = Path(__file__).parents[2] / "data" / "elf"


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """Return a function from atoms to their GFN2 wavefunction."""
    from tblite.interface import Calculator

    from iondrill.engines.xtb.wavefunction import write_molden

    def compute(atoms):
        calculator = Calculator("GFN2-xTB", atoms.numbers, atoms.positions / Bohr, uhf=int(sum(atoms.numbers) % 2))
        calculator.set("verbosity", 0)
        path = tmp_path_factory.mktemp("gfn2") / "wavefunction.molden"
        write_molden(path, atoms, calculator.singlepoint())
        return read_molden(path)

    return compute


@pytest.fixture(scope="module")
def salt(embedded):
    """Return LiF along x: the whole, its parts (doublets), and the atoms."""
    atoms = Atoms("LiF", positions=[[0, 0, 0], [1.6, 0, 0]])
    return embedded(atoms), [embedded(atoms[:1]), embedded(atoms[1:])], atoms


@pytest.fixture(scope="module")
def profile(salt):
    return planar_integral(*salt, axis=0, margin_A=5, spacing_A=0.15)


def test_spins_count_together():
    rng = np.random.default_rng(1)
    whole, spins, closed = rng.uniform(size=(2, 5)), rng.uniform(size=(2, 5)), rng.uniform(size=(1, 5))
    np.testing.assert_allclose(
        density_difference(whole, spins, closed), whole[0] + whole[1] - spins[0] - spins[1] - closed[0]
    )


def test_lithium_on_carbon_integrates_to_nothing(embedded):
    ring, ion = molecule("C6H6"), Atoms("Li", positions=[[0.1, 0.05, 1.8]])
    profile = planar_integral(embedded(ring + ion), [embedded(ring), embedded(ion)], ring + ion, axis=0)
    check_balance(profile, "test")


def test_every_axis_has_the_same_total(salt, profile):
    along_z = planar_integral(*salt, axis=2, margin_A=5, spacing_A=0.15)
    assert along_z.total_e == pytest.approx(profile.total_e, abs=1e-4)
    assert abs(profile.total_e) < 1e-3


def test_lithium_gives_an_electron_to_fluorine(profile):
    between = np.abs(profile.position_A - 0.8).argmin()
    assert -1 < profile.transferred_e[between] < -0.3
    assert profile.transferred_e[-1] == pytest.approx(profile.total_e)


def test_a_missing_part_is_noticed(salt):
    whole, (ion, _), atoms = salt
    lacking = planar_integral(whole, [ion], atoms, axis=0, margin_A=5, spacing_A=0.15)
    assert lacking.total_e == pytest.approx(7, abs=5e-3)  # the valence electrons of F
    with pytest.raises(UserError, match=r"jobs/a\.molden: .*integrates to [67]\."):
        check_balance(lacking, "jobs/a.molden")


def test_parts_that_do_not_meet_differ_in_nothing(embedded):
    lower, upper = molecule("H2O"), molecule("CH4")
    upper.translate((0, 0, 25))
    plane = Plane(np.array([-3.0, 0, -3]), 0.5 * np.array([[1.0, 0, 0], [0, 0, 1]]), (12, 64))
    parts = [embedded(lower), embedded(upper)]
    apart = difference_on_plane(embedded(lower + upper), parts, plane)
    density = parts[0].density(plane.points_A()).max()
    assert density > 0.1
    assert np.abs(apart.difference).max() < 1e-4 * density


def test_the_same_in_any_frame(salt):
    whole, parts, atoms = salt
    plane = Plane(np.array([-3.0, 0.1, -3]), 0.4 * np.array([[1.0, 0, 0], [0, 0, 1]]), (14, 16))
    here = difference_on_plane(whole, parts, plane)
    there = atoms.copy()
    there.translate(shift_A := np.array([3.0, -1.0, 2.0]))
    shifted = [w.moved_to(a) for w, a in zip((whole, *parts), (there, there[:1], there[1:]), strict=True)]
    again = difference_on_plane(shifted[0], shifted[1:], replace(plane, origin_A=plane.origin_A + shift_A))
    np.testing.assert_allclose(again.difference, here.difference, atol=1e-9)


def test_a_wavefunction_less_itself_is_nothing_for_cp2k_too():
    # valence orbitals of CP2K, alpha and beta
    wavefunction = read_molden(DATA / "c2h2li.molden")
    atoms = Atoms("C2H2Li", positions=wavefunction.mol.atom_coords() * Bohr)
    alone = planar_integral(wavefunction, [], atoms, axis=1)
    assert alone.total_e == pytest.approx(13, abs=5e-3)  # the 1s shell of Li is narrow
    nothing = planar_integral(wavefunction, [wavefunction], atoms, axis=1, spacing_A=0.5)
    assert np.abs(nothing.difference_e_A).max() == 0


def test_a_map_survives_its_file_and_damage_is_named(tmp_path):
    plane = Plane(np.array([1.0, 2, 3]), np.array([[0.1, 0, 0], [0, 0, 0.2]]), (3, 4))
    values = np.random.default_rng(2).normal(size=(3, 4))
    path = tmp_path / "5.difference.npz"
    DifferenceMap(plane, values).write(path, Profile(np.arange(3.0), np.array([0.1, -0.3, 0.2])))
    again = read_difference_map(path)
    np.testing.assert_array_equal(again.difference, values)
    np.testing.assert_array_equal(again.plane.points_A(), plane.points_A())
    with np.load(path) as data:
        np.testing.assert_array_equal(data["difference_e_A"], [0.1, -0.3, 0.2])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"5\.difference\.npz"):
        read_difference_map(path)


@pytest.mark.parametrize(("total_e", "sound"), [(9e-4, True), (-9e-4, True), (1.1e-3, False), (-1.1e-3, False)])
def test_a_thousandth_of_an_electron_may_be_lost(total_e, sound):
    profile = Profile(np.array([1.0, 1.5, 2.0]), np.array([0.5, 2 * total_e, -0.5]))
    assert profile.total_e == pytest.approx(total_e)
    assert profile.transferred_e == pytest.approx([0.25, 0.25 + total_e, total_e])
    if sound:
        check_balance(profile, "x")
    else:
        with pytest.raises(UserError, match="integrates to"):
            check_balance(profile, "x")


def test_numbers_that_are_none_are_no_balance():
    with pytest.raises(UserError, match="integrates to nan"):
        check_balance(Profile(np.arange(2.0), np.array([0.0, np.nan])), "x")


class Ball:
    """Stands for a wavefunction: a Gaussian density of so many electrons about a centre, exp(-r²) in Å."""

    def __init__(self, electrons, centre_A):
        self.electrons, self.centre_A = electrons, np.array(centre_A)

    def density(self, points_A):
        """Return it in 1/bohr³."""
        distance_A = np.linalg.norm(points_A - self.centre_A, axis=1)
        return (self.electrons * np.exp(-(distance_A**2)) / np.pi**1.5 * Bohr**3)[None]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_planes_of_balls_hold_what_one_integrates_by_hand(axis):
    """Over two coordinates a Gaussian is integrated to n/√π exp(-x²); of a whole and its part, the difference."""
    atoms = Atoms("C2", [[1, 2, 3], [2.1, 2.7, 3.9]])
    whole, part = Ball(3.0, atoms.positions[0]), Ball(2.0, atoms.positions[1])
    profile = planar_integral(whole, [part], atoms, axis=axis)
    x, (one, other) = profile.position_A, atoms.positions[:, axis]
    expected = (3 * np.exp(-((x - one) ** 2)) - 2 * np.exp(-((x - other) ** 2))) / np.sqrt(np.pi)
    np.testing.assert_allclose(profile.difference_e_A, expected, atol=1e-9)
    assert profile.total_e == pytest.approx(1.0)
    # from 6 Å before the first to 6 Å past the last, each 0.2 Å
    np.testing.assert_allclose(np.diff(x), 0.2)
    assert x[0] == pytest.approx(one - 6)
    assert other + 6 - 1e-9 <= x[-1] < other + 6.2 + 1e-9
    # the middle of a step is where it ends: error functions
    ends = x + 0.1
    exact = sum(n / 2 * (1 + np.vectorize(erf)(ends - centre)) for n, centre in ((3, one), (-2, other)))
    np.testing.assert_allclose(profile.transferred_e, exact, atol=5e-3)


def test_a_profile_survives_its_file(tmp_path):
    plane = Plane(np.zeros(3), np.eye(3)[:2], (2, 2))
    profile = Profile(np.array([0.0, 0.5, 1.0]), np.array([0.1, -0.3, 0.2]))
    DifferenceMap(plane, np.zeros((2, 2))).write(tmp_path / "map.npz", profile)
    again = read_profile(tmp_path / "map.npz")
    np.testing.assert_array_equal(again.position_A, profile.position_A)
    np.testing.assert_array_equal(again.difference_e_A, profile.difference_e_A)
