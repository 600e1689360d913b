"""CP2K's SCF ladder: how the SCF is driven first, and the fallbacks."""

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

    A restricted fallback fills the orbitals of both spins alike. It follows an SCF whose spins were about to cancel
    each other; after any other it is skipped. With `cycles` a fallback is given up before the level's limit.
    """

    name: str
    method: Literal["diagonalisation"]
    alpha: PositiveFloat
    n_broyden: PositiveInt
    smearing_at_least_K: NonNegativeFloat = 0.0
    restricted: bool = False
    cycles: PositiveInt | None = None


Fallback = Annotated[OrbitalTransformation | Diagonalisation, Field(discriminator="method")]


def fallbacks(job: Job) -> list[OrbitalTransformation | Diagonalisation]:
    """Return the ladder of a kind of job; see `iondrill.engines.external.ladder.fallbacks`."""
    return ladder.fallbacks(ladder.Ladder[Fallback], "cp2k", job)
