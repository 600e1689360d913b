"""D3(BJ) by s-dftd3: taken off the labels that a potential learns, and added where a calculator lacks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ase.units import Bohr, Hartree

from iondrill.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms
    from numpy.typing import NDArray

DISPERSION = "dispersion"
"""Among the results of a calculator: what D3 has added to its energy, eV."""
PAIRS_A, COORDINATION_A = 25.0, 20 * Bohr
"""Pairs that count: as in CP2K's inputs (templates/cp2k/base.inp.j2, R_CUTOFF); and neighbours. On a slab of 40 atoms
s-dftd3's own 32 and 21 Å change the energy by 0.04 meV an atom and take 2.5 times as long."""


class Dispersion:
    """D3(BJ) without the three-body term, as CP2K and VASP compute it.

    Parameters
    ----------
    functional : str
        Whose parameters: Grimme, Ehrlich and Goerigk, J. Comput. Chem. 32, 1456 (2011), and others that dftd3 knows.

    Raises
    ------
    UserError
        If the package is not there, or does not know the functional.
    """

    def __init__(self, functional: str = "PBE") -> None:
        try:
            from dftd3.interface import RationalDampingParam
        except ImportError:
            raise UserError.of("dispersion", "the package dftd3 is not installed", "pip install dftd3") from None
        try:
            self._damping = RationalDampingParam(method=functional, atm=False)
        except RuntimeError as error:
            raise UserError.of("dispersion", f"dftd3 has no D3(BJ) parameters of {functional}", str(error)) from None
        self._kept: tuple[bytes, Any] = (b"", None)

    def energy_and_forces(self, atoms: Atoms) -> tuple[float, NDArray[np.float64]]:
        """Return energy (eV) and forces (n_atoms, 3; eV/Å); constraints do not count."""
        found = self._model(atoms).get_dispersion(self._damping, grad=True)
        return float(found["energy"]) * Hartree, found["gradient"] * (-Hartree / Bohr)

    def _model(self, atoms: Atoms) -> Any:
        """Return the model of these species, at the atoms' positions: made anew only for other species."""
        from dftd3.interface import DispersionModel

        positions, lattice = atoms.positions / Bohr, atoms.cell.array / Bohr
        species = atoms.numbers.tobytes() + atoms.pbc.tobytes()
        if species == self._kept[0]:
            self._kept[1].update(positions, lattice)
        else:
            model = DispersionModel(atoms.numbers, positions, lattice, atoms.pbc)
            model.set_realspace_cutoff(disp2=PAIRS_A / Bohr, disp3=COORDINATION_A / Bohr, cn=COORDINATION_A / Bohr)
            self._kept = species, model
        return self._kept[1]


def d3_of(atoms: Atoms) -> tuple[float, NDArray[np.float64]]:
    """Return energy (eV) and forces (n_atoms, 3; eV/Å) of D3(BJ) for PBE."""
    return Dispersion().energy_and_forces(atoms)
