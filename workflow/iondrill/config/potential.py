"""The section ``potential``: how a potential is made from the user's own reference level."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from iondrill.config.base import (
    Entries,
    Ion,
    LevelName,
    Name,
    NonNegativeFloat,
    Number,
    PositiveFloat,
    PositiveInt,
    Seed,
    StructureName,
    Strict,
)


class Exploration(Strict):
    """Trajectories of one structure, at each temperature and for each seed: where frames to be labelled come from."""

    structure: StructureName = Field(description="recipe of a cluster, flake, assembly, facet or crystal")
    kind: Name | None = Field(None, description="what errors are told apart by; by default the exploration's name")
    level: LevelName | None = Field(None, description="level of the dynamics; by default that of the stage")
    gap_A: PositiveFloat | None = Field(None, description="of a flake: another distance of its layers")
    saturate: bool = Field(False, description="of a cluster: hydrogen on every dangling bond")
    place: dict[Ion, PositiveInt] = Field({}, description="ions put on places drawn at random on the surface")
    temperatures_K: Annotated[list[PositiveFloat], Field(min_length=1)] = Field([300.0], description="a trajectory each")
    seeds: Annotated[list[Seed], Field(min_length=1)] = Field([1], description="a trajectory each")
    steps: PositiveInt = Field(200, description="of each trajectory")
    timestep_fs: PositiveFloat = Field(1.0, description="time step")
    launch_m_s: Annotated[float, Field(ge=0, le=5000), Number] = Field(0.0, description="speed of the nanodiamond")
    frames: PositiveInt = Field(5, description="taken from each trajectory, evenly spaced, the start left out")
    piece_atoms: PositiveInt | None = Field(
        None,
        description="cut a piece of about so many atoms out of each frame, round the contact of nanodiamond and flake, "
        "else round an ion, else anywhere, and saturate it with hydrogen; null: whole frames",
    )

    @model_validator(mode="after")
    def _has_steps(self) -> Self:
        if self.frames > self.steps:
            raise ValueError(f"found frames {self.frames}; allowed: at most steps ({self.steps})")
        return self


class PotentialStage(Strict):
    """A potential from a reference level, for ``snakemake potential``."""

    name: Name = Field("drill", description="of the potential")
    reference: LevelName = Field(description="level of the labels: energies and forces that the potential learns")
    explore: Entries[Exploration] = Field(min_length=1, description="where frames come from")
    level: LevelName = Field("gfn2", description="cheap level of the explorations")
    vacuum_A: PositiveFloat = Field(8.0, description="of an isolated frame: how much wider than its atoms the box is")
    labels: str | None = Field(
        None, description="folder of labels that are kept and reused by digest; by default in the results"
    )
