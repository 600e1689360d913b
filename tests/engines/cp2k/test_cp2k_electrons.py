"""Electrons from real CP2K: methane and its radicals. Charges, the ELF by both routes, what a bond gathers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from ase.build import molecule

from iondrill.analyse.density.plane import Plane
from iondrill.analyse.dynamics.charges import fragment_charges
from iondrill.analyse.elf.check import compare, own_elf
from iondrill.analyse.elf.difference import check_balance, planar_integral
from iondrill.analyse.elf.map import elf_on_plane
from iondrill.analyse.elf.point import cube_map, read_point
from iondrill.config.levels import Cp2kLevel
from iondrill.engines.cp2k.output import Log
from iondrill.engines.execute import execute
from iondrill.errors import UserError
from iondrill.jobs.job import Static

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.analyse.density.wavefunction import Wavefunction

pytestmark = pytest.mark.cp2k
LEVEL = {"cutoff_Ry": 280, "rel_cutoff_Ry": 60, "eps_scf": 1e-6}
# hydrogen 1 is taken off the other four
PARTS = {"whole": [0, 1, 2, 3, 4], "radical": [0, 2, 3, 4], "atom": [1]}


class Point(NamedTuple):
    """A finished single point."""

    folder: Path
    wavefunction: Wavefunction
    atoms: Atoms


@pytest.fixture(scope="module")
def points(make_job, tmp_path_factory):
    """Return the single points by name; the hydrogen atom without cubes."""
    whole = molecule("CH4")
    whole.rotate(20, "y")
    whole.set_cell([6.6, 6.6, 6.6])
    whole.set_array("fragment", np.array(["lower", "ion", "lower", "lower", "lower"]))
    found = {}
    for name, indices in PARTS.items():
        folder = tmp_path_factory.mktemp(name)
        result, structure = folder / "result.json", folder / "structure.extxyz"
        task = Static(wavefunction=True, cubes=name != "atom")
        job = make_job("cp2k", "cluster", task, level=LEVEL, stage="elf")
        assert execute(job.model_dump(mode="json"), whole[indices], result, structure).status == "converged"
        found[name] = Point(folder, *read_point(str(result), str(structure)))
    return found


@pytest.mark.parametrize("name", PARTS)
def test_charges_of_fragments_add_up(name, points):
    """Also as printed: three decimals of Hirshfeld, six of Mulliken."""
    folder, _, atoms = points[name]
    (log,) = folder.glob("state/*/attempt-001/job.out")
    for scheme, precision_e in (("Hirshfeld", 1e-3), ("Mulliken", 1e-6)):
        table = Log.read(log).scf[-1].tables[scheme]
        assert abs(sum(table.printed_e)) <= precision_e * len(atoms)
        assert (table.spin is None) == (name == "whole")
        charges = atoms.arrays[f"{scheme.lower()}_e"]
        np.testing.assert_allclose(charges, table.printed_e, atol=precision_e)
        rows = list(
            fragment_charges(0, 0.0, charges, atoms.arrays["fragment"], scheme=scheme, total_charge_e=0, source=log)
        )
        assert sum(row.charge_e for row in rows) == pytest.approx(0, abs=1e-9)
        if name == "whole":
            assert [row.charge_e > 0 for row in rows] == [True, False]  # hydrogen gives, methyl takes


@pytest.mark.parametrize("name", ["whole", "radical"])
def test_cubes_give_the_elf_of_the_orbitals(name, points):
    """The radical is spin-polarised: CP2K's cubes of it are repaired.

    The grid is a coarse one. At 400 Ry they differ by less than 1e-4 (test_elf.py, docs/validation-elf.md).
    """
    folder, wavefunction, atoms = points[name]
    plane = Plane.of_insertion(atoms.positions, atoms.positions[0], margin_A=1.0, spacing_A=0.1)
    cubes = cube_map(str(folder / "cubes"), plane)
    orbitals = elf_on_plane(wavefunction, cubes.plane)
    assert abs(cubes.plane.origin_A[1] - plane.origin_A[1]) < 0.1  # the nearest plane of CP2K's grid
    assert len(list((folder / "cubes").iterdir())) == (2 if name == "whole" else 4)
    dense = (orbitals.rho > 1e-3) & np.isfinite(cubes.elf)
    assert dense.sum() > 0.95 * (orbitals.rho > 1e-3).sum() > 300
    np.testing.assert_allclose(cubes.elf[dense], orbitals.elf[dense], atol=5e-4)
    np.testing.assert_allclose(cubes.rho, orbitals.rho, atol=1e-4)


def test_cp2k_makes_its_elf_of_one_spin_as_the_levels_default_says(points, make_job, tmp_path):
    """Methane with one spin density is there; with two, D/D₀ of each is 2^⅔ times that of both."""
    level = LEVEL | {"elf_spin_D0": Cp2kLevel.model_fields["elf_spin_D0"].default}
    job = make_job("cp2k", "cluster", Static(wavefunction=True, cubes=True), level=level, stage="elf", spins=2)
    result, structure = tmp_path / "result.json", tmp_path / "structure.extxyz"
    assert execute(job.model_dump(mode="json"), points["whole"].atoms, result, structure).status == "converged"
    found = compare("CP2K", own_elf(points["whole"].folder), own_elf(tmp_path))
    assert found.spin_D0 == level["elf_spin_D0"]
    assert found.ratio == pytest.approx(2 ** (2 / 3), rel=5e-3)


def test_a_plane_that_leaves_the_box_is_refused(points):
    folder, _, atoms = points["whole"]
    plane = Plane.of_insertion(atoms.positions, atoms.positions[0], margin_A=5.0, spacing_A=0.1)
    with pytest.raises(UserError, match=r"density\.cube.*larger box, or less margin"):
        cube_map(str(folder / "cubes"), plane)


def test_the_bond_gathers_electrons_and_the_difference_integrates_to_nothing(points):
    whole, radical, atom = (points[name] for name in PARTS)
    parts = [radical.wavefunction, atom.wavefunction]
    profile = planar_integral(whole.wavefunction, parts, whole.atoms, axis=2, margin_A=4.5, spacing_A=0.2)
    check_balance(profile, "methane")
    assert abs(profile.total_e) < 1e-3
    middle = 0.5 * (whole.atoms.positions[0] + whole.atoms.positions[1])
    gained = [w.density(middle[None]).sum() for w in (whole.wavefunction, *parts)]
    assert gained[0] - gained[1] - gained[2] > 0.005  # electrons/bohr³
