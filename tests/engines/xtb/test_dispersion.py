"""GFN2 with its D4 left out: what is missing is the dispersion that dftd4 gives by itself."""

import pytest
from ase.build import molecule
from ase.units import Bohr, Hartree
from dftd4.interface import DampingParam, DispersionModel

from iondrill.config.levels import XtbLevel
from iondrill.engines.xtb.calculator import XtbCalculator

OWN, NONE = (XtbLevel(engine="xtb", dispersion=choice) for choice in ("own", "none"))


def energy(atoms, level):
    atoms = atoms.copy()
    atoms.calc = XtbCalculator(level)
    return atoms.get_potential_energy()


def test_what_is_left_out_is_the_dispersion():
    one = molecule("C6H6")
    other = one.copy()
    other.positions += [0, 0, 3.6]
    pair = one + other
    missing_eV, d4_eV = 0.0, 0.0
    # parameters of GFN2 by Bannwarth, Ehlert and Grimme in 2019
    damping = DampingParam(s6=1.0, s8=2.7, a1=0.52, a2=5.0, s9=5.0)
    for sign, atoms in ((1, pair), (-2, one)):
        missing_eV += sign * (energy(atoms, OWN) - energy(atoms, NONE))
        model = DispersionModel(atoms.numbers, atoms.positions / Bohr)
        d4_eV += sign * model.get_dispersion(damping, grad=False)["energy"] * Hartree
    assert d4_eV < -0.1
    # dftd4 takes other charges than GFN2's own
    assert missing_eV == pytest.approx(d4_eV, rel=0.15)


def test_the_title_says_that_it_is_left_out():
    assert NONE.title == "GFN2-xTB without dispersion, Γ point"
    assert OWN.title == "GFN2-xTB, Γ point"
    assert [level.has_d4 for level in (OWN, NONE)] == [True, False]
    assert not XtbLevel(engine="xtb", method="GFN1-xTB").has_d4
