"""Engines that are programs: whether the program of a level is on this machine, and what all of them share."""

from __future__ import annotations

import shutil
import subprocess
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from iondrill.config.levels import DftLevel
from iondrill.engines.base import Availability, Remark, Result
from iondrill.engines.folder import read_job
from iondrill.engines.typed import TypedEngine
from iondrill.errors import UserError
from iondrill.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ase import Atoms

    from iondrill.config.levels import Level
    from iondrill.engines.base import Uses
    from iondrill.engines.cost import Cost
    from iondrill.engines.external.run import Run
    from iondrill.engines.standing import Standing
    from iondrill.jobs.job import Job
    from iondrill.jobs.size import Size

PATIENCE_S = 60
L = TypeVar("L", bound=DftLevel)


class ProgramEngine(TypedEngine[L]):
    """An engine that is a program: it writes and checks its inputs, and runs them to their end.

    Attributes
    ----------
    install : str
        How to get the program.
    """

    install: ClassVar[str]

    def available(self, job: Job | None = None) -> Availability:
        """Say whether the level's program is on the PATH, and which version it is."""
        level = self.level(job) if job else self.model.model_validate({"engine": self.name})
        if problem := missing(level.command, level.launcher):
            return Availability(engine=self.name, found=False, detail=problem, install=self.install)
        return self.installed(level)

    @abstractmethod
    def installed(self, level: L) -> Availability:
        """Say which version the program is, and what else it needs."""

    @abstractmethod
    def render(self, job: Job, atoms: Atoms) -> dict[str, str]:
        """Return the text of each input file by its name."""

    @abstractmethod
    def check(self, folder: Path, job: Job, atoms: Atoms) -> list[str]:
        """Check the written inputs against their job; return what was checked."""

    @abstractmethod
    def new_run(self, job: Job, atoms: Atoms, folder: Path) -> Run[Any]:
        """Return a run of a job, begun or not."""

    @abstractmethod
    def cost(self, job: Job, size: Size) -> Cost:
        """Return what a job takes; see `iondrill.engines.base.Engine.cost`."""

    @abstractmethod
    def standing(self, atoms: Atoms, state: Path, attempt: int, *, began: int, wall_s: float) -> Standing:
        """Return how far a job is; see `iondrill.engines.base.Engine.standing`."""

    def write_inputs(self, job: Job, atoms: Atoms, folder: Path) -> list[Path]:
        """Write the input files; see `iondrill.engines.base.Engine.write_inputs`."""
        files = self.render(job, atoms)
        for name, text in files.items():
            write_text(folder / name, text)
        return [folder / name for name in files]

    def validate_inputs(self, folder: Path) -> list[str]:
        """Check the written inputs; see `iondrill.engines.base.Engine.validate_inputs`."""
        return self.check(folder, *read_job(folder))

    def run(self, job: Job, atoms: Atoms, folder: Path) -> tuple[Result, Atoms]:
        """Run, or continue, a job; see `iondrill.engines.base.Engine.run`."""
        if not (found := self.available(job)).found:
            raise UserError.of(folder, f"engine {self.name}: {found.detail}", found.install)
        return self.new_run(job, atoms, folder).to_the_end()

    def advice(self, levels: Mapping[str, Level], uses: Uses) -> Iterator[Remark]:  # noqa: ARG002
        """Yield the levels that ask for the cores of several ranks, and start their program once, without MPI."""
        for name, level in levels.items():
            # a command of several words may start the ranks itself
            if isinstance(level, DftLevel) and level.ranks > 1 and not level.launcher and len(level.command) == 1:
                found = (
                    f"{level.ranks} cores are asked for, and without a launcher {level.command[0]} starts once, on one"
                )
                yield Remark(name, "ranks", found, "advice: launcher: [mpirun, -n, '{ranks}'] or [srun]")


def missing(command: Sequence[str], launcher: Sequence[str]) -> str:
    """Return which of launcher and program is not on the PATH, or nothing."""
    words = [*launcher[:1], command[0]]
    return next((f"{word} is not on the PATH" for word in words if shutil.which(word) is None), "")


def output(command: Sequence[str]) -> str:
    """Return what a program prints, or nothing if it fails."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
