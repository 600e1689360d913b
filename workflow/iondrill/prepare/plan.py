"""Which jobs a configuration calls for. A pure function of configuration and recipes: nothing is run."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from iondrill.prepare.project import Project
from iondrill.prepare.stages.adsorption import AdsorptionStage
from iondrill.prepare.stages.barriers import BarriersStage
from iondrill.prepare.stages.convergence import ConvergenceStage
from iondrill.prepare.stages.elf import ElfStage
from iondrill.prepare.stages.free_energy import FreeEnergyStage
from iondrill.prepare.stages.insertion import InsertionStage
from iondrill.prepare.stages.intercalation import IntercalationStage
from iondrill.prepare.stages.interstitials import InterstitialsStage
from iondrill.prepare.stages.md import MdStage
from iondrill.prepare.stages.relax import RelaxStage
from iondrill.prepare.stages.shells import ShellsStage
from iondrill.prepare.stages.verify import VerifyStage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from iondrill.config.document import Document
    from iondrill.config.models import Config
    from iondrill.errors import Problem
    from iondrill.jobs.job import Job
    from iondrill.jobs.name import JobId, StageName
    from iondrill.prepare.stages.base import Stage


class Plan:
    """The stages of a configuration, and what their jobs are together.

    Parameters
    ----------
    config : Config
        A valid configuration.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.project = Project(config)
        self.recipes, self.results = self.project.recipes, self.project.results
        self.relax = RelaxStage(self.project)
        self.md = MdStage(self.project)
        self.elf = ElfStage(self.project)
        self.verify = VerifyStage(self.project)
        self.adsorption = AdsorptionStage(self.project)
        self.convergence = ConvergenceStage(self.project)
        self.barriers = BarriersStage(self.project)
        self.intercalation = IntercalationStage(self.project)
        self.free_energy = FreeEnergyStage(self.project)
        self.interstitials = InterstitialsStage(self.project)
        self.shells = ShellsStage(self.project)
        self.insertion = InsertionStage(self.project)

    @cached_property
    def stages(self) -> dict[StageName, Stage]:
        """All stages by name."""
        stages = (
            self.relax,
            self.md,
            self.elf,
            self.verify,
            self.adsorption,
            self.convergence,
            self.barriers,
            self.intercalation,
            self.free_energy,
            self.interstitials,
            self.shells,
            self.insertion,
        )
        return {stage.name: stage for stage in stages}

    def stage(self, job: JobId) -> Stage:
        """Return the stage of a job."""
        return self.stages[job.stage]

    def wanted(self) -> list[JobId]:
        """Return every job that the configuration asks for by itself."""
        return [job for stage in self.stages.values() if stage.by_default for job in stage.jobs()]

    def executed(self) -> list[JobId]:
        """Return every job that the default target runs: those wanted, and the pre-relaxations that they start from."""
        wanted = self.wanted()
        return list(dict.fromkeys([*wanted, *filter(None, map(self.prerelaxation, wanted))]))

    def written(self) -> list[JobId]:
        """Return every job whose folder ``snakemake inputs`` writes: those listed, and those run by a file engine."""
        needed = [job for job in self.executed() if not self.stage(job).needs_frames]
        needed += [*self.convergence.jobs(), *self.intercalation.sound_jobs()]
        jobs = [job for job in needed if not self.config.levels[job.level].in_process]
        listed = [job for stage in self.stages.values() for job in stage.written()]
        jobs = [each for job in [*jobs, *listed] for each in self.relax.spin_jobs(job) or [job]]
        return list(dict.fromkeys(jobs))

    def elsewhere(self) -> list[JobId]:
        """Return every job that a target of its own runs, ``barriers`` for example, and the default target not."""
        others = [stage for stage in self.stages.values() if not stage.by_default and stage.asked_for]
        jobs = [job for stage in others for job in stage.needed()]
        of_the_default = set(self.executed())
        return [job for job in dict.fromkeys(jobs) if job not in of_the_default]

    def problems(self, documents: Sequence[Document]) -> list[Problem]:
        """Return what would end a target of Snakemake before its first job, whichever target that is.

        Parameters
        ----------
        documents : sequence of Document
            The files that the configuration was read from.
        """
        return [problem for stage in self.stages.values() for problem in stage.problems(documents)]

    def prerelaxation(self, job: JobId) -> JobId | None:
        """Return the job, the same one at another level, whose relaxed geometry a relaxation starts from, if any."""
        return self.stage(job).prerelaxation(job)

    def job(self, job: JobId, note: str = "") -> Job:
        """Return what a job computes; `note` says where its start geometry comes from."""
        return self.stage(job).job(job, note)

    def folder(self, job: JobId) -> Path:
        """Return the folder of a job."""
        return self.project.folder(job)

    def ranks(self, job: JobId) -> int:
        """Return the cores that a job occupies."""
        return self.config.levels[job.level].ranks

    def structures(self) -> list[str]:
        """Return the structures that the jobs of the default target start from, each once."""
        starts = map(self.md.start_structure, self.config.md.run)
        return list(dict.fromkeys([*self.relax.structures, *starts, *self.config.adsorption.facets]))

    def written_structures(self) -> list[str]:
        """Return the structures that the written job folders need."""
        return sorted({name for job in self.written() if (name := self.stage(job).structure(job)) is not None})

    def written_recipes(self) -> list[str]:
        """Return the files of the recipes that written points of convergence studies are built from, without a rule."""
        names = {job.subject.recipe for job in self.written() if job.stage == "convergence"} - {None}
        return sorted({file for name in names for file in self.project.recipe_files(str(name))})
