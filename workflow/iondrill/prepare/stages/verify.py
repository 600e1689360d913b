"""Single points on frames of a run at a level that is trusted, and at the run's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.config.project import required
from iondrill.files import files_named
from iondrill.jobs.job import Static
from iondrill.jobs.name import JobId, Subject
from iondrill.jobs.size import Size
from iondrill.prepare.stages.md import OfRun

if TYPE_CHECKING:
    from pathlib import Path

    from iondrill.config.verification import VerifySettings
    from iondrill.jobs.name import Cut

ROOMY_A = 12.0
"""Edge of the cube that a piece of so few atoms fills, before its vacuum: for the estimate of a job's cost alone."""


class VerifyStage(OfRun):
    """Which frames are computed, at which levels: of each chosen frame a piece or all of it, of some both."""

    name = "verify"
    by_default = True
    needs_frames = True

    @property
    def settings(self) -> VerifySettings:
        """The section of the configuration; see `iondrill.config.project.required`."""
        return required(self.config.md.verify, "md.verify", "level")

    def runs(self) -> list[str]:
        """Return the runs that are verified: all but those at the reference; by recorded labels those fitted."""
        if self.config.md.verify is None:
            return []
        runs = [run for run in self.config.md.run if self.own_level(run) != self.settings.level]
        if self.recorded:
            return [run for run in runs if self.project.level(self.own_level(run)).fitted_in is not None]
        return runs

    def gated(self) -> list[str]:
        """Return the learned levels of the runs that are verified: what they say to known questions is asked, too."""
        levels = dict.fromkeys(map(self.own_level, self.runs()))
        return [level for level in levels if self.project.level(level).learned]

    def gates_of(self, run: str) -> list[Path]:
        """Return the file of what a run's level says to known questions; nothing of a level that is not learned."""
        level = self.own_level(run)
        return [self.project.results / "gates" / f"{level}.json"] if level in self.gated() else []

    def twins(self) -> list[JobId]:
        """Return the runs that are repeated at the twin level."""
        return [twin for run in self.runs() if (twin := self.twin_of(run)) is not None]

    def twin_of(self, run: str) -> JobId | None:
        """Return a run's dynamics at the twin level; None without, and of a run that is at this level itself."""
        level = self.settings.twin
        return None if level in {None, self.own_level(run)} else JobId("md", Subject(run), str(level))

    def twin_file(self, run: str, name: str) -> Path:
        """Return a file of the analysis of a run's twin."""
        return self.project.results / self.name / run / "twin" / name

    def cuts(self) -> list[tuple[int, Cut]]:
        """Return number and cut of each structure that is computed of a run; of recorded labels none."""
        if self.config.md.verify is None or self.settings.recorded:
            return []
        if self.settings.piece_atoms is None:
            return [(slot, "whole") for slot in range(self.settings.frames)]
        pieces: list[tuple[int, Cut]] = [(slot, "piece") for slot in range(self.settings.frames)]
        return pieces + [(slot, "whole") for slot in range(self.settings.whole)]

    @property
    def recorded(self) -> list[str]:
        """The files of labels in place of single points."""
        named = () if self.config.md.verify is None else self.settings.recorded or ()
        return [file for name in named for file in files_named(name, ".extxyz")]

    def jobs(self) -> list[JobId]:
        """Return the single points, at the run's own level and at the reference, and the runs at the twin level."""
        return [*(job for run in self.runs() for job in self.of_run(run)), *self.twins()]

    def of_run(self, run: str) -> list[JobId]:
        """Return the single points of one run."""
        return [job for slot, cut in self.cuts() for job in self.of_frame(run, slot, cut)]

    def of_frame(self, run: str, slot: int, cut: Cut) -> list[JobId]:
        """Return the single points on one frame, or piece of it: at the run's own level, and at the reference."""
        return [
            JobId(self.name, Subject(run), level, slot=slot, cut=cut)
            for level in (self.own_level(run), self.settings.level)
        ]

    def frame_file(self, run: str, slot: int, cut: Cut) -> Path:
        """Return the file of a chosen frame, or of the piece of it."""
        return self.project.results / self.name / run / f"{slot}.{cut}.extxyz"

    def task(self, job: JobId) -> Static:  # noqa: ARG002
        """Return what a job does."""
        return Static()

    def electrons(self, job: JobId) -> tuple[int, int | None]:
        """Return charge and multiplicity of the assembly; of a piece none, and the lowest that its electrons allow."""
        return super().electrons(job) if job.cut == "whole" else (0, None)

    def size(self, job: JobId) -> Size:
        """Return the size of the assembly, or of a piece: an estimate."""
        if job.cut == "whole" or self.settings.piece_atoms is None:
            return super().size(job)
        edge_A = ROOMY_A + self.settings.vacuum_A
        return Size(self.settings.piece_atoms, (edge_A, edge_A, edge_A))
