"""Contacts: which atoms meet, and how far the ELF on their line is that of a core."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii
from pymatgen.core import Species

from iondrill.analyse.density.wavefunction import LocalDensity
from iondrill.analyse.elf.contacts import contact_elf, contact_pairs, core_radius_A


class Gas:
    """Stands for a wavefunction: homogeneous along x = 0, and a density of one orbital elsewhere."""

    def __init__(self):
        self.points_A = None

    def evaluate(self, points_A):
        """Return densities whose ELF falls from 1 at x = 0, as D grows with x."""
        self.points_A = np.asarray(points_A)
        rho = np.full((1, len(points_A)), 0.1)
        fermi = 0.3 * (3 * np.pi**2) ** (2 / 3) * rho ** (5 / 3)
        return LocalDensity(rho, np.zeros((1, 3, len(points_A))), fermi * self.points_A[:, 0])


@pytest.mark.parametrize("symbol", ["Li", "Na", "K"])
def test_the_core_of_an_ion_is_as_large_as_shannon_has_it(symbol):
    assert core_radius_A(symbol) == Species(symbol, 1).get_shannon_radius("VI", radius_type="ionic")


@pytest.mark.parametrize("symbol", ["H", "C", "Si"])
def test_the_core_of_another_atom_is_half_its_covalent_radius(symbol):
    assert core_radius_A(symbol) == pytest.approx(covalent_radii[atomic_numbers[symbol]] / 2)


def atoms_of(*labelled):
    atoms = Atoms([symbol for symbol, _, _ in labelled], [position for _, _, position in labelled])
    atoms.set_array("fragment", np.array([fragment for _, fragment, _ in labelled]))
    return atoms


def test_the_shortest_contact_of_each_kind_is_found():
    atoms = atoms_of(
        ("C", "lower", (0, 0, 0)),
        ("C", "lower", (1.42, 0, 0)),
        ("C", "upper", (0.1, 0, 3.5)),
        ("C", "upper", (1.40, 0, 3.5)),
        ("H", "upper", (0, 0, 1.0)),
        ("C", "nd", (-3, 0, 3.0)),
        ("H", "nd", (-0.5, 0, 3.0)),
        ("Li", "ion", (1.5, 0, 1.9)),
        ("Li", "ion", (9, 0, 0)),
    )
    assert contact_pairs(atoms) == {
        "ion-carbon": (7, 3),
        "nd-flake": (5, 2),
        "flake-sigma": (2, 3),
        "between-layers": (1, 3),
    }


def test_kinds_that_do_not_occur_are_left_out():
    assert contact_pairs(atoms_of(("C", "lower", (0, 0, 0)), ("H", "nd", (1, 0, 0)))) == {}
    assert list(contact_pairs(atoms_of(("C", "nd", (0, 0, 0)), ("Li", "ion", (0, 0, 2))))) == ["ion-carbon"]


def test_extremes_are_those_outside_the_cores():
    gas, far_A = Gas(), 3.0
    atoms = atoms_of(("C", "nd", (far_A, 0, 0)), ("Li", "ion", (0, 0, 0)))
    (found,) = contact_elf(gas, atoms)
    assert (found.pair, found.distance_A) == ("ion-carbon", far_A)
    # ELF = 1/(1 + x²) here, the ion at x = 0
    edges = core_radius_A("Li"), far_A - core_radius_A("C")
    assert found.elf_midpoint == pytest.approx(1 / (1 + (far_A / 2) ** 2), abs=1e-3)
    assert (found.elf_max, found.elf_min) == pytest.approx([1 / (1 + x**2) for x in edges], abs=1e-3)
    assert np.diff(np.sort(gas.points_A[1:, 0])) == pytest.approx(0.01, abs=2e-4)
    assert (gas.points_A[:, 0].min(), gas.points_A[:, 0].max()) == pytest.approx(edges)
    assert gas.points_A[:, 1:] == pytest.approx(0)


def test_cores_that_meet_leave_the_midpoint_alone():
    gas = Gas()
    (found,) = contact_elf(gas, atoms_of(("C", "nd", (1.0, 0, 0)), ("Na", "ion", (0, 0, 0))))
    assert gas.points_A[:, 0].tolist() == [0.5]
    assert found.elf_min == found.elf_max == found.elf_midpoint


@pytest.mark.parametrize("distance_A", [1.503, 2.117, 3.333])
def test_between_the_cores_there_are_as_few_points_as_are_close_enough(distance_A):
    gas = Gas()
    contact_elf(gas, atoms_of(("C", "nd", (0, 0, 0)), ("C", "lower", (0, 0, distance_A))))
    middle, *between = gas.points_A[:, 2]
    core_A, n = covalent_radii[6] / 2, len(between)
    assert middle == pytest.approx(distance_A / 2)
    np.testing.assert_allclose(between, np.linspace(core_A, distance_A - core_A, n))
    gap_A = distance_A - 2 * core_A
    assert gap_A / (n - 1) <= 0.01 < gap_A / (n - 2)
