"""Which jobs a configuration calls for. A pure function of configuration and recipes: nothing is run."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING

from iondrill.build.recipes import spin_states
from iondrill.errors import UserError
from iondrill.prepare import intercalation
from iondrill.prepare.convergence import Point, Row, Sweeps
from iondrill.prepare.describe import describe
from iondrill.prepare.hops import Hop, hops
from iondrill.prepare.jobs import CLEAN
from iondrill.prepare.naming import recipe_named
from iondrill.prepare.resources import ATOM, read_size, request
from iondrill.prepare.subjects import FRAGMENTS, JobId, Subjects

if TYPE_CHECKING:
    from pathlib import Path

    from iondrill.prepare.jobs import Job
    from iondrill.prepare.resources import Request, Size


class Plan(Subjects):
    """The jobs of a configuration, and what each is made from.

    Parameters
    ----------
    config : Config
        A valid configuration.
    """

    def relax_jobs(self) -> list[JobId]:
        """Return the relaxations that are run, and after those of several multiplicities what is kept of them."""
        names = [JobId("relax", f"{name}.{self.config.relax.level}") for name in self.relaxed]
        return [job for name in names for job in [*self.spin_jobs(name), name]]

    def spin_jobs(self, job_id: JobId) -> list[JobId]:
        """Return the relaxations, one for each multiplicity, of which a job keeps the lowest; nothing if it is run."""
        if job_id.stage != "relax" or "." in job_id.subject:
            return []
        states = spin_states(self.recipe(job_id.subject))
        return [JobId("relax", f"{job_id.subject}.m{state}.{job_id.level}") for state in states]

    def spin_job_of_part(self, run: str, part: str) -> JobId | None:
        """Return the relaxation that decided the multiplicity of a part of a run, if there was one."""
        recipe = self.recipe(self.assembly(run))
        name = getattr(recipe, FRAGMENTS[part], None)
        if name is None or not self.config.md.runs[run].relax_parts:
            return None
        kept = JobId("relax", f"{name}.{self.config.relax.level}")
        return kept if self.spin_jobs(kept) else None

    def md_jobs(self) -> list[JobId]:
        """Return the dynamics that are run."""
        return [JobId("md", f"{run}.{self.run_level(run)}") for run in self.config.md.run]

    def elf_jobs(self) -> list[JobId]:
        """Return the single points on frames, and on their parts."""
        level = self.config.elf.level
        frames = [(run, f"{run}.{step}") for run in self.config.md.run for step in self.elf_steps(run)]
        jobs = [JobId("elf", f"{frame}.{level}") for _, frame in frames]
        return jobs + [JobId("elf", f"{frame}.{part}.{level}") for run, frame in frames for part in self.elf_parts(run)]

    def guess_of(self, job_id: JobId) -> JobId | None:
        """Return the single point, of the frame before, from whose wavefunction another one's SCF starts, if any."""
        run, step, *part = job_id.subject.split(".")
        before = [earlier for earlier in self.elf_steps(run) if earlier < int(step)]
        if not (self.config.elf.reuse_wavefunction and before and self.config.levels[job_id.level].engine == "cp2k"):
            return None
        return JobId("elf", ".".join([run, str(before[-1]), *part, job_id.level]))

    def adsorption_jobs(self, level: str | None = None) -> list[JobId]:
        """Return clean slabs, atoms and slabs with an ion at a level, by default at all of the stage; each once."""
        stage = self.config.adsorption
        if not stage.facets:
            return []
        subjects = [f"{facet}.{CLEAN}" for facet in stage.facets]
        subjects += [f"atom.{ion}" for ion in stage.ions]
        subjects += [filling.subject for filling in self.fillings()]
        levels = stage.levels if level is None else [level]
        return [JobId("adsorption", f"{subject}.{name}") for name in levels for subject in subjects]

    def hops(self) -> list[Hop]:
        """Return the ways of ions whose barriers are asked for.

        Raises
        ------
        UserError
            If nothing is asked for, or facets do not have sites that are named.
        """
        stage = self.config.barriers
        if stage is None:
            raise UserError.of("barriers", "the configuration has no such section", "needed: level and facets")
        for facet in stage.facets:
            self.recipe_path(facet)  # says which key names one that is not there
        return hops(stage, self.recipes, self._site_spacings)

    def intercalation_jobs(self) -> list[JobId]:
        """Return the points of the crystals' equations of state, and the atoms of their metals."""
        level = intercalation.stage_of(self.config).level
        points = [JobId("intercalation", f"{name}.{level}") for name in intercalation.points(self.config, self.recipes)]
        atoms = dict.fromkeys(intercalation.metals(self.config, self.recipes).values())
        return points + [JobId("adsorption", f"atom.{ion}.{level}") for ion in atoms]

    def barrier_jobs(self) -> list[JobId]:
        """Return the paths that ``snakemake barriers`` finds."""
        level = "" if self.config.barriers is None else self.config.barriers.level
        return [JobId("barriers", f"{hop.subject}.{level}") for hop in self.hops()]

    @cached_property
    def studies(self) -> dict[str, list[Row]]:
        """The rows of each convergence study.

        Raises
        ------
        UserError
            If a study sweeps a setting that means nothing for its structure or level.
        """
        names = self.config.convergence.studies
        for study in names.values():
            if named := recipe_named("subject", study.structure):
                self.recipe_path(named[0])
        return {name: list(Sweeps(name, self.config, self.recipes).rows()) for name in names}

    @cached_property
    def points(self) -> dict[str, Point]:
        """The single points of all convergence studies by the name of their job, each once."""
        return {point.name: point for rows in self.studies.values() for row in rows for point in row.points}

    def convergence_jobs(self, study: str | None = None) -> list[JobId]:
        """Return the single points of a convergence study, or of all."""
        rows = self.studies[study] if study else [row for each in self.studies.values() for row in each]
        return list(dict.fromkeys(JobId("convergence", point.name) for row in rows for point in row.points))

    def own_points(self) -> list[JobId]:
        """Return the single points of convergence studies at which nothing is varied."""
        return [JobId("convergence", name) for name, point in self.points.items() if not point.parameter]

    def prerelaxation(self, job_id: JobId) -> JobId | None:
        """Return the job, the same one at another level, whose relaxed geometry a relaxation starts from, if any."""
        if job_id.stage not in {"relax", "adsorption"} or job_id.subject.startswith("atom.") or self.spin_jobs(job_id):
            return None
        level = (self.config.relax if job_id.stage == "relax" else self.config.adsorption).prerelax
        if level in {None, job_id.level} or self.config.levels[job_id.level].engine == "xtb":
            return None
        return JobId(job_id.stage, f"{job_id.subject}.{level}")

    def wanted(self) -> list[JobId]:
        """Return every job that the configuration asks for by itself."""
        return [*self.relax_jobs(), *self.md_jobs(), *self.elf_jobs(), *self.adsorption_jobs()]

    def executed(self) -> list[JobId]:
        """Return every job that the default target runs: those wanted, and the pre-relaxations that they start from."""
        wanted = self.wanted()
        return list(dict.fromkeys([*wanted, *filter(None, map(self.prerelaxation, wanted))]))

    def written(self) -> list[JobId]:
        """Return every job whose folder ``snakemake inputs`` writes: those listed, and those run by a file engine."""
        wanted = self.config.inputs
        needed = [job for job in self.executed() if job.stage != "elf"]
        needed += [*self.convergence_jobs(), *self._sound_intercalation_jobs()]
        jobs = [job for job in needed if self.config.levels[job.level].engine != "xtb"]
        parts = self.with_parts(wanted.runs)
        jobs += [JobId("relax", f"{name}.{level}") for level in wanted.relax for name in parts]
        jobs = [each for job in jobs for each in self.spin_jobs(job) or [job]]
        jobs += [JobId("md", f"{run}.{level}") for level in wanted.md for run in wanted.runs]
        jobs += [JobId("elf", f"{run}.0.{level}") for level in wanted.elf for run in wanted.runs]
        jobs += [job for level in wanted.adsorption for job in self.adsorption_jobs(level)]
        return list(dict.fromkeys(jobs))

    def elsewhere(self) -> list[JobId]:
        """Return every job that ``convergence``, ``barriers`` and ``intercalation`` run, and the default target not."""
        jobs = self.convergence_jobs()
        if self.config.barriers is not None:
            level, paths = self.config.barriers.level, self.hops()
            jobs += [JobId("barriers", f"{hop.subject}.{level}") for hop in paths]
            ends = [subject for hop in paths for subject in (f"{hop.facet}.{CLEAN}", *hop.ends)]
            jobs += [JobId("adsorption", f"{subject}.{level}") for subject in ends]
        if self.config.intercalation is not None:
            jobs += self.intercalation_jobs()
        of_the_default = set(self.executed())
        return [job for job in dict.fromkeys(jobs) if job not in of_the_default]

    def _sound_intercalation_jobs(self) -> list[JobId]:
        """Return the jobs of the intercalation stage; none if its recipes have mistakes.

        Snakemake wants to know what is written whatever its target is; the targets that need the recipes tell of these.
        """
        try:
            return [] if self.config.intercalation is None else self.intercalation_jobs()
        except UserError:
            return []

    def structure_of(self, job_id: JobId) -> str | None:
        """Return the structure, as built, that a job starts from; None for an atom, and what its own rule builds."""
        if job_id.stage in {"convergence", "intercalation"}:
            return None
        if job_id.stage in {"md", "elf"}:
            return self.assembly(job_id.subject.partition(".")[0])
        first = job_id.subject.partition(".")[0]
        return None if first == "atom" and job_id.stage == "adsorption" else first

    def folder(self, job_id: JobId) -> Path:
        """Return the folder of a job."""
        return self.results / "jobs" / job_id.stage / job_id.name

    def structure_file(self, name: str) -> Path:
        """Return the file of a built structure."""
        return self.results / "structures" / f"{name}.extxyz"

    def ranks(self, job_id: JobId) -> int:
        """Return the cores that a job occupies."""
        return self.config.levels[job_id.level].ranks

    def request(self, job_id: JobId, attempt: int = 1) -> Request:
        """Return the memory and time that a job asks for; Snakemake asks whenever it chooses among jobs.

        Raises
        ------
        FileNotFoundError
            If its structure is not built yet.
        """
        key = job_id, attempt
        if key not in self._requests:
            self._requests[key] = request(self.job(job_id), self._size_of(job_id), attempt)
        return self._requests[key]

    def _size_of(self, job_id: JobId) -> Size:
        """Return the size of a job's structure: of the file that is built, or of the recipe where there is no file."""
        name = self.structure_of(job_id)
        if job_id.stage == "intercalation":
            crystal, _, strain = job_id.subject.partition(".")
            return intercalation.size_of(crystal, strain, self.recipes)
        if job_id.stage == "convergence":
            # that of all points which differ in the level alone
            point = self.points[job_id.name]
            key = json.dumps([point.subject, point.changes])
            if key not in self._sizes:
                self._sizes[key] = point.size(self.recipes)
            return self._sizes[key]
        if job_id.stage in {"md", "elf"}:
            name = self.start_of(job_id.subject.partition(".")[0])
        return ATOM if name is None else self._size(name)

    @cached_property
    def _requests(self) -> dict[tuple[JobId, int], Request]:
        return {}

    @cached_property
    def _sizes(self) -> dict[str, Size]:
        return {}

    def _size(self, name: str) -> Size:
        """Return the size of a built structure, read only once."""
        if name not in self._sizes:
            self._sizes[name] = read_size(self.structure_file(name))
        return self._sizes[name]

    def structures(self) -> list[str]:
        """Return the structures that the jobs of the default target start from, each once."""
        starts = map(self.start_of, self.config.md.run)
        return list(dict.fromkeys([*self.relaxed, *starts, *self.config.adsorption.facets]))

    def written_structures(self) -> list[str]:
        """Return the structures that the written job folders need."""
        return sorted({name for job in self.written() if (name := self.structure_of(job)) is not None})

    def written_recipes(self) -> list[str]:
        """Return the files of the recipes that written points of convergence studies are built from, without a rule."""
        points = (self.points[job.name] for job in self.written() if job.stage == "convergence")
        names = {point.recipe for point in points if point.recipe is not None}
        return sorted({file for name in names for file in self.recipe_files(name)})

    def job(self, job_id: JobId, note: str = "") -> Job:
        """Return what a job computes; `note` says where its start geometry comes from."""
        return describe(self, job_id, note)
