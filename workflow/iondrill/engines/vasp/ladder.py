"""VASP's SCF ladder: INCAR tags that drive the SCF, first and as fallbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from iondrill.config.base import Number, Strict
from iondrill.engines.external import ladder

if TYPE_CHECKING:
    from iondrill.jobs.job import Job

TagName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]


class Fallback(Strict):
    """How the SCF is driven."""

    name: str
    incar: dict[TagName, str | Annotated[int, Number] | Annotated[float, Number]]


def fallbacks(job: Job) -> list[Fallback]:
    """Return the ladder of a kind of job; see `iondrill.engines.external.ladder.fallbacks`."""
    return ladder.fallbacks(ladder.Ladder[Fallback], "vasp", job)
