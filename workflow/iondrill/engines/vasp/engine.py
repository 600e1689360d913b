"""The engine VASP: it writes and checks its inputs, and runs them to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.config.levels import VaspLevel
from iondrill.engines.base import Availability
from iondrill.engines.external.program import ProgramEngine
from iondrill.engines.standing import of_log
from iondrill.engines.vasp.cost import cost
from iondrill.geometry.constraints import largest_force_eV_A

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.engines.cost import Cost
    from iondrill.engines.standing import Standing
    from iondrill.engines.vasp.runner import Run
    from iondrill.jobs.job import Job
    from iondrill.jobs.size import Size


class VaspEngine(ProgramEngine[VaspLevel]):
    """Projector augmented waves: slabs, clusters and atoms; relaxation and single points."""

    name = "vasp"
    install = "VASP is licensed: see vasp.at, and set the level's `command`; the inputs are written without it"
    model = VaspLevel

    def installed(self, level: VaspLevel) -> Availability:
        """Say whether there are datasets; VASP does not tell its version without input."""
        from iondrill.engines.vasp.potcar import SET_LIBRARY, library_problem

        detail = " ".join(level.command)
        if problem := library_problem():
            return Availability(engine=self.name, found=False, detail=f"{detail}; {problem}", install=SET_LIBRARY)
        return Availability(engine=self.name, found=True, detail=detail)

    def render(self, job: Job, atoms: Atoms) -> dict[str, str]:
        """Return the text of each input file by its name."""
        from iondrill.engines.vasp.inputs import render_inputs

        return render_inputs(job, atoms)

    def check(self, folder: Path, job: Job, atoms: Atoms) -> list[str]:
        """Check the VASP inputs; see `iondrill.engines.vasp.validate.check_inputs`."""
        from iondrill.engines.vasp.inputs import in_vasp_cell
        from iondrill.engines.vasp.validate import check_inputs

        return check_inputs(folder, job, in_vasp_cell(job, atoms))

    def new_run(self, job: Job, atoms: Atoms, folder: Path) -> Run:
        """Return a run of a job, begun or not."""
        from iondrill.engines.vasp.runner import Run

        return Run(job, atoms, folder)

    def cost(self, job: Job, size: Size) -> Cost:
        """Return what a job takes; see `iondrill.engines.base.Engine.cost`."""
        return cost(job, self.level(job), size)

    def standing(self, atoms: Atoms, state: Path, attempt: int, *, began: int, wall_s: float) -> Standing:
        """Return how far a job is; see `iondrill.engines.base.Engine.standing`."""
        from iondrill.engines.vasp.inputs import species_order
        from iondrill.engines.vasp.output import OUTCAR, Log

        outcar = Log.read(state / f"attempt-{attempt:03d}" / OUTCAR)
        poscar = atoms[species_order(atoms.get_chemical_symbols())]
        # VASP counts the first geometry as a step
        return of_log(outcar, began + len(outcar.scf), largest_force_eV_A(outcar.forces_eV_A, poscar), wall_s)
