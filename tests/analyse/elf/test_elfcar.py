"""VASP's ELFCAR: known functions on its grid come back on planes, of one spin and of two."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.units import Bohr
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp.inputs import Poscar

from iondrill.analyse.density.plane import Plane
from iondrill.analyse.elf.contacts import contact_elf
from iondrill.analyse.elf.elfcar import ElfCell, read_elfcar
from iondrill.analyse.elf.formula import elf_of
from iondrill.analyse.elf.map import elf_on_plane
from iondrill.errors import UserError

CELL_A = np.array([[6.0, 0, 0], [2.0, 5.0, 0], [0, 0.5, 7.0]])
SHAPE = (30, 32, 36)
PLANE = Plane(np.array([-1.0, 0.7, 0.3]), 0.17 * np.array([[1.0, 0, 0], [0, 0, 1.0]]), (60, 50))


def waves(fractional, phase):
    """Return a smooth periodic function between 0.1 and 0.9, that no reordering of the axes leaves as it is."""
    x, y, z = np.moveaxis(2 * np.pi * np.asarray(fractional), -1, 0)
    return 0.5 + 0.2 * np.cos(x + phase) + 0.15 * np.sin(y - phase) * np.cos(z) + 0.05 * np.sin(2 * z)


def grid_points():
    return np.moveaxis(np.indices(SHAPE), 0, -1) / SHAPE


def write_grids(path, *grids):
    """Write grids as VASP does: the structure, then for each its size and its values, x fastest, five a line."""
    structure = Structure(Lattice(CELL_A), ["C", "Li"], [[0.1, 0.2, 0.3], [0.6, 0.5, 0.4]])
    text = Poscar(structure).get_str()
    for grid in grids:
        values = grid.ravel(order="F")
        lines = (values[start : start + 5] for start in range(0, len(values), 5))
        text += "\n" + " ".join(map(str, grid.shape)) + "\n"
        text += "".join("".join(f"{value:18.10E}" for value in line) + "\n" for line in lines)
    path.write_text(text)


@pytest.fixture
def files(tmp_path):
    """Return what writes ELFCAR and CHGCAR of 1 or 2 spins, and the functions in them."""

    def make(n_spins):
        elf = [lambda f, p=phase: waves(f, p) for phase in (0.3, 1.9)[:n_spins]]
        total, difference = (lambda f: 0.2 + 0.1 * waves(f, 0.8)), (lambda f: 0.12 * waves(f, 2.5))
        volume_bohr3 = abs(np.linalg.det(CELL_A)) / Bohr**3
        write_grids(tmp_path / "ELFCAR", *(function(grid_points()) for function in elf))
        densities = [total, difference][:n_spins]
        write_grids(tmp_path / "CHGCAR", *(volume_bohr3 * function(grid_points()) for function in densities))
        return (tmp_path / "ELFCAR", tmp_path / "CHGCAR"), elf, densities

    return make


def test_one_spin_comes_back_on_a_plane_that_leaves_the_cell(files):
    paths, (elf,), (rho,) = files(1)
    shift_A = np.array([0.4, -0.3, 1.1])
    found = elf_on_plane(read_elfcar(*paths, origin_A=shift_A), PLANE)
    fractional = (PLANE.points_A() - shift_A) @ np.linalg.inv(CELL_A)
    assert (fractional < 0).any()
    assert (fractional > 1).any()
    assert np.abs(found.elf.ravel() - elf(fractional)).max() < 1e-3
    assert np.abs(found.rho.ravel() - rho(fractional)).max() < 1e-5


def test_two_spins_are_up_then_down(files):
    paths, (up, down), (total, difference) = files(2)
    found = elf_on_plane(read_elfcar(*paths, spin_D0="6pi2"), PLANE)
    fractional = PLANE.points_A() @ np.linalg.inv(CELL_A)
    rho = np.array([total(fractional) + difference(fractional), total(fractional) - difference(fractional)]) / 2
    chi = np.sqrt(1 / np.array([up(fractional), down(fractional)]) - 1)
    expected = 1 / (1 + ((chi * rho ** (5 / 3)).sum(axis=0) / (rho ** (5 / 3)).sum(axis=0)) ** 2)
    assert np.abs(found.elf.ravel() - expected).max() < 1e-3
    assert np.abs(found.rho.ravel() - total(fractional)).max() < 1e-5
    swapped = 1 / (1 + ((chi[::-1] * rho ** (5 / 3)).sum(axis=0) / (rho ** (5 / 3)).sum(axis=0)) ** 2)
    assert np.abs(swapped - expected).max() > 0.05


def test_equal_spins_are_a_closed_shell(files, tmp_path):
    paths, (elf,), (rho,) = files(1)
    one = elf_on_plane(read_elfcar(*paths), PLANE)
    volume_bohr3 = abs(np.linalg.det(CELL_A)) / Bohr**3
    write_grids(tmp_path / "ELFCAR", elf(grid_points()), elf(grid_points()))
    write_grids(tmp_path / "CHGCAR", volume_bohr3 * rho(grid_points()), np.zeros(SHAPE))
    two = elf_on_plane(read_elfcar(*paths, spin_D0="6pi2"), PLANE)
    assert np.abs(one.elf - two.elf).max() < 1e-9
    assert np.abs(one.rho - two.rho).max() < 1e-12


def test_what_published_versions_write_of_two_spins_is_mended(files, tmp_path):
    """They divide D of one spin by (3/10)(3π²)^⅔ ρσ^(5/3): χ of a closed shell comes out 2^⅔ too large."""
    paths, (elf,), (rho,) = files(1)
    one = elf_on_plane(read_elfcar(*paths), PLANE)
    volume_bohr3 = abs(np.linalg.det(CELL_A)) / Bohr**3
    published = 1 / (1 + 2 ** (4 / 3) * (1 / elf(grid_points()) - 1))
    write_grids(tmp_path / "ELFCAR", published, published)
    write_grids(tmp_path / "CHGCAR", volume_bohr3 * rho(grid_points()), np.zeros(SHAPE))
    assert np.abs(elf_on_plane(read_elfcar(*paths, spin_D0="3pi2"), PLANE).elf - one.elf).max() < 2e-3
    assert np.abs(elf_on_plane(read_elfcar(*paths, spin_D0="6pi2"), PLANE).elf - one.elf).max() > 0.15
    with pytest.raises(UserError, match=r"ELFCAR: two spins, and the level has no elf_spin_D0; allowed: '6pi2' or"):
        read_elfcar(*paths)


def test_contacts_are_read_where_they_are(files):
    paths, (elf,), _ = files(1)
    atoms = Atoms("CLi", positions=[[1.0, 1.0, 1.0], [2.4, 1.0, 2.1]])
    atoms.set_array("fragment", np.array(["lower", "ion"]))
    (contact,) = contact_elf(read_elfcar(*paths), atoms)
    middle = atoms.positions.mean(axis=0) @ np.linalg.inv(CELL_A)
    assert contact.pair == "ion-carbon"
    assert contact.elf_midpoint == pytest.approx(float(elf(middle)), abs=1e-3)


@pytest.mark.parametrize("share", [0, 0.02, 0.5, 0.9999])
@pytest.mark.parametrize("which", [0, 1])
def test_a_cut_grid_is_refused_by_name(which, share, files):
    paths, *_ = files(2)
    content = paths[which].read_bytes()
    paths[which].write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match=paths[which].name):
        read_elfcar(*paths, spin_D0="6pi2")


def test_grids_that_do_not_go_together_are_refused(files, tmp_path):
    paths, elf, _ = files(2)
    write_grids(tmp_path / "ELFCAR", elf[0](grid_points()))
    with pytest.raises(UserError, match=r"CHGCAR: grids: 2 of 30×32×36; needed: 1 of 30×32×36"):
        read_elfcar(*paths)
    write_grids(tmp_path / "ELFCAR", *(7 * function(grid_points()) for function in elf))
    with pytest.raises(UserError, match=r"ELFCAR: values from .* allowed: 0 to 1"):
        read_elfcar(*paths)
    with pytest.raises(UserError, match="none"):
        read_elfcar(tmp_path / "none", paths[1])


@pytest.mark.parametrize("which", [0, 1])
def test_a_number_that_is_none_and_a_last_line_that_is_cut_are_refused(files, which):
    paths, *_ = files(1)
    text = paths[which].read_text()
    last = text.rstrip("\n").rsplit(maxsplit=1)[1]
    for damaged in (text.replace(last, "NaN", 1), text[:-1]):
        paths[which].write_text(damaged)
        with pytest.raises(UserError, match="is cut or holds what is no number"):
            read_elfcar(*paths)


def test_an_elf_a_little_out_of_its_range_is_refused(files, tmp_path):
    paths, (elf,), _ = files(1)
    for change, good in ((1e-7, True), (1e-3, False)):
        values = elf(grid_points())
        for grid in (values - values.min() - change, values - values.max() + 1 + change):
            write_grids(tmp_path / "ELFCAR", np.clip(grid, -change, 1 + change))
            if good:
                read_elfcar(*paths)
            else:
                with pytest.raises(UserError, match="allowed: 0 to 1"):
                    read_elfcar(*paths)


def test_between_its_points_the_density_is_as_smooth_as_a_cubic_spline(files):
    """The waves have 30 points and more: a parabola through three of them would be off by some 10⁻⁵."""
    paths, _, (rho,) = files(1)
    found = read_elfcar(*paths).evaluate(PLANE.points_A())
    expected = rho(PLANE.points_A() @ np.linalg.inv(CELL_A))
    assert np.abs(found.rho[0] - expected).max() < 1.5e-6


@pytest.mark.parametrize("spin_D0", ["6pi2", "3pi2"])
@pytest.mark.parametrize("n_spins", [1, 2])
def test_on_its_own_points_the_elf_is_that_of_the_file_however_dilute_the_gas_is(n_spins, spin_D0):
    """Densities where what the formula adds to D is no longer small: the ELF comes back to ten digits."""
    rng = np.random.default_rng(8)
    elf = rng.uniform(0.05, 0.95, (1, 6, 7, 8)).repeat(n_spins, axis=0)
    rho = rng.uniform(5e-3, 2e-2, (1, 6, 7, 8)).repeat(n_spins, axis=0) / n_spins
    written = 1 / (1 + 2 ** (4 / 3) * (1 / elf - 1)) if n_spins == 2 and spin_D0 == "3pi2" else elf
    cell = ElfCell(CELL_A, written, rho, np.array([0.3, -0.2, 0.1]), spin_D0)
    points_A = (np.indices((6, 7, 8)).reshape(3, -1).T / [6, 7, 8]) @ CELL_A + cell.origin_A
    found = cell.evaluate(points_A)
    enough = elf[0].ravel() < 0.9  # nearer to 1 D is less than what is added
    np.testing.assert_allclose(elf_of(found)[enough], elf[0].ravel()[enough], rtol=1e-9)
    np.testing.assert_allclose(found.rho, rho.reshape(n_spins, -1), rtol=1e-9)
