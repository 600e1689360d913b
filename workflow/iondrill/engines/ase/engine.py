"""Any calculator of ASE, in this very process."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from iondrill.config.calculators import calculators
from iondrill.config.levels import AseLevel
from iondrill.engines.ase.cost import cost
from iondrill.engines.ase.make import missing, version_of
from iondrill.engines.base import Availability
from iondrill.engines.embedded.engine import EmbeddedEngine
from iondrill.errors import UserError
from iondrill.jobs.job import Static, unpaired_electrons

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.config.calculators import Calculator
    from iondrill.engines.ase.calculator import AseCalculator
    from iondrill.engines.cost import Cost
    from iondrill.jobs.job import Job
    from iondrill.jobs.size import Size


class AseEngine(EmbeddedEngine[AseLevel]):
    """A calculator by its name in ``calculators.yaml``, or by the dotted path of a user's own."""

    name = "ase"
    model = AseLevel

    def available(self, job: Job | None = None) -> Availability:
        """Say whether the calculator of a job is here; without a job, which of the list are."""
        if job is not None:
            return _availability(self.level(job).calculator, self.level(job).entry)
        parts = [_availability(name, entry) for name, entry in calculators().items()]
        return Availability(engine=self.name, found=True, version=f"ase {version('ase')}", parts=parts)

    def version(self, level: AseLevel) -> str:
        """Return what a result says of the program."""
        d3 = f", dftd3 {version('dftd3')}" if level.dispersion != "none" else ""
        return f"{level.calculator} of {version_of(level.entry)}{d3}"

    def check(self, job: Job, atoms: Atoms, folder: Path) -> None:
        """Raise a UserError if the calculator lacks an element, the charge, the multiplicity or a wavefunction."""
        level = self.level(job)
        known, symbols = level.offer.elements, atoms.get_chemical_symbols()
        for element in sorted(set(symbols) - set(symbols if known is None else known)):
            found = f"level '{job.level_name}' has no parameters for {element}"
            raise UserError.of(folder, found, f"allowed: {', '.join(known or ())}")
        if job.charge and level.entry.charge is None:
            found = f"charge {job.charge} at level '{job.level_name}': {level.calculator} knows of no charge"
            raise UserError.of(job.name, found, "allowed: 0")
        if isinstance(job.task, Static) and (job.task.wavefunction or job.task.cubes):
            raise UserError.of(job.name, f"level '{job.level_name}' has no wavefunction", "allowed: another level")
        try:
            _unpaired(job, atoms, level.entry)
        except ValueError as error:
            raise UserError.of(job.name, str(error), "allowed: 2S+1 of the parity of the electrons") from None

    def new_calculator(self, job: Job, atoms: Atoms, state: Path) -> AseCalculator:
        """Return the calculator of a job."""
        from iondrill.engines.ase.calculator import AseCalculator

        level = self.level(job)
        return AseCalculator(level, job, atoms, _unpaired(job, atoms, level.entry), state)

    def cost(self, job: Job, size: Size) -> Cost:
        """Return what a job takes; see `iondrill.engines.base.Engine.cost`."""
        return cost(self.level(job), size)


def _unpaired(job: Job, atoms: Atoms, entry: Calculator) -> int:
    """Return the number of unpaired electrons; 0 for a calculator without electrons, whatever the job says."""
    # closed shells do not matter to the parity
    return unpaired_electrons(job, int(atoms.numbers.sum())) if entry.charge else 0


def _availability(name: str, entry: Calculator) -> Availability:
    """Say whether a calculator is here, and else what to install."""
    problem = missing(entry)
    detail = problem or f"{version_of(entry)}; {entry.licence}"
    return Availability(engine=name, found=not problem, detail=detail, install=entry.install if problem else "")
