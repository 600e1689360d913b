"""The engine VASP: it writes and checks its inputs, and runs them to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.config.levels import VaspLevel
from iondrill.engines import program
from iondrill.engines.base import Availability, Result
from iondrill.errors import UserError
from iondrill.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.prepare.jobs import Job


class VaspEngine:
    """Projector augmented waves: slabs, clusters and atoms; relaxation and single points."""

    name = "vasp"
    install = "VASP is licensed: see vasp.at, and set the level's `command`; the inputs are written without it"

    def available(self, job: Job | None = None) -> Availability:
        """Say whether the level's program is on the PATH; VASP does not tell its version without input."""
        level = job.level if job and isinstance(job.level, VaspLevel) else VaspLevel(engine="vasp")
        if problem := program.missing(level.command, level.launcher):
            return Availability(engine=self.name, found=False, detail=problem, install=self.install)
        from iondrill.engines.vasp.potcar import SET_LIBRARY, library_problem

        detail = " ".join(level.command)
        if problem := library_problem():
            return Availability(engine=self.name, found=False, detail=f"{detail}; {problem}", install=SET_LIBRARY)
        return Availability(engine=self.name, found=True, detail=detail)

    def write_inputs(self, job: Job, atoms: Atoms, folder: Path) -> list[Path]:
        """Write the VASP inputs; see `iondrill.engines.base.Engine.write_inputs`."""
        from iondrill.engines.vasp.inputs import render_inputs

        files = render_inputs(job, atoms)
        for name, text in files.items():
            write_text(folder / name, text)
        return [folder / name for name in files]

    def validate_inputs(self, folder: Path) -> list[str]:
        """Check the VASP inputs; see `iondrill.engines.vasp.validate.validate`."""
        from iondrill.engines.vasp.validate import validate

        return validate(folder)

    def run(self, job: Job, atoms: Atoms, folder: Path) -> tuple[Result, Atoms]:
        """Run, or continue, a job; see `iondrill.engines.base.Engine.run`."""
        from iondrill.engines.vasp.runner import Run

        if not (found := self.available(job)).found:
            raise UserError.of(folder, f"engine vasp: {found.detail}", found.install)
        return Run(job, atoms, folder).to_the_end()
