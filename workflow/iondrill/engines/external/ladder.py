"""SCF ladders: how a program's SCF is driven, and what is tried next when it does not converge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

from pydantic import Field

from iondrill.config.base import Strict
from iondrill.config.load import load
from iondrill.files import template_folder

if TYPE_CHECKING:
    from iondrill.jobs.job import Job

R = TypeVar("R")
Fallbacks = Annotated[list[R], Field(min_length=1)]


class Ladder(Strict, Generic[R]):
    """``templates/<program>/scf_ladder.yaml``: the entries for clusters and atoms, and for jobs with k-points."""

    isolated: Fallbacks[R]
    sampled: Fallbacks[R]
    fractional: list[R] = []
    """Of clusters and atoms at a level that asks for fractional occupations from the start."""


def fallbacks(model: type[Ladder[R]], program: str, job: Job) -> list[R]:
    """Return the ladder of a kind of job: the first entry, and its fallbacks in the order in which they are tried.

    Parameters
    ----------
    model : type
        `Ladder` of the program's entries.
    program : str
        Whose templates hold the ladder.
    job : Job
        What is computed.

    Raises
    ------
    UserError
        If the file of the ladder is missing or wrong.
    """
    ladder = load(model, template_folder(program) / "scf_ladder.yaml")
    if job.sampled:
        return ladder.sampled
    return ladder.fractional if getattr(job.level, "fractional", False) else ladder.isolated
