"""D3(BJ) by s-dftd3: taken off the labels that a potential learns, and added where a calculator lacks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iondrill.errors import UserError

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

DISPERSION = "dispersion"
"""Among the results of a calculator: what D3 has added to its energy, eV."""


def d3_calculator(functional: str = "PBE") -> Calculator:
    """Return D3(BJ) without the three-body term, as CP2K and VASP compute it.

    Parameters
    ----------
    functional : str
        Whose parameters: Grimme, Ehrlich and Goerigk, J. Comput. Chem. 32, 1456 (2011), and others that dftd3 knows.

    Raises
    ------
    UserError
        If the package is not there, or does not know the functional.
    """
    try:
        from dftd3.ase import DFTD3
        from dftd3.interface import RationalDampingParam
    except ImportError:
        raise UserError.of("dispersion", "the package dftd3 is not installed", "pip install dftd3") from None
    parameters = {"method": functional, "atm": False}
    try:
        RationalDampingParam(**parameters)
    except RuntimeError as error:
        raise UserError.of("dispersion", f"dftd3 has no D3(BJ) parameters of {functional}", str(error)) from None
    return DFTD3(damping="d3bj", params_tweaks=parameters)


def d3_of(atoms: Atoms) -> tuple[float, Any]:
    """Return energy (eV) and forces (n_atoms, 3; eV/Å) of D3(BJ) for PBE."""
    plain = atoms.copy()
    return energy_and_forces(d3_calculator(), plain)


def energy_and_forces(d3: Calculator, atoms: Atoms) -> tuple[float, Any]:
    """Return what a calculator of D3 gives, computed once: the energy comes with the forces, but not they with it."""
    forces = d3.get_forces(atoms)
    return d3.get_potential_energy(atoms), forces
