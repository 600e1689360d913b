"""Engines in this process: any calculator of ASE relaxes, gives single points and runs dynamics with the same code."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from iondrill.config.levels import LevelModel
from iondrill.engines.base import FORCES, Availability, Remark, Result, Status, StoppedError
from iondrill.engines.embedded.restart_points import whole_points
from iondrill.engines.embedded.soft_stop import WatchedJournal
from iondrill.engines.external.launch import Signals, only_one
from iondrill.engines.length import move_to_end
from iondrill.engines.molden import MOLDEN
from iondrill.engines.record import record
from iondrill.engines.standing import Standing
from iondrill.engines.typed import TypedEngine
from iondrill.errors import UserError
from iondrill.geometry.constraints import largest_force_eV_A
from iondrill.jobs.arrays import read_arrays
from iondrill.jobs.job import Md, Relax, Static
from iondrill.jobs.journal import FINISHED, Journal, UnkeptJournal, state_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ase import Atoms

    from iondrill.config.levels import Level
    from iondrill.engines.base import Uses
    from iondrill.engines.cost import Cost
    from iondrill.engines.embedded.calculator import EmbeddedCalculator
    from iondrill.jobs.job import Job
    from iondrill.jobs.size import Size

L = TypeVar("L", bound=LevelModel)


class EmbeddedEngine(TypedEngine[L]):
    """An engine in this process: it makes a calculator, and everything else is the same for all."""

    @abstractmethod
    def available(self, job: Job | None = None) -> Availability:
        """Say whether the engine can run here; see `iondrill.engines.base.Engine.available`."""

    @abstractmethod
    def version(self, level: L) -> str:
        """Return what a result says of the program."""

    @abstractmethod
    def check(self, job: Job, atoms: Atoms, folder: Path) -> None:
        """Raise a UserError if the engine cannot do a job: its elements, its electrons."""

    @abstractmethod
    def new_calculator(self, job: Job, atoms: Atoms, state: Path) -> EmbeddedCalculator:
        """Return the calculator of a job; its own files, if it writes any, belong into the state folder."""

    @abstractmethod
    def cost(self, job: Job, size: Size) -> Cost:
        """Return what a job takes; see `iondrill.engines.base.Engine.cost`."""

    def write_wavefunction(self, job: Job, atoms: Atoms, path: Path) -> None:  # noqa: ARG002
        """Write the wavefunction of the last single point, from the calculator of the atoms, as a Molden file."""
        raise UserError.of(path, f"level '{job.level_name}' has no wavefunction")

    def write_inputs(self, job: Job, atoms: Atoms, folder: Path) -> list[Path]:
        """Write nothing: the job and its structure are all that is read; see `iondrill.engines.base.Engine`.

        Raises
        ------
        UserError
            If the engine cannot do the job.
        """
        self.check(job, atoms, folder)
        offered = self.level(job).thermostats
        if isinstance(job.task, Md) and (kind := job.task.thermostat.kind) not in offered:
            found = f"engine {self.name} does not offer the {kind} thermostat"
            raise UserError.of(folder, found, f"allowed: {', '.join(offered)}")
        return []

    def validate_inputs(self, folder: Path) -> list[str]:  # noqa: ARG002
        """Return nothing: there is no input file of the engine's own."""
        return []

    def standing(self, atoms: Atoms, state: Path, attempt: int, *, began: int, wall_s: float) -> Standing:  # noqa: ARG002
        """Return how far a job is; see `iondrill.engines.base.Engine.standing`."""
        for step, point in whole_points(state, lambda path: read_arrays(path, "forces")):
            done = step - began + (0 if began else 1)
            force = largest_force_eV_A(point["forces"], atoms)
            return Standing(step, force, 0, wall_s / done if done > 0 else None)
        return Standing(began)

    def advice(self, levels: Mapping[str, Level], uses: Uses) -> list[Remark]:  # noqa: ARG002
        """Return nothing: there is no setting to be advised on."""
        return []

    def run(self, job: Job, atoms: Atoms, folder: Path) -> tuple[Result, Atoms]:
        """Run, or continue, a job; see `iondrill.engines.base.Engine.run`."""
        state = state_folder(folder, job.input_hash(atoms))
        with only_one(state / "lock"), Signals() as signals:
            return self._run(job, atoms.copy(), WatchedJournal(state / "journal.json", signals, folder))

    def at_once(self, job: Job, atoms: Atoms, folder: Path) -> Result:
        """Return the record of a single point that takes less than to keep a state: nothing is written."""
        journal = UnkeptJournal(folder / job.input_hash(atoms) / "journal.json")
        return self._run(job, atoms.copy(), journal)[0]

    def _run(self, job: Job, atoms: Atoms, journal: Journal) -> tuple[Result, Atoms]:
        """Run a job whose folder is locked."""
        from iondrill.engines.embedded.calculator import OutsideTrainingError, ScfNotConvergedError

        atoms.calc = calculator = self.new_calculator(job, atoms, journal.path.parent)
        found: dict[str, Any] = {}
        status: Status
        try:
            status, found = self._compute(job, atoms, calculator, journal)
            reason = FINISHED if status == "converged" else f"not relaxed within {found['n_ionic_steps']} steps"
        except (ScfNotConvergedError, OutsideTrainingError) as error:
            status, reason = "not_converged", str(error)
        except StoppedError:
            raise
        except UserError as error:
            journal.explain("; ".join(problem.found for problem in error.problems))
            raise
        journal.end(reason, calculator.n_scf_cycles, notes=calculator.remarks)
        if status != "converged":
            found |= {"energy_eV": None, "max_force_eV_A": None}
        return record(job, journal, status, self.version(self.level(job)), **found), atoms

    def _compute(
        self, job: Job, atoms: Atoms, calculator: EmbeddedCalculator, journal: Journal
    ) -> tuple[Status, dict[str, Any]]:
        """Do the task; return the status and the numbers of the result."""
        state = journal.path.parent
        if isinstance(job.task, Md):
            from iondrill.engines.embedded.md import MdRun

            MdRun(atoms, calculator, job.task, state).run(journal)
            last = move_to_end(atoms, job.task, state)
            return "converged", {"energy_eV": float(last["potential_eV"]), "n_ionic_steps": int(last["step"])}
        converged, steps = True, 0
        if isinstance(job.task, Relax):
            from iondrill.engines.embedded.relax import relax

            converged, steps = relax(atoms, job.task, state, journal)
            if converged:
                calculator.check_trained(atoms, "the relaxed geometry")
        else:
            journal.begin()
        force = largest_force_eV_A(atoms.get_forces(), atoms)
        if isinstance(job.task, Static):
            atoms.set_array(FORCES, atoms.get_forces(apply_constraint=False))
            if job.task.wavefunction:
                self.write_wavefunction(job, atoms, state.parent.parent / MOLDEN)
        if "charges" in calculator.results:
            atoms.set_array(f"{str(job.level.charge_scheme).lower()}_e", np.array(calculator.results["charges"]))
        status: Status = "converged" if converged else "not_converged"
        energy = atoms.get_potential_energy()
        return status, {"energy_eV": energy, "max_force_eV_A": force, "n_ionic_steps": steps}
