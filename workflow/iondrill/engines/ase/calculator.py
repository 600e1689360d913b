"""A calculator of ASE with what runs in this process ask besides: resumption, a cell, dispersion, plain errors."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import all_changes

from iondrill.engines.ase.boxes import RoomyCell, in_wide_box
from iondrill.engines.ase.dispersion import DISPERSION, Dispersion
from iondrill.engines.ase.grade import grade_of
from iondrill.engines.ase.make import failure, make
from iondrill.engines.embedded.calculator import EmbeddedCalculator, ScfNotConvergedError
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms
    from ase.calculators.calculator import Calculator
    from numpy.typing import NDArray

    from iondrill.config.levels import AseLevel
    from iondrill.engines.ase.grade import Grade
    from iondrill.jobs.job import Job

KEEP_EVERY_S = 1.0
"""Of a level that takes seconds."""


class AseCalculator(EmbeddedCalculator):
    """The calculator of a level of engine ase.

    What it remembers from step to step is dropped before each geometry, so that the digits depend on the geometry
    alone and a run can be resumed; if it remembers on purpose (an SCF), only where a resumed run begins.

    Parameters
    ----------
    level : AseLevel
        Which calculator, its arguments, dispersion.
    job : Job
        Charge and kind of structure.
    start : Atoms
        The first geometry.
    unpaired : int
        Number of unpaired electrons, for calculators that have electrons.
    folder : Path
        Where it may write.
    """

    def __init__(self, level: AseLevel, job: Job, start: Atoms, unpaired: int, folder: Path) -> None:
        super().__init__()
        self._level, self._entry = level, level.entry
        self.keep_every_s = KEEP_EVERY_S if level.takes_seconds else 0.0
        self._where = f"levels.{job.level_name}"
        self._arguments: dict[str, Any] = {}
        if self._entry.charge and job.charge:
            self._arguments[self._entry.charge] = job.charge
        if self._entry.folder:
            self._arguments[self._entry.folder] = str(folder / "calculator")
        if not job.sampled:
            own = {key: value for key, value in level.arguments.items() if key not in self._entry.for_periodic}
            self._level = level.model_copy(update={"arguments": own})
        self._moments = np.full(len(start), unpaired / len(start)) if self._entry.charge and unpaired else None
        self._cell = RoomyCell(start, self._entry.vacuum_A) if self._entry.vacuum_A else None
        self._d3 = Dispersion(str(level.d3_functional)) if level.dispersion != "none" else None
        self._inner: Calculator | None = make(self._level, self._where, self._arguments)
        self.implemented_properties = ["energy", "free_energy", "forces", *(["charges"] if self._entry.charges else [])]

    def forget(self) -> None:
        """Drop what it remembers of the steps before."""
        if self._entry.remembers:
            self._inner = None

    @cached_property  # single points, of which each has a calculator, need none
    def _grade(self) -> Grade | None:
        return grade_of(self._level)

    def outside(self, atoms: Atoms) -> str:
        """Say how large a grade of a fitted potential is, if it is larger than the level allows."""
        if self._level.largest_grade is None or self._grade is None:
            return ""
        return self._grade.beyond(atoms, self._level.largest_grade)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Compute energy (eV), forces (eV/Å) and perhaps charges (e).

        Raises
        ------
        ScfNotConvergedError
            If its SCF did not converge, or a number is not finite.
        UserError
            If it fails otherwise: an element that it does not know.
        """
        super().calculate(atoms, list(properties), list(system_changes))
        energy_eV, forces, charges = self._computed()
        # of a fitted potential, its own
        added_eV = float(getattr(self._inner, "results", {}).get(DISPERSION, 0.0))
        if self._d3 is not None:
            d3_eV, d3_eV_A = self._d3.energy_and_forces(self.atoms)
            energy_eV, forces, added_eV = energy_eV + d3_eV, forces + d3_eV_A, added_eV + d3_eV
        if not (np.isfinite(energy_eV) and np.isfinite(forces).all()):
            raise ScfNotConvergedError(f"{self._level.calculator} gives an energy or forces that are not finite")
        self.results = {"energy": energy_eV, "free_energy": energy_eV, "forces": forces, DISPERSION: added_eV}
        if charges is not None:
            self.results["charges"] = charges

    def _computed(self) -> tuple[float, NDArray[np.float64], NDArray[np.float64] | None]:
        """Return what the calculator itself gives for the present atoms."""
        if self._inner is None:
            self._inner = make(self._level, self._where, self._arguments)
        inner, placed = self._inner, self._placed()
        if not self._entry.remembers and hasattr(inner, "reset"):
            inner.reset()
        try:
            placed.calc = inner
            forces = np.array(placed.get_forces(), dtype=float)
            energy_eV = placed.get_potential_energy()
            # of electrons with a temperature, the energy whose slope the forces are
            energy_eV = float(getattr(inner, "results", {}).get("free_energy", energy_eV))
            charges = np.array(placed.get_charges(), dtype=float) if self._entry.charges else None
        except UserError:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]
            if failure(error, self._entry):
                raise ScfNotConvergedError(f"SCF not converged: {said}") from error
            elements = ", ".join(sorted(set(placed.get_chemical_symbols())))
            found = f"{self._level.calculator} failed for {len(placed)} atoms of {elements}: {said}"
            raise UserError.of(f"{self._where}.calculator", found) from error
        return energy_eV, forces, charges

    def _placed(self) -> Atoms:
        """Return the present atoms as the calculator takes them."""
        if self._cell is not None:
            placed = self._cell.around(self.atoms)
        elif self._entry.wide_box_A is not None:
            placed = in_wide_box(self.atoms, self._entry.wide_box_A)
        else:
            placed = self.atoms.copy()
            placed.set_constraint()
        if self._moments is not None:
            placed.set_initial_magnetic_moments(self._moments)
        return placed
