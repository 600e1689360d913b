"""The section ``insertion``: an ion on its way between two layers that are held apart."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from iondrill.config.base import LevelName, Strict, StructureName
from iondrill.config.quantities import Cycles, Length


class InsertionStage(Strict):
    """Energy of an ion between the layers of a flake, against their distance, for ``snakemake insertion``."""

    level: LevelName = Field(description="level of theory")
    flake: StructureName = Field("c54-aa", description="recipe in structures/flakes, of two layers without ions")
    ions: Annotated[list[Annotated[str, Field(pattern="^(Li|Na)$")]], Field(min_length=1)] = Field(
        ["Li", "Na"], description="the ions"
    )
    gaps_A: Annotated[list[Length], Field(min_length=1)] = Field(
        [3.35, 3.7, 4.0, 4.5, 5.0], description="distances at which the layers are held, flat"
    )
    points: Annotated[Cycles, Field(ge=3, le=99)] = Field(
        15, description="places of the ion, evenly from `outside_A` before the edge to the centre of the flake"
    )
    outside_A: Length = Field(5.0, description="where the way begins, before the outermost atom of the edge")
