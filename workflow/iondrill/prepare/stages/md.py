"""Molecular dynamics of assemblies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.geometry.recipes import multiplicity
from iondrill.jobs.job import Kind, Md
from iondrill.jobs.name import JobId, Subject, structure_name
from iondrill.prepare.stages.base import Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from ase import Atoms

    from iondrill.jobs.size import Size

SETTINGS = ("steps", "timestep_fs", "temperature_K", "thermostat", "launch_m_s", "save_every", "thermalise")
"""Keys of a run that are those of its task."""


class OfRun(Stage):
    """A stage whose jobs are of runs: their structure is the assembly."""

    def run_of(self, job: JobId) -> str:
        """Return the run that a job is of."""
        return job.structure

    def assembly(self, run: str) -> str:
        """Return the assembly of a run."""
        return self.config.md.runs[run].assembly

    def own_level(self, run: str) -> str:
        """Return the level of a run."""
        return self.config.md.runs[run].level or self.config.md.level

    def start_structure(self, run: str) -> str:
        """Return the name of a run's start structure: ``<assembly>.<level>`` if its parts are relaxed first."""
        return structure_name(self.assembly(run), self.level_of_parts(run))

    def level_of_parts(self, run: str) -> str | None:
        """Return the level at which the parts of a run are relaxed; None where they are taken as built."""
        return self.config.relax.level if self.config.md.runs[run].relax_parts else None

    def kind(self, job: JobId) -> Kind:  # noqa: ARG002
        """Return what a job's structure is."""
        return "cluster"

    def structure(self, job: JobId) -> str:
        """Return the assembly as built: inputs that are written before anything was run start from it."""
        return self.assembly(self.run_of(job))

    def size(self, job: JobId) -> Size:
        """Return the size of the structure that the run starts from."""
        return self.project.size(self.start_structure(self.run_of(job)))

    def elements(self, job: JobId, known: Mapping[str, Collection[str]]) -> set[str]:
        """Return the elements of the assembly."""
        return set(known[self.assembly(self.run_of(job))])

    def electrons(self, job: JobId) -> tuple[int, int | None]:
        """Return charge and multiplicity of the assembly."""
        recipe = self.project.recipe(self.assembly(self.run_of(job)))
        return recipe.charge, multiplicity(recipe)


class MdStage(OfRun):
    """The runs of ``md.run``."""

    name = "md"
    by_default = True

    def jobs(self) -> list[JobId]:
        """Return the runs."""
        return [self.of_run(run) for run in self.config.md.run]

    def of_run(self, run: str) -> JobId:
        """Return the dynamics of a run."""
        return JobId("md", Subject(run), self.own_level(run))

    def results_of(self, run: str) -> Path:
        """Return the folder of a run's trajectory and tables."""
        return self.project.results / "md" / run

    def written(self) -> list[JobId]:
        """Return the jobs whose folders the section ``inputs`` asks for."""
        wanted = self.config.inputs
        return [JobId("md", Subject(run), level) for level in wanted.md for run in wanted.runs]

    def task(self, job: JobId) -> Md:
        """Return what a job does."""
        run = self.config.md.runs[job.structure]
        seed = self.config.seed if run.seed is None else run.seed
        return Md(seed=seed, **{key: getattr(run, key) for key in SETTINGS})

    def start(self, job: JobId) -> Atoms:
        """Return the assembly as built, with what the run fixes."""
        from iondrill.prepare.start import with_fixed_edge  # imports ASE

        return with_fixed_edge(super().start(job), self.config.md.runs[job.structure].fix)

    def charge_of(self, run: str) -> int:
        """Return the total charge of a run."""
        return self.project.recipe(self.assembly(run)).charge
