"""The engine CP2K: it writes and checks its inputs, and runs them to their end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from iondrill.config.levels import Cp2kLevel
from iondrill.engines import program
from iondrill.engines.base import Availability, Result
from iondrill.errors import UserError
from iondrill.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.prepare.jobs import Job


class Cp2kEngine:
    """Gaussians and plane waves: clusters, slabs and atoms; relaxation, single points, molecular dynamics."""

    name = "cp2k"
    install = "apt-get install cp2k libopenblas0, or conda install -c conda-forge cp2k; or set the level's `command`"

    def available(self, job: Job | None = None) -> Availability:
        """Say whether the level's program is on the PATH, and which version it is."""
        level = job.level if job and isinstance(job.level, Cp2kLevel) else Cp2kLevel(engine="cp2k")
        if problem := program.missing(level.command, level.launcher):
            return Availability(engine=self.name, found=False, detail=problem, install=self.install)
        text = program.output([*level.command, "--version"])
        version = re.search(r"CP2K version (\S+)", text)
        return Availability(
            engine=self.name,
            found=version is not None,
            version=version.group(0) if version else "",
            detail=" ".join(level.command) + ("" if version else " --version does not say a version"),
            install="" if version else self.install,
        )

    def write_inputs(self, job: Job, atoms: Atoms, folder: Path) -> list[Path]:
        """Write ``job.inp``; see `iondrill.engines.base.Engine.write_inputs`."""
        from iondrill.engines.cp2k.inputs import INPUT, render_input

        write_text(folder / INPUT, render_input(job, atoms))
        return [folder / INPUT]

    def validate_inputs(self, folder: Path) -> list[str]:
        """Check ``job.inp``; see `iondrill.engines.cp2k.validate.validate`."""
        from iondrill.engines.cp2k.validate import validate

        return validate(folder)

    def run(self, job: Job, atoms: Atoms, folder: Path) -> tuple[Result, Atoms]:
        """Run, or continue, a job; see `iondrill.engines.base.Engine.run`."""
        from iondrill.engines.cp2k.runner import Run

        if not (found := self.available(job)).found:
            raise UserError.of(folder, f"engine cp2k: {found.detail}", found.install)
        return Run(job, atoms, folder).to_the_end()
