"""Single points on frames of the runs, for the electron localisation function."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from iondrill.config.project import located
from iondrill.errors import Problem, UserError
from iondrill.geometry.recipes import AssemblyRecipe, multiplicity
from iondrill.jobs.job import Static
from iondrill.jobs.name import JobId, Part, Subject
from iondrill.prepare.stages.base import raised
from iondrill.prepare.stages.md import OfRun
from iondrill.prepare.stages.relax import FRAGMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iondrill.config.base import Event
    from iondrill.config.document import Document

PARTS: tuple[Part, ...] = tuple(FRAGMENTS)


class ElfStage(OfRun):
    """Single points on frames, and on their parts."""

    name = "elf"
    by_default = True
    needs_frames = True

    def jobs(self) -> list[JobId]:
        """Return the single points: of all frames, then of their parts."""
        whole = [self.of_frame(run, frame) for run in self.config.md.run for frame in self.frames(run)]
        return whole + [job._replace(part=part) for job in whole for part in self.parts(job.structure)]

    def of_frame(self, run: str, frame: int | Event, part: Part | None = None) -> JobId:
        """Return the single point on a frame of a run, or on a part of it."""
        whole = JobId("elf", Subject(run), self.config.elf.level, part=part or "")
        return whole._replace(step=frame) if isinstance(frame, int) else whole._replace(event=frame)

    def written(self) -> list[JobId]:
        """Return the jobs whose folders the section ``inputs`` asks for: of the first frames."""
        wanted = self.config.inputs
        return [JobId("elf", Subject(run), level, step=0) for level in wanted.elf for run in wanted.runs]

    @property
    def events(self) -> list[Event]:
        """The events whose frames are mapped, each once."""
        return list(dict.fromkeys(self.config.elf.events))

    def frames(self, run: str) -> list[int | Event]:
        """Return what a run's maps are of: steps, and events, of which only the finished run says where they are."""
        return [*self.steps(run), *self.events]

    def steps(self, run: str) -> list[int]:
        """Return the steps of a run at which the ELF is mapped: evenly spaced saved frames, ends included."""
        settings = self.config.md.runs[run]
        frames = self.config.elf.frames if settings.elf_frames is None else settings.elf_frames
        saved = settings.steps // settings.save_every
        if frames <= 1:
            return [saved * settings.save_every][:frames]
        return sorted({round(i * saved / (frames - 1)) * settings.save_every for i in range(frames)})

    def isosurfaces(self, run: str) -> list[int | Event]:
        """Return what a run's maps in space are of, for isosurfaces; the last of them by its step."""
        every, wanted = self.frames(run), self.config.elf.isosurfaces
        return every if wanted == "all" else [*self.steps(run)[-1:]] if wanted == "last" else []

    def parts(self, run: str) -> tuple[Part, ...]:
        """Return the parts of a run's frames that are computed alone for the density difference, if it is asked for.

        Raises
        ------
        UserError
            If the run has no nanodiamond.
        """
        if not (self.config.elf.difference and self.frames(run)):
            return ()
        assembly = self.assembly(run)
        recipe = self.project.recipe(assembly)
        if isinstance(recipe, AssemblyRecipe) and recipe.cluster is None:
            found = f"run '{run}' (assembly {assembly}) has no nanodiamond whose density could be taken off"
            raise UserError.of("elf.difference", found, "allowed: false, or md.run without such runs")
        whole = sum(self.project.recipe(name).charge for name in self.project.parts_of(assembly))
        if recipe.charge != whole:
            found = f"run '{run}' (assembly {assembly}) has the charge {recipe.charge}, its parts {whole}"
            raise UserError.of("elf.difference", found, "allowed: false, or charges that add up")
        return PARTS

    def guess_of(self, job: JobId) -> JobId | None:
        """Return the single point, of the frame before, from whose wavefunction another one's SCF starts, if any."""
        before = [earlier for earlier in self.steps(job.structure) if job.step is not None and earlier < job.step]
        if not (self.config.elf.reuse_wavefunction and before and self.project.level(job.level).reuses_wavefunction):
            return None
        return job._replace(step=before[-1])

    def task(self, job: JobId) -> Static:
        """Return what a job does."""
        cubes = self.config.elf.route == "cube" and self.project.level(job.level).writes_cubes and not job.part
        return Static(wavefunction=True, cubes=cubes)

    def electrons(self, job: JobId) -> tuple[int, int | None]:
        """Return charge and multiplicity of the assembly, or of the part."""
        assembly = self.project.recipe(self.assembly(job.structure))
        if not (job.part and isinstance(assembly, AssemblyRecipe)):
            return super().electrons(job)
        recipe = self.project.recipe(getattr(assembly, FRAGMENTS[job.part]))
        return recipe.charge, multiplicity(recipe)

    def problems(self, documents: Sequence[Document]) -> list[Problem]:
        """Return the runs without a nanodiamond, where the density difference is asked for."""
        found = [problem for run in self.config.md.run for problem in raised(partial(self.parts, run))]
        return located(documents, found)
