"""D3(BJ) apart from what a potential learns: taken off the labels, and added when it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iondrill.errors import UserError

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator


def d3_calculator(method: str = "PBE") -> Calculator:
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
    # s9 = 0: no three-body term
    return DFTD3(method=method, damping="d3bj", params_tweaks={"s9": 0.0})


def d3_of(atoms: Atoms, method: str = "PBE") -> tuple[float, Any]:
    """Return energy (eV) and forces (n_atoms, 3; eV/Å) of D3(BJ)."""
    plain = atoms.copy()
    plain.calc = d3_calculator(method)
    return plain.get_potential_energy(), plain.get_forces(apply_constraint=False)
