"""The SCF ladder: how the SCF is driven, and what is tried next when it does not converge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from iondrill.config.base import NonNegativeFloat, PositiveFloat, PositiveInt, Strict
from iondrill.config.load import load
from iondrill.engines.templates import template_folder

if TYPE_CHECKING:
    from iondrill.prepare.jobs import Job


class OrbitalTransformation(Strict):
    """Direct minimisation over the orbitals: needs a gap and integer occupations."""

    name: str
    method: Literal["ot"]
    minimizer: Literal["DIIS", "CG"]
    preconditioner: Literal["FULL_SINGLE_INVERSE", "FULL_ALL", "FULL_KINETIC"]
    linesearch: Literal["2PNT", "3PNT"] = "2PNT"


class Diagonalisation(Strict):
    """Diagonalisation, with Fermi–Dirac occupations and Broyden mixing."""

    name: str
    method: Literal["diagonalisation"]
    alpha: PositiveFloat
    n_broyden: PositiveInt
    smearing_at_least_K: NonNegativeFloat = 0.0


Rung = Annotated[OrbitalTransformation | Diagonalisation, Field(discriminator="method")]
Rungs = Annotated[list[Rung], Field(min_length=1)]


class Ladder(Strict):
    """``templates/cp2k/scf_ladder.yaml``."""

    isolated: Rungs
    sampled: Rungs


def rungs(job: Job) -> list[OrbitalTransformation | Diagonalisation]:
    """Return the rungs of a kind of job, in the order in which they are tried.

    Raises
    ------
    UserError
        If the file of the ladder is missing or wrong.
    """
    ladder = load(Ladder, template_folder("cp2k") / "scf_ladder.yaml")
    return ladder.sampled if job.sampled else ladder.isolated
