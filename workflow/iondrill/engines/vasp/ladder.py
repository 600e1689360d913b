"""The SCF ladder of VASP: INCAR tags that drive the SCF, and what is tried next when it does not converge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from iondrill.config.base import Number, Strict
from iondrill.config.load import load
from iondrill.engines.templates import template_folder

if TYPE_CHECKING:
    from iondrill.prepare.jobs import Job

TagName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]


class Rung(Strict):
    """One way to drive the SCF."""

    name: str
    incar: dict[TagName, str | Annotated[int, Number] | Annotated[float, Number]]


Rungs = Annotated[list[Rung], Field(min_length=1)]


class Ladder(Strict):
    """``templates/vasp/scf_ladder.yaml``."""

    isolated: Rungs
    slab: Rungs


def rungs(job: Job) -> list[Rung]:
    """Return the rungs of a kind of job, in the order in which they are tried.

    Raises
    ------
    UserError
        If the file of the ladder is missing or wrong.
    """
    ladder = load(Ladder, template_folder("vasp") / "scf_ladder.yaml")
    return ladder.slab if job.sampled else ladder.isolated
