"""The section ``shells``: ions on a whole nanodiamond, of one kind or of two."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from iondrill.config.base import Ion, LevelName, Strict, StructureName
from iondrill.config.quantities import Cycles, Few, Force

Filling = Annotated[dict[Ion, Few], Field(min_length=1, max_length=2)]


class ShellsStage(Strict):
    """Energies of ions on a nanodiamond by their number, and of mixing two kinds, for ``snakemake shells``."""

    level: LevelName = Field(description="level of theory")
    clusters: Annotated[list[StructureName], Field(min_length=1)] = Field(
        ["nd75-c3v"], description="recipes in structures/clusters"
    )
    fillings: Annotated[list[Filling], Field(min_length=1)] = Field(
        [{"Li": 1}, {"Li": 8}, {"Li": 16}, {"Na": 1}, {"Na": 8}, {"Na": 16}, {"Li": 4, "Na": 4}, {"Li": 8, "Na": 8}],
        description="numbers of ions; of two kinds they alternate over the same places as each kind alone",
    )
    fmax_eV_A: Force = Field(0.05, description="largest force at which a shell counts as relaxed")
    max_steps: Cycles = Field(500, description="more than this: not converged")
