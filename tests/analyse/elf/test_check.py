"""D₀ of one spin is distinguished from one closed shell with one spin density and with two, or the factor is named."""

import numpy as np
import pytest
from ase import Atoms
from ase.io.cube import write_cube
from ase.units import Bohr
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp.outputs import VolumetricData

from iondrill.analyse.elf.check import check_job, compare, methane, own_elf
from iondrill.config.models import Config
from iondrill.errors import UserError
from iondrill.jobs.job import CUBES

SHAPE = (12, 11, 10)


def closed_shell(factor):
    """Return ELF and density of a closed shell; and with two spins, χ of each being that many times as large."""
    rng = np.random.default_rng(3)
    rho, chi = rng.uniform(0.0, 0.3, SHAPE), rng.uniform(0.0, 6.0, SHAPE)
    one = 1 / (1 + chi**2)
    two = 1 / (1 + (factor * chi) ** 2)
    return (one[None], rho), (np.array([two, two]), rho)


@pytest.mark.parametrize(("factor", "spin_D0"), [(1.0, "6pi2"), (2 ** (2 / 3), "3pi2")])
def test_the_two_conventions_are_told_apart(factor, spin_D0):
    found = compare("it", *closed_shell(factor))
    assert found.spin_D0 == spin_D0
    assert found.ratio == pytest.approx(factor)


@pytest.mark.parametrize("factor", [2 ** (-2 / 3), 1.2, 2 ** (4 / 3)])
def test_any_other_factor_is_named(factor):
    message = rf"it: D/D₀ of one spin is {factor:.3f} .* times that of both; known: 1 .* 1\.587"
    with pytest.raises(UserError, match=message):
        compare("it", *closed_shell(factor))


def test_a_factor_that_varies_is_none():
    one, (apart, rho) = closed_shell(1.0)
    apart = apart * np.linspace(0.8, 1.0, SHAPE[0])[:, None, None]
    with pytest.raises(UserError, match="of one spin is"):
        compare("it", one, (apart, rho))


def test_each_spin_counts():
    one, (apart, rho) = closed_shell(1.0)
    _, (other, _) = closed_shell(2 ** (2 / 3))
    with pytest.raises(UserError, match="of one spin is"):
        compare("it", one, (np.array([apart[0], other[0]]), rho))


def test_what_cannot_be_compared_is_refused():
    one, two = closed_shell(1.0)
    with pytest.raises(UserError, match="ELF of 1 and 1 spins"):
        compare("it", one, one)
    with pytest.raises(UserError, match="needed: of 1 and 2, on one grid"):
        compare("it", one, (two[0][:, 1:], two[1]))
    with pytest.raises(UserError, match="0 points from which"):
        compare("it", (one[0], one[1] / 100), two)


def test_the_check_is_for_levels_with_an_elf_of_their_own():
    config = Config.model_validate({"levels": {"gfn2": {"engine": "xtb"}, "v": {"engine": "vasp"}}})
    assert [check_job(config, "v", spins).spins for spins in (1, 2)] == [1, 2]
    with pytest.raises(UserError, match=r"level 'gfn2': is of engine xtb.*allowed: v"):
        check_job(config, "gfn2", 1)
    with pytest.raises(UserError, match="level 'w': is not there; allowed: v"):
        check_job(config, "w", 1)


def flat(n, density=0.1, elf=0.5):
    """Return n points alike, of a closed shell: with one spin density, and with two."""
    return (np.full((1, n), elf), np.full(n, density)), (np.full((2, n), elf), np.full(n, density))


@pytest.mark.parametrize(
    ("density", "elf", "said"),
    [(0.031, 0.5, 1), (0.029, 0.5, 0), (0.1, 0.11, 1), (0.1, 0.09, 0), (0.1, 0.94, 1), (0.1, 0.96, 0)],
)
def test_what_is_dilute_or_where_chi_is_hardly_known_says_nothing(density, elf, said):
    """A hundred points more of which only χ of one spin is another: they count if all is known of them."""
    one, two = flat(200)
    one[1][:100] = density
    two[0][1, :100] = elf if elf != 0.5 else 0.3
    if said:
        with pytest.raises(UserError, match="of one spin is"):
            compare("it", one, two)
    else:
        assert compare("it", one, two) == (1.0, "6pi2")


def test_a_hundred_points_are_enough_and_one_less_is_not():
    assert compare("it", *flat(100)).ratio == 1.0
    with pytest.raises(UserError, match="99 points from which χ can be determined; needed: 100"):
        compare("it", *flat(99))


def test_methane_is_a_closed_shell_alone_in_a_cube():
    config = Config.model_validate({"levels": {"v": {"engine": "vasp"}, "c": {"engine": "cp2k"}}})
    atoms = methane()
    assert atoms.get_chemical_formula() == "CH4"
    assert atoms.cell.lengths() == pytest.approx([8.0] * 3)
    assert atoms.cell.angles() == pytest.approx([90.0] * 3)
    assert set(atoms.arrays["fragment"]) == {"lower"}
    for name, cubes in (("v", False), ("c", True)):
        job = check_job(config, name, 2)
        assert (job.multiplicity, job.kind, job.spins) == (1, "cluster", 2)
        assert (job.task.wavefunction, job.task.cubes) == (True, cubes)


def test_the_elf_is_read_from_what_either_engine_leaves(tmp_path):
    values = np.random.default_rng(4).uniform(0.1, 0.9, (3, *SHAPE)).round(4)
    cubes = tmp_path / "cp2k" / CUBES
    cubes.mkdir(parents=True)
    cell = Atoms("C", cell=np.diag([3.0, 4.0, 5.0]))
    for name, grid in zip(("density", "elf-1", "elf-2"), values, strict=True):
        with (cubes / f"{name}.cube").open("w") as stream:
            write_cube(stream, cell, data=grid)
    vasp = tmp_path / "vasp"
    vasp.mkdir()
    # CHGCAR holds the density in electrons of the cell: the sum of spins, then the difference
    for name, grids in (("ELFCAR", values[1:]), ("CHGCAR", [values[0] * 60 / Bohr**3, 0.3 * values[0]])):
        data = dict(zip(("total", "diff"), grids, strict=True))
        structure = Structure(Lattice(cell.cell), ["C"], [[0, 0, 0]])
        VolumetricData(structure, data).write_file(vasp / name)
    for folder in (tmp_path / "cp2k", vasp):
        elf, rho = own_elf(folder)
        np.testing.assert_allclose(elf, values[1:], rtol=1e-5)
        np.testing.assert_allclose(rho, values[0], rtol=1e-5)
