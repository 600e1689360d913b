"""A fitted potential as an ASE calculator, without torch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from iondrill.engines.ase.boxes import in_wide_box
from iondrill.engines.ase.dispersion import DISPERSION, Dispersion
from iondrill.errors import UserError
from iondrill.files import or_shipped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

MODEL, PARAMETERS = "nep.txt", "potential.json"


def sum_over_atoms_eV(element_eV: dict[str, float], atoms: Atoms) -> float:
    """Return the sum of the elements' energies over the atoms of a frame."""
    return float(sum(element_eV[symbol] for symbol in atoms.get_chemical_symbols()))


def calculator_of(potential: Path | str) -> LearnedPotential:
    """Return the calculator of a potential.

    Parameters
    ----------
    potential : Path or str
        Its folder, with ``nep.txt`` and ``potential.json``.

    Raises
    ------
    UserError
        If a file is missing, or the package that runs it.
    """
    potential = or_shipped(potential)
    try:
        parameters = json.loads((potential / PARAMETERS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError.of(potential / PARAMETERS, f"cannot be read: {error}") from None
    if not (potential / MODEL).is_file():
        raise UserError.of(potential / MODEL, "is no file")
    return LearnedPotential(potential / MODEL, parameters)


class LearnedPotential(Calculator):
    """NEP by nep-adapters, D3(BJ) by s-dftd3 where it was not learned, and the energies of the elements.

    Parameters
    ----------
    model : Path
        ``nep.txt``.
    parameters : dict
        ``elements_eV``, ``dispersion`` and ``cutoff_A``.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces"]

    def __init__(self, model: Path, parameters: dict[str, Any]) -> None:
        super().__init__()
        try:
            from nep_adapters import NEPCalculator
        except ImportError:
            raise UserError.of(model, "the package nep-adapters is not installed", "pip install nep-adapters") from None
        self.parameters_of_fit = parameters
        self._nep = NEPCalculator(str(model), backend="cpu")
        self._d3 = None if parameters["dispersion"] == "learned" else Dispersion()

    def network(self, atoms: Atoms) -> tuple[float, NDArray[np.float64]]:
        """Return energy (eV) and forces (eV/Å) of the network alone: without the elements' energies, and D3."""
        found = self._nep.predict_structures([in_wide_box(atoms, self.parameters_of_fit["cutoff_A"])])
        return float(found.energy[0]), np.array(found.forces, dtype=float)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Compute energy (eV) and forces (eV/Å).

        Raises
        ------
        UserError
            If an element was not in the training, or a position is no number.
        """
        super().calculate(atoms, list(properties), list(system_changes))
        known = self.parameters_of_fit["elements_eV"]
        if unknown := sorted(set(self.atoms.get_chemical_symbols()) - set(known)):
            raise UserError.of(
                "potential", f"has no parameters for {', '.join(unknown)}", f"allowed: {', '.join(known)}"
            )
        if not np.isfinite(self.atoms.positions).all():
            # compiled code may crash
            raise UserError.of("potential", "the position of an atom is not finite", "allowed: numbers")
        energy, forces = self.network(self.atoms)
        energy += sum_over_atoms_eV(known, self.atoms)
        d3_eV = 0.0
        if self._d3 is not None:
            d3_eV, d3_eV_A = self._d3.energy_and_forces(self.atoms)
            energy, forces = energy + d3_eV, forces + d3_eV_A
        self.results = {"energy": energy, "free_energy": energy, "forces": forces, DISPERSION: d3_eV}
