"""Spin states with real GFN2, against experiment and against finite differences."""

import numpy as np
import pytest
from ase.build import molecule
from numpy.testing import assert_allclose

from iondrill.config.levels import XtbLevel
from iondrill.engines.xtb.calculator import XtbCalculator


def calculator(unpaired, *, polarised=True):
    level = XtbLevel(engine="xtb", accuracy=0.01, spin_polarisation=polarised)
    return XtbCalculator(level, 0, unpaired)


def energy(atoms, unpaired, **options):
    atoms = atoms.copy()
    atoms.calc = calculator(unpaired, **options)
    return atoms.get_potential_energy()


def test_methylene_is_a_triplet_and_ethylene_a_singlet():
    """CH2: X 3B1, 0.39 eV below a 1A1 (Jensen and Bunker, J. Chem. Phys. 89, 1327 (1988)); more at its own angle."""
    methylene = molecule("CH2_s3B1d")
    gap_eV = energy(methylene, 2) - energy(methylene, 0)
    assert -2.0 < gap_eV < -0.39
    assert energy(molecule("C2H4"), 2) - energy(molecule("C2H4"), 0) > 3.0


def test_without_spin_polarisation_low_spin_is_always_lower():
    methylene = molecule("CH2_s3B1d")
    assert energy(methylene, 2, polarised=False) > energy(methylene, 0, polarised=False)


def test_spin_polarisation_leaves_closed_shells_alone():
    methane = molecule("CH4")
    assert_allclose(energy(methane, 0), energy(methane, 0, polarised=False), atol=1e-8)


def test_forces_of_a_triplet_are_the_slope_of_its_energy():
    atoms, step_A = molecule("CH2_s3B1d"), 1e-3
    atoms.rattle(0.05, seed=2)
    atoms.calc = calculator(2)
    forces, charges = atoms.get_forces(), atoms.get_charges()
    assert charges.shape == (3,)
    assert charges.sum() == pytest.approx(0, abs=1e-6)
    for atom, axis in ((0, 2), (1, 1)):
        ends = []
        for sign in (-1, 1):
            moved = atoms.copy()
            moved.positions[atom, axis] += sign * step_A
            ends.append(energy(moved, 2))
        assert forces[atom, axis] == pytest.approx(-np.diff(ends)[0] / (2 * step_A), abs=2e-3)
