"""Attractors: counted on curves that are known, and in molecules whose bonds are."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from iondrill.analyse.density.plane import Plane
from iondrill.analyse.density.wavefunction import LocalDensity
from iondrill.analyse.elf.grid import MARGIN_A, elf_on_grid, read_elf_grid
from iondrill.analyse.elf.lines import (
    BONDS,
    PROFILES,
    ElfLine,
    attractors,
    bond_rows,
    elf_line,
    elf_lines,
    nd_flake_bonds,
    profile_rows,
)
from iondrill.analyse.elf.map import elf_on_plane
from iondrill.errors import UserError


def line(elf, *, length_A=2.0, core_A=(0.3, 0.3), rho=1.0):
    """Return a line with the ELF of a function of the position."""
    x = np.linspace(0, length_A, 201)
    return ElfLine("nd-flake-bond", 0, 1, core_A, x, elf(x), np.full(x.shape, rho))


def hill(centre, height=0.9, width=0.2):
    return lambda x: height * np.exp(-(((x - centre) / width) ** 2))


@pytest.mark.parametrize("centres", [(1.0,), (0.6, 1.4), (0.5, 1.0, 1.5)])
def test_each_hill_is_an_attractor(centres):
    found = attractors(line(lambda x: sum(hill(c)(x) for c in centres)))
    assert [a.position_A for a in found] == pytest.approx(centres, abs=0.02)
    assert all(0.85 < a.elf < 1 for a in found)


def test_what_is_in_a_core_or_has_no_density_is_none():
    assert attractors(line(hill(0.1, width=0.1))) == []
    assert attractors(line(hill(1.0), rho=1e-4)) == []


def test_ripples_make_no_more_attractors():
    assert len(attractors(line(lambda x: hill(1.0)(x) + 0.002 * np.sin(90 * x)))) == 1


@pytest.fixture(scope="module")
def ethane(embedded):
    """Return two methyl groups, one called nanodiamond and one flake, and their lines."""
    atoms = molecule("C2H6")
    sides = np.where(atoms.positions @ (atoms.positions[1] - atoms.positions[0]) > 0, "lower", "nd")
    atoms.set_array("fragment", sides)
    return atoms, elf_lines(embedded(atoms), atoms)


def test_a_single_bond_has_one_attractor_half_way(ethane):
    atoms, lines = ethane
    assert nd_flake_bonds(atoms) in ([(0, 1)], [(1, 0)])
    (row,) = bond_rows(lines, 7, 3.5)
    bond = dict(zip(BONDS.names, row, strict=True))
    assert (bond["step"], bond["time_fs"], bond["attractors"]) == (7, 3.5, 1)
    assert bond["attractor_A"] == pytest.approx(bond["distance_A"] / 2, abs=0.02)
    assert bond["elf_attractor"] > 0.9


def test_two_molecules_that_touch_share_no_attractor(embedded):
    below, above = molecule("CH4"), molecule("CH4")
    above.translate((0, 0, 4.0))
    atoms = below + above
    atoms.set_array("fragment", np.array(["nd"] * 5 + ["lower"] * 5))
    assert nd_flake_bonds(atoms) == []
    lines = elf_lines(embedded(atoms), atoms)
    assert bond_rows(lines, 0, 0.0) == []
    (touch,) = [line for line in lines if line.pair == "nd-flake"]
    found = attractors(touch)
    assert touch.elf_midpoint < 0.2
    assert all(abs(a.position_A - touch.distance_A / 2) > 0.3 for a in found)


def test_profiles_go_from_nucleus_to_nucleus(ethane):
    atoms, lines = ethane
    rows = [dict(zip(PROFILES.names, row, strict=True)) for row in profile_rows(lines, 7, 3.5)]
    bond = [row for row in rows if row["pair"] == "nd-flake-bond"]
    assert bond[0]["position_A"] == 0
    assert bond[-1]["position_A"] == pytest.approx(atoms.get_distance(0, 1))
    assert np.diff([row["position_A"] for row in bond]).max() <= 0.0201
    elf = np.array([row["elf"] for row in bond])
    np.testing.assert_allclose(elf, elf[::-1], atol=0.02)  # ethane is symmetric
    assert elf[len(elf) // 2] == pytest.approx(bond_rows(lines, 0, 0.0)[0][5])


def test_the_grid_has_the_values_of_its_planes_and_survives_the_file(embedded, tmp_path):
    atoms = molecule("CH4")
    wavefunction = embedded(atoms)
    grid = elf_on_grid(wavefunction, atoms)
    grid.write(tmp_path / "grid.npz")
    again = read_elf_grid(tmp_path / "grid.npz")
    assert again.spacing_A == 0.25
    middle = grid.elf.shape[1] // 2
    step = grid.spacing_A * np.eye(3)
    plane = Plane(grid.origin_A + middle * step[1], step[[0, 2]], (grid.elf.shape[0], grid.elf.shape[2]))
    there = elf_on_plane(wavefunction, plane)
    expected = np.where(there.rho >= 1e-3, there.elf, 0)
    np.testing.assert_allclose(again.elf[:, middle] / 255, expected, atol=0.5 / 255 + 1e-9)


def test_a_large_molecule_has_a_coarser_grid(embedded, monkeypatch):
    monkeypatch.setattr("iondrill.analyse.elf.grid.MOST_POINTS", 500)
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.74]])
    assert 200 < elf_on_grid(embedded(atoms), atoms).elf.size < 1000


def test_a_coarser_grid_has_as_many_points_as_are_allowed(embedded, monkeypatch):
    """With points a hundredth nearer to each other there would be more."""
    most = 60
    monkeypatch.setattr("iondrill.analyse.elf.grid.MOST_POINTS", most)
    atoms = Atoms("He2", [[0, 0, 0], [5, 6, 7]])
    grid = elf_on_grid(embedded(atoms), atoms)
    assert grid.elf.size <= most
    extent_A = np.ptp(atoms.positions, axis=0) + 2 * MARGIN_A
    assert np.prod(np.floor(extent_A / (grid.spacing_A / 1.01)) + 1) > most


def test_a_damaged_grid_is_named(tmp_path):
    path = tmp_path / "grid.npz"
    path.write_bytes(b"PK")
    with pytest.raises(UserError, match=r"grid\.npz"):
        read_elf_grid(path)


@pytest.mark.parametrize(("rho", "n"), [(0.9e-3, 0), (1e-3, 1), (1.1e-3, 1)])
def test_an_attractor_needs_a_thousandth_of_an_electron_a_bohr3(rho, n):
    assert len(attractors(line(hill(1.0), rho=rho))) == n


@pytest.mark.parametrize(("ripple", "n"), [(0.008, 1), (0.013, 2)])
def test_a_maximum_counts_if_the_elf_falls_by_a_hundredth_on_either_side(ripple, n):
    """Two hills, one a little higher, and a valley as deep as the ripple between them."""
    found = attractors(line(lambda x: 0.5 + ripple / 2 * np.cos(2.5 * np.pi * (x - 0.6)) + 1e-4 * x, core_A=(0.1, 0.1)))
    assert len(found) == n
    assert found[-1].position_A == pytest.approx(1.4, abs=0.02)


@pytest.mark.parametrize(("core_A", "position_A"), [((0.9, 0.3), 0.8), ((0.3, 0.9), 1.2)])
def test_a_maximum_within_either_core_is_the_cores_own(core_A, position_A):
    assert len(attractors(line(hill(position_A)))) == 1
    assert attractors(line(hill(position_A), core_A=core_A)) == []


def test_the_highest_attractor_stands_for_a_bond():
    (row,) = bond_rows([line(lambda x: hill(0.6, 0.5)(x) + hill(1.4, 0.8)(x))], 0, 0.0)
    bond = dict(zip(BONDS.names, row, strict=True))
    assert bond["attractors"] == 2
    assert (bond["attractor_A"], bond["elf_attractor"]) == (pytest.approx(1.4, abs=0.01), pytest.approx(0.8, abs=0.01))
    (row,) = bond_rows([line(np.zeros_like)], 0, 0.0)
    assert row[-3:] == (0, None, None)


class Gas:
    """Stands for a wavefunction: a closed shell with the density of a homogeneous gas, dilute where x is negative."""

    def evaluate(self, points_A):
        """Return what has the ELF of 1/2 everywhere."""
        self.points_A = points_A
        rho = np.where(points_A[:, 0] < 0, 0.9e-3, 0.1)[None]
        return LocalDensity(rho, np.zeros((1, 3, len(points_A))), 0.3 * (3 * np.pi**2) ** (2 / 3) * rho ** (5 / 3))


@pytest.mark.parametrize(("size_A", "spacing_A"), [(2.0, 0.25), (25.0, (27.4**3 / 250_000) ** (1 / 3) * 1.01)])
def test_a_grid_reaches_a_little_beyond_the_atoms_and_has_no_more_points_than_a_page_can_hold(size_A, spacing_A):
    gas = Gas()
    grid = elf_on_grid(gas, Atoms("H2", [[-1, 2, 3], [size_A - 1, size_A + 2, size_A + 3]]))
    assert grid.spacing_A == pytest.approx(spacing_A, rel=0.02 if size_A > 9 else 1e-9)
    assert grid.origin_A == pytest.approx([-2.2, 0.8, 1.8])
    assert grid.elf.size <= 250_000
    last = gas.points_A.max(axis=0)
    high = np.array([size_A - 1, size_A + 2, size_A + 3]) + 1.2
    assert ((high - last >= -1e-9) & (high - last < grid.spacing_A)).all()
    # nothing is shown where there is hardly any density
    shown = grid.elf[gas.points_A[:, 0].reshape(grid.elf.shape) >= 0]
    assert set(np.unique(shown)) <= {127, 128}
    assert not grid.elf[gas.points_A[:, 0].reshape(grid.elf.shape) < 0].any()


@pytest.mark.parametrize(("centre", "n"), [(17 / 64, 0), (18 / 64, 1), (1.0, 1), (110 / 64, 1), (111 / 64, 0)])
def test_a_maximum_has_points_on_either_side_that_are_outside_the_cores(centre, n):
    """Points every 1/64 Å of 2 Å, and cores of 1/4 Å: the rim is a point, and belongs to the core."""
    x = np.arange(129) / 64
    assert len(attractors(ElfLine("ion-carbon", 0, 1, (0.25, 0.25), x, hill(centre)(x), np.ones(129)))) == n


def test_a_line_is_as_long_as_the_distance_of_its_ends_and_has_a_middle():
    slope = line(lambda x: x / 2)
    assert slope.distance_A == 2.0
    assert slope.elf_midpoint == pytest.approx(0.5)


@pytest.mark.parametrize("distance_A", [0.745, 0.99, 1.41, 2.37, 3.03])
def test_a_line_has_the_fewest_points_with_a_middle_that_are_close_enough(distance_A):
    gas = Gas()
    direction = np.array([2.0, -1.0, 2.0]) / 3
    atoms = Atoms("CLi", [[1, 2, 3], [1, 2, 3] + distance_A * direction])
    found = elf_line(gas, atoms, "ion-carbon", 1, 0)
    n = len(found.position_A)
    assert n % 2 == 1
    assert distance_A / (n - 1) <= 0.02 < distance_A / (n - 3)
    np.testing.assert_allclose(found.position_A, np.linspace(0, distance_A, n))
    np.testing.assert_allclose(gas.points_A, atoms.positions[1] - found.position_A[:, None] * direction)


def test_new_bonds_are_pairs_of_carbon_nearer_than_a_long_bond_wherever_they_are():
    rng = np.random.default_rng(6)
    atoms = Atoms(rng.choice(["C", "H"], 60, p=[0.8, 0.2]), rng.uniform(0, 6, (60, 3)) + np.array([40, -30, 20]))
    fragment = rng.choice(["nd", "lower", "upper", "ion"], 60)
    atoms.set_array("fragment", fragment)
    near = {
        (i, j)
        for i in range(60)
        for j in range(60)
        if fragment[i] == "nd" and fragment[j] in {"lower", "upper"} and atoms.get_distance(i, j) < 1.85
    }
    expected = {(i, j) for i, j in near if atoms.symbols[i] == atoms.symbols[j] == "C"}
    assert len(near) > len(expected) > 5
    assert set(nd_flake_bonds(atoms)) == expected


@pytest.mark.parametrize("size_A", [3.0, 28.0])
def test_a_grid_is_as_fine_wherever_the_molecule_is(size_A):
    here = Atoms("H2", [[0, 0, 0], [size_A, size_A / 2, size_A]])
    there = Atoms("H2", here.positions + 100.0)
    one, other = elf_on_grid(Gas(), here), elf_on_grid(Gas(), there)
    assert one.spacing_A == pytest.approx(other.spacing_A, rel=1e-6)
    assert one.elf.shape == other.elf.shape
