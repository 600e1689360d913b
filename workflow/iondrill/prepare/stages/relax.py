"""Structures relaxed on their own: those asked for, and the parts of the runs' assemblies."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from iondrill.config.document import Document
from iondrill.errors import Problem
from iondrill.geometry.recipes import multiplicity, spin_states
from iondrill.jobs.job import Kind, Relax
from iondrill.jobs.name import JobId, Part, Subject
from iondrill.prepare.stages.base import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FRAGMENTS: dict[Part, str] = {"nd": "cluster", "rest": "flake"}
"""The parts of a frame, by the key of the assembly that names their recipe."""


class RelaxStage(Stage):
    """Relaxations; of a recipe of several multiplicities one each, and what is kept of them."""

    name = "relax"
    by_default = True

    @cached_property
    def structures(self) -> list[str]:
        """Structures to relax: those asked for, and the parts of the runs' assemblies."""
        return self.with_parts(self.config.md.run)

    def with_parts(self, runs: list[str]) -> list[str]:
        """Return the structures that are to be relaxed, the parts of these runs' assemblies among them."""
        chosen = (self.config.md.runs[run] for run in runs if self.config.md.runs[run].relax_parts)
        needed = [part for run in chosen for part in self.project.parts_of(run.assembly)]
        return list(dict.fromkeys([*self.config.relax.structures, *needed]))

    def jobs(self) -> list[JobId]:
        """Return the relaxations that are run, and after those of several multiplicities what is kept of them."""
        kept = [JobId("relax", Subject(name), self.config.relax.level) for name in self.structures]
        return [job for one in kept for job in [*self.spin_jobs(one), one]]

    def written(self) -> list[JobId]:
        """Return the jobs whose folders the section ``inputs`` asks for."""
        wanted = self.config.inputs
        names = self.with_parts(wanted.runs)
        return [JobId("relax", Subject(name), level) for level in wanted.relax for name in names]

    def spin_jobs(self, job: JobId) -> list[JobId]:
        """Return the relaxations, one for each multiplicity, of which a job keeps the lowest; nothing if it is run."""
        if job.stage != "relax" or job.spin:
            return []
        return [job._replace(spin=state) for state in spin_states(self.project.recipe(job.structure))]

    def spin_job_of_part(self, run: str, part: Part) -> JobId | None:
        """Return the relaxation that decided the multiplicity of a part of a run, if there was one."""
        settings = self.config.md.runs[run]
        name = getattr(self.project.recipe(settings.assembly), FRAGMENTS[part], None)
        if name is None or not settings.relax_parts:
            return None
        kept = JobId("relax", Subject(name), self.config.relax.level)
        return kept if self.spin_jobs(kept) else None

    def task(self, job: JobId) -> Relax:  # noqa: ARG002
        """Return what a job does."""
        return Relax(fmax_eV_A=self.config.relax.fmax_eV_A, max_steps=self.config.relax.max_steps)

    def kind(self, job: JobId) -> Kind:  # noqa: ARG002
        """Return what a job's structure is."""
        return "cluster"

    def structure(self, job: JobId) -> str:
        """Return the built structure that a job starts from."""
        return job.structure

    def electrons(self, job: JobId) -> tuple[int, int | None]:
        """Return charge and multiplicity, as the recipe says."""
        recipe = self.project.recipe(job.structure)
        return recipe.charge, job.spin or multiplicity(recipe)

    def prerelaxation(self, job: JobId) -> JobId | None:
        """Return the job, the same one at another level, whose relaxed geometry a job starts from, if any."""
        return None if self.spin_jobs(job) else self.relaxed_before(job, self.config.relax.prerelax)

    def problems(self, documents: Sequence[Document]) -> Iterator[Problem]:  # noqa: ARG002
        """Yield the recipes whose multiplicities are compared at a level that cannot."""
        name = self.config.relax.level
        if self.project.level(name).compares_spins:
            return
        found = f"multiplicities are compared at level '{name}', where low spin is always lower"
        allowed = "allowed: one multiplicity, or a level with spin_polarisation"
        for structure in self.structures:
            if spin_states(self.project.recipe(structure)):
                path = self.project.recipe_path(structure)
                yield Problem(Document(path).where(("multiplicity",)), found, allowed)
