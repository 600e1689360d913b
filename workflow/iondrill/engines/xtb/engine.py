"""The embedded engine: GFN-xTB by tblite, in this very process."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from iondrill.config.levels import VALENCE_ELECTRONS, XtbLevel
from iondrill.engines.base import FORCES, Attempt, Availability, Result, Status
from iondrill.engines.embedded.restart_points import whole_points
from iondrill.engines.embedded.soft_stop import WatchedJournal
from iondrill.engines.external.launch import Signals, only_one
from iondrill.engines.length import move_to_end
from iondrill.engines.standing import Standing
from iondrill.engines.xtb import blas
from iondrill.engines.xtb.cost import cost
from iondrill.errors import UserError
from iondrill.geometry.constraints import largest_force_eV_A
from iondrill.jobs.job import Job, Md, Relax, Static, unpaired_electrons
from iondrill.jobs.journal import FINISHED, Journal, state_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ase import Atoms

    from iondrill.config.levels import Level
    from iondrill.engines.base import Remark, Uses
    from iondrill.engines.cost import Cost
    from iondrill.engines.xtb.calculator import XtbCalculator
    from iondrill.jobs.size import Size


class XtbEngine:
    """GFN1- and GFN2-xTB: relaxation, single points, molecular dynamics, wavefunctions."""

    name = "xtb"

    def available(self, job: Job | None = None) -> Availability:  # noqa: ARG002  (needs no command)
        """Say which tblite and which BLAS answer."""
        library = blas.bind()
        try:
            import tblite.interface  # noqa: F401
        except ImportError as error:
            return Availability(engine=self.name, found=False, detail=str(error), install="pip install tblite")
        install = "" if library.fast else "apt-get install libopenblas0  (three times faster)"
        return Availability(
            engine=self.name, found=True, version=self.engine_version(), detail=f"BLAS: {library.name}", install=install
        )

    @staticmethod
    def engine_version() -> str:
        """Return what a result says of the program."""
        return f"tblite {version('tblite')}"

    def write_inputs(self, job: Job, atoms: Atoms, folder: Path) -> list[Path]:
        """Write nothing: the job and its structure are all this engine reads.

        Raises
        ------
        UserError
            If an element has no valence electrons in the table, the multiplicity does not fit them, or the thermostat
            is not offered.
        """
        for element in sorted(set(atoms.get_chemical_symbols()) - set(VALENCE_ELECTRONS)):
            allowed = ", ".join(VALENCE_ELECTRONS)
            raise UserError.of(
                folder, f"level '{job.level_name}' has no parameters for {element}", f"allowed: {allowed}"
            )
        try:
            unpaired_electrons(job, sum(VALENCE_ELECTRONS[symbol] for symbol in atoms.get_chemical_symbols()))
        except ValueError as error:
            raise UserError.of(job.name, str(error), "allowed: 2S+1 of the parity of the electrons") from None
        if isinstance(job.task, Md) and job.task.thermostat.kind == "nose":
            raise UserError.of(folder, "engine xtb does not offer the nose thermostat", "allowed: csvr, none")
        return []

    def validate_inputs(self, folder: Path) -> list[str]:  # noqa: ARG002
        """Return nothing: there is no input file of the engine's own."""
        return []

    def cost(self, job: Job, size: Size) -> Cost:
        """Return what a job takes; see `iondrill.engines.base.Engine.cost`."""
        return cost(job, size)

    def standing(self, atoms: Atoms, state: Path, attempt: int, *, began: int, wall_s: float) -> Standing:  # noqa: ARG002
        """Return where a job stands; see `iondrill.engines.base.Engine.standing`."""
        for step, forces in whole_points(state, _forces):
            done = step - began + (0 if began else 1)
            return Standing(step, largest_force_eV_A(forces, atoms), 0, wall_s / done if done > 0 else None)
        return Standing(began)

    def advice(self, levels: Mapping[str, Level], uses: Uses) -> list[Remark]:  # noqa: ARG002
        """Return nothing: there is no setting to be advised on."""
        return []

    def run(self, job: Job, atoms: Atoms, folder: Path) -> tuple[Result, Atoms]:
        """Run, or continue, a job; see `iondrill.engines.base.Engine.run`."""
        if not isinstance(job.level, XtbLevel):
            raise TypeError(f"level '{job.level_name}' is of engine {job.level.engine}")
        state = state_folder(folder, job.input_hash(atoms))
        with only_one(state / "lock"), Signals() as signals:
            return self._run(job, job.level, atoms.copy(), WatchedJournal(state / "journal.json", signals, folder))

    def _run(self, job: Job, level: XtbLevel, atoms: Atoms, journal: Journal) -> tuple[Result, Atoms]:
        """Run a job whose folder is locked."""
        from iondrill.engines.xtb.calculator import ScfNotConvergedError, XtbCalculator

        state = journal.path.parent
        electrons = sum(VALENCE_ELECTRONS[symbol] for symbol in atoms.get_chemical_symbols())
        atoms.calc = calculator = XtbCalculator(level, job.charge, unpaired_electrons(job, electrons))
        found: dict[str, Any] = {}
        status: Status
        try:
            status, found = self._compute(job, atoms, calculator, state, journal)
            reason = FINISHED if status == "converged" else f"not relaxed within {found['n_ionic_steps']} steps"
        except ScfNotConvergedError as error:
            status, reason = "not_converged", str(error)
        journal.end(reason, calculator.n_scf_cycles, notes=calculator.rungs)
        if status != "converged":
            found |= {"energy_eV": None, "max_force_eV_A": None}
        result = Result(
            status=status,
            level=job.level_name,
            engine=self.name,
            engine_version=self.engine_version(),
            n_scf_cycles=int(journal.cost("n_scf_cycles")),
            wall_s=journal.cost("wall_s"),
            core_s=journal.cost("core_s"),
            attempts=[Attempt.model_validate(entry) for entry in journal.told()],
            input_hash=state.name,
            **found,
        )
        return result, atoms

    def _compute(
        self, job: Job, atoms: Atoms, calculator: XtbCalculator, state: Path, journal: Journal
    ) -> tuple[Status, dict[str, Any]]:
        """Do the task; return the status and the numbers of the result."""
        if isinstance(job.task, Md):
            from iondrill.engines.embedded.md import MdRun

            MdRun(atoms, calculator, job.task, state).run(journal)
            last = move_to_end(atoms, job.task, state)
            return "converged", {"energy_eV": float(last["potential_eV"]), "n_ionic_steps": int(last["step"])}
        converged, steps = True, 0
        if isinstance(job.task, Relax):
            from iondrill.engines.embedded.relax import relax

            converged, steps = relax(atoms, job.task, state, journal)
        else:
            journal.begin()
        force = largest_force_eV_A(atoms.get_forces(), atoms)
        if isinstance(job.task, Static):
            atoms.set_array(FORCES, atoms.get_forces(apply_constraint=False))
        if isinstance(job.task, Static) and job.task.wavefunction:
            from iondrill.engines.xtb.wavefunction import write_molden

            method = calculator.level.method
            write_molden(state.parent.parent / "wavefunction.molden", atoms, calculator.wavefunction, method=method)
        # GFN-xTB's own charges are Mulliken's
        atoms.set_array("mulliken_e", np.array(atoms.calc.results["charges"]))
        status: Status = "converged" if converged else "not_converged"
        energy = atoms.get_potential_energy()
        return status, {"energy_eV": energy, "max_force_eV_A": force, "n_ionic_steps": steps}


def _forces(path: Path) -> Any:
    with np.load(path) as point:
        return point["forces"]
