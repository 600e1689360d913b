"""The section ``md.verify``: how far a run's own frames are from a level that is trusted."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from iondrill.config.base import LevelName, Strict
from iondrill.config.quantities import LARGEST_GRADE, Atoms, Cycles, Force, Frames, Length, Weight


class VerdictCriteria(Strict):
    """When a run is trusted, doubtful or refused."""

    trusted_eV_A: Force = Field(
        0.25, description="force RMSE up to which a part of the structure is trusted; above it is doubtful"
    )
    refused_share: Weight = Field(
        0.5,
        description="of the rms of the reference's forces on a part: a larger RMSE says next to nothing about its "
        "motion, and the run is refused",
    )
    least_atoms: Cycles = Field(10, description="a part with fewer force vectors, all frames together, does not decide")
    largest_grade: Weight = Field(
        LARGEST_GRADE,
        description="of a fitted potential: a frame with an atom beyond this is outside the trained region (1: the "
        "limit of what its errors were measured on), and the run is refused",
    )


class VerifySettings(Strict):
    """Single points at a reference level on frames of the run itself, beside those of the run's own level."""

    level: LevelName = Field(description="the reference")
    frames: Cycles = Field(
        4,
        description="of each run: the first contact of nanodiamond and flake, the largest grade of a fitted potential, "
        "the others evenly spaced",
    )
    piece_atoms: Atoms | None = Field(
        None,
        description="cut a piece of about so many atoms round the contact out of each frame, and saturate it with "
        "hydrogen; null: whole frames",
    )
    whole: Frames = Field(
        0, description="of pieces: frames that the reference computes whole too, to compare piece and whole"
    )
    recorded: Annotated[list[str], Field(min_length=1)] | None = Field(
        None,
        description="labels at this level (files of extended XYZ, or folders of such files), of frames that the "
        "potential has not learned from: "
        "its errors are measured on those of them that hold no other elements than the run, nor come to larger grades, "
        "and nothing is computed at this level; the grade is that of the run's own frames",
    )
    vacuum_A: Length = Field(8.0, description="of a piece: how much wider than its atoms the box is")
    twin: LevelName | None = Field(
        None,
        description="a second fit of the potential, made with another seed: each run at another level is repeated at "
        "this one, from the same start with the same seed, and an event that is not in both is called the model's",
    )
    verdict: VerdictCriteria = VerdictCriteria()

    @model_validator(mode="after")
    def _has_pieces(self) -> Self:
        """Refuse whole frames beside whole frames, and more of them than there are."""
        if self.whole and self.piece_atoms is None:
            raise ValueError(f"found whole {self.whole} without piece_atoms: all are whole; allowed: 0")
        if self.recorded and self.piece_atoms is not None:
            raise ValueError("found piece_atoms beside recorded: nothing is computed; allowed: one of both")
        if self.whole > self.frames:
            raise ValueError(f"found whole {self.whole}; allowed: at most frames ({self.frames})")
        return self
