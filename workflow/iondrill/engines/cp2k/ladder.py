"""The rungs of CP2K's SCF ladder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from iondrill.config.base import NonNegativeFloat, PositiveFloat, PositiveInt, Strict
from iondrill.engines.external import ladder

if TYPE_CHECKING:
    from iondrill.jobs.job import Job


class OrbitalTransformation(Strict):
    """Direct minimisation over the orbitals: needs a gap and integer occupations."""

    name: str
    method: Literal["ot"]
    minimizer: Literal["DIIS", "CG"]
    preconditioner: Literal["FULL_SINGLE_INVERSE", "FULL_ALL", "FULL_KINETIC"]
    linesearch: Literal["2PNT", "3PNT"] = "2PNT"
    restricted: ClassVar[bool] = False
    cycles: ClassVar[int | None] = None


class Diagonalisation(Strict):
    """Diagonalisation, with Fermi–Dirac occupations and Broyden mixing.

    A restricted rung fills the orbitals of both spins alike. It stands in for an SCF whose spins were on their way to
    cancel each other, and is passed over after any other. With `cycles` a rung is given up before the level's limit.
    """

    name: str
    method: Literal["diagonalisation"]
    alpha: PositiveFloat
    n_broyden: PositiveInt
    smearing_at_least_K: NonNegativeFloat = 0.0
    restricted: bool = False
    cycles: PositiveInt | None = None


Rung = Annotated[OrbitalTransformation | Diagonalisation, Field(discriminator="method")]


def rungs(job: Job) -> list[OrbitalTransformation | Diagonalisation]:
    """Return the rungs of a kind of job; see `iondrill.engines.external.ladder.rungs`."""
    return ladder.rungs(ladder.Ladder[Rung], "cp2k", job)
