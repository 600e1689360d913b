"""D3(BJ) apart from what a potential learns: taken off the labels, and added when it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iondrill.errors import UserError

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator


BJ_PBE = {"s6": 1.0, "s8": 0.7875, "a1": 0.4289, "a2": 4.4407, "s9": 0.0}
"""Grimme, Ehrlich and Goerigk, J. Comput. Chem. 32, 1456 (2011); without the three-body term, as CP2K and VASP."""


def d3_calculator() -> Calculator:
    """Return the D3(BJ) of s-dftd3, pairs alone, as CP2K and VASP compute it.

    Raises
    ------
    UserError
        If the package is not there.
    """
    try:
        from dftd3.ase import DFTD3
    except ImportError:
        raise UserError.of("dispersion", "the package dftd3 is not installed", "pip install dftd3") from None
    return DFTD3(damping="d3bj", params_tweaks=BJ_PBE)


def d3_of(atoms: Atoms) -> tuple[float, Any]:
    """Return energy (eV) and forces (n_atoms, 3; eV/Å) of D3(BJ)."""
    plain = atoms.copy()
    plain.calc = d3_calculator()
    return plain.get_potential_energy(), plain.get_forces(apply_constraint=False)
