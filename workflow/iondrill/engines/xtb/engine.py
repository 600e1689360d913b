"""GFN-xTB by tblite, in this very process."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from iondrill.config.levels import VALENCE_ELECTRONS, XtbLevel
from iondrill.engines.base import Availability
from iondrill.engines.embedded.engine import EmbeddedEngine
from iondrill.engines.xtb import blas
from iondrill.engines.xtb.cost import cost
from iondrill.errors import UserError
from iondrill.jobs.job import unpaired_electrons

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.engines.cost import Cost
    from iondrill.engines.xtb.calculator import XtbCalculator
    from iondrill.jobs.job import Job
    from iondrill.jobs.size import Size


class XtbEngine(EmbeddedEngine[XtbLevel]):
    """GFN1- and GFN2-xTB: relaxation, single points, molecular dynamics, paths, wavefunctions."""

    name = "xtb"
    model = XtbLevel

    def available(self, job: Job | None = None) -> Availability:  # noqa: ARG002  (needs no command)
        """Say which tblite and which BLAS answer."""
        library = blas.bind()
        try:
            import tblite.interface  # noqa: F401
        except ImportError as error:
            return Availability(engine=self.name, found=False, detail=str(error), install="pip install tblite")
        install = "" if library.fast else "apt-get install libopenblas0  (three times faster)"
        return Availability(
            engine=self.name, found=True, version=self.version(), detail=f"BLAS: {library.name}", install=install
        )

    def version(self, level: XtbLevel | None = None) -> str:  # noqa: ARG002
        """Return what a result says of the program."""
        return f"tblite {version('tblite')}"

    def check(self, job: Job, atoms: Atoms, folder: Path) -> None:
        """Raise a UserError if an element has no valence electrons, or the multiplicity does not fit their number."""
        for element in sorted(set(atoms.get_chemical_symbols()) - set(VALENCE_ELECTRONS)):
            allowed = ", ".join(VALENCE_ELECTRONS)
            raise UserError.of(
                folder, f"level '{job.level_name}' has no parameters for {element}", f"allowed: {allowed}"
            )
        try:
            _unpaired(job, atoms)
        except ValueError as error:
            raise UserError.of(job.name, str(error), "allowed: 2S+1 of the parity of the electrons") from None

    def new_calculator(self, job: Job, atoms: Atoms, state: Path) -> XtbCalculator:  # noqa: ARG002  (writes no files)
        """Return the calculator of a job."""
        from iondrill.engines.xtb.calculator import XtbCalculator

        return XtbCalculator(self.level(job), job.charge, _unpaired(job, atoms))

    def write_wavefunction(self, job: Job, atoms: Atoms, path: Path) -> None:
        """Write the wavefunction of the last single point; see `iondrill.engines.xtb.wavefunction`."""
        from iondrill.engines.xtb.wavefunction import write_molden

        write_molden(path, atoms, atoms.calc.wavefunction, method=self.level(job).method)

    def cost(self, job: Job, size: Size) -> Cost:
        """Return what a job takes; see `iondrill.engines.base.Engine.cost`."""
        return cost(job, size)


def _unpaired(job: Job, atoms: Atoms) -> int:
    """Return the number of unpaired electrons of a job."""
    return unpaired_electrons(job, sum(VALENCE_ELECTRONS[symbol] for symbol in atoms.get_chemical_symbols()))
