"""The section ``interstitials``: ions inside bulk diamond."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from iondrill.config.base import LevelName, Number, Strict
from iondrill.config.quantities import Cycles, Force

InterstitialSite = Literal["tetrahedral", "hexagonal"]
Repeats = Annotated[int, Field(ge=1, le=6), Number]


class InterstitialsStage(Strict):
    """Energies of ions inside diamond, for ``snakemake interstitials``."""

    level: LevelName = Field(
        description="level of theory; best that of `adsorption`, whose energies they are held against"
    )
    ions: Annotated[list[Literal["Li", "Na"]], Field(min_length=1)] = Field(["Li", "Na"], description="the ions")
    sites: Annotated[list[InterstitialSite], Field(min_length=1)] = Field(
        ["tetrahedral", "hexagonal"],
        description="tetrahedral: where most room is; hexagonal: the ring between two of these, the top of the way "
        "from one to the next",
    )
    repeats: Annotated[list[Repeats], Field(min_length=1)] = Field(
        [2], description="cubic cells of 8 C along each edge; of several, how much the size matters is seen"
    )
    fmax_eV_A: Force = Field(0.05, description="largest force at which a supercell counts as relaxed")
    max_steps: Cycles = Field(300, description="more than this: not converged")
