"""What a stage is: the jobs that a section of the configuration calls for, and what each computes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from iondrill.errors import Problem, UserError
from iondrill.files import templates_digest
from iondrill.jobs.job import Job, Kind
from iondrill.jobs.name import ATOM, JobId, Subject
from iondrill.jobs.size import ATOM_SIZE, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from ase import Atoms

    from iondrill.config.document import Document
    from iondrill.config.levels import Level
    from iondrill.jobs.job import Task
    from iondrill.jobs.name import StageName
    from iondrill.prepare.project import Project


class Stage(ABC):
    """The jobs of one stage.

    Parameters
    ----------
    project : Project
        The configuration with its recipes.
    """

    name: ClassVar[StageName]
    by_default: ClassVar[bool] = False
    """Whether the default target runs its jobs."""
    needs_frames: ClassVar[bool] = False
    """Whether its jobs start from frames of a run, so that no folder can be written before."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.config = project.config

    @property
    def asked_for(self) -> bool:
        """Whether the configuration has its section, or the section has a default."""
        return getattr(self.config, self.name) is not None

    @abstractmethod
    def jobs(self) -> list[JobId]:
        """Return the jobs that its target runs, each once."""

    def needed(self) -> list[JobId]:
        """Return the jobs that its target runs, and those of other stages that they start from."""
        return self.jobs()

    @abstractmethod
    def task(self, job: JobId) -> Task:
        """Return what a job does."""

    @abstractmethod
    def kind(self, job: JobId) -> Kind:
        """Return what a job's structure is."""

    @abstractmethod
    def structure(self, job: JobId) -> str | None:
        """Return the built structure that a job starts from; None where its own rule makes the start."""

    def written(self) -> list[JobId]:
        """Return the jobs whose folders the section ``inputs`` asks for."""
        return []

    def prerelaxation(self, job: JobId) -> JobId | None:  # noqa: ARG002
        """Return the job, the same one at another level, whose relaxed geometry a job starts from, if any."""
        return None

    def relaxed_before(self, job: JobId, level: str | None) -> JobId | None:
        """Return a relaxation at another level; None if that is none, or the job's own is as cheap."""
        if level is None or level == job.level or self.project.level(job.level).in_process:
            return None
        return job._replace(level=level)

    def level(self, job: JobId) -> Level:
        """Return the level of theory of a job."""
        return self.project.level(job.level)

    def electrons(self, job: JobId) -> tuple[int, int | None]:  # noqa: ARG002
        """Return charge and multiplicity of a job; None means the lowest that the electrons allow."""
        return 0, None

    def start(self, job: JobId) -> Atoms:
        """Return the start geometry of a job before anything was run."""
        from iondrill.geometry.checks import read_structure
        from iondrill.prepare.start import as_built  # imports ASE

        name = self.structure(job)
        return as_built(job.subject, read_structure(self.project.structure_file(name)) if name else None)

    def free_atom(self, ion: str, level: str) -> JobId:
        """Return a free atom: a job of the stage that adsorbs it, whichever stage asks for it."""
        return JobId("adsorption", Subject(ATOM, ion), level)

    def size(self, job: JobId) -> Size:
        """Return the size of a job's structure.

        Raises
        ------
        FileNotFoundError
            If it is not built yet.
        """
        name = self.structure(job)
        return ATOM_SIZE if name is None else self.project.size(name)

    def elements(self, job: JobId, known: Mapping[str, Collection[str]]) -> set[str]:
        """Return the elements of a job's structure; `known` holds those of each recipe by its name."""
        subject = job.subject
        own = [] if subject.is_atom else known[subject.structure]
        return {*own, *([subject.ion] if subject.ion else [])}

    def problems(self, documents: Sequence[Document]) -> Iterable[Problem]:  # noqa: ARG002
        """Return what would end a target of Snakemake before its first job, with the lines of the files."""
        return ()

    def job(self, job: JobId, note: str = "") -> Job:
        """Return what a job computes.

        Parameters
        ----------
        job : JobId
            One of the stage.
        note : str
            Where the start geometry comes from.
        """
        (charge, multiplicity), level = self.electrons(job), self.level(job)
        return Job(
            stage=self.name,
            name=job.name,
            level_name=job.level,
            level=level,
            task=self.task(job),
            kind=self.kind(job),
            note=note,
            charge=charge,
            multiplicity=multiplicity,
            templates=templates_digest(level.engine) or level.content,
        )


def raised(work: Callable[[], object]) -> tuple[Problem, ...]:
    """Return the problems that a piece of work ends with, if it does."""
    try:
        work()
    except UserError as error:
        return error.problems
    return ()
