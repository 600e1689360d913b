"""The section ``free_energy``: what it costs to move along an order parameter, from restrained dynamics."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from iondrill.config.base import REMOVE, Entries, LevelName, Number, RunName, Seed, Strict
from iondrill.config.quantities import Coordinate, Duration, Steps

OrderParameter = Literal["penetration_A", "gap_edge_A"]
Stiffness = Annotated[float, Field(ge=0.01, le=1000), Number]
"""eV/Å²."""
Speed = Annotated[float, Field(ge=0.01, le=1000), Number]
"""Å/ps."""
Windows = Annotated[int, Field(ge=2, le=200), Number]


class ProfileSettings(Strict):
    """One profile: dynamics restrained to each of several values of an order parameter, steered there both ways."""

    run: RunName = Field(
        description="run of md.runs, or of a matrix: its assembly, time step, temperature, time constant of the "
        "thermostat and fixed atoms; nothing is launched"
    )
    level: LevelName | None = Field(None, description="level of theory, computed in this process; by default the run's")
    coordinate: OrderParameter = Field("penetration_A", description="the order parameter")
    from_A: Coordinate = Field(description="its value in the first window, near that of the start structure")
    to_A: Coordinate = Field(description="its value in the last window")
    windows: Windows = Field(15, description="number of windows, evenly spaced, both ends included")
    stiffness_eV_A2: Stiffness = Field(
        1.0, description="k of the restraint ½ k (x − x₀)²: neighbouring windows have to overlap"
    )
    speed_A_ps: Speed = Field(2.0, description="of the steering that makes the first frame of each window")
    steps: Steps = Field(description="number of time steps of each window; a larger number continues it")
    settle_fs: Duration = Field(500.0, description="beginning of each window that is not counted")
    save_every: Steps = Field(10, description="steps from frame to frame")
    seeds: Annotated[list[Seed], Field(min_length=1)] = Field(
        [1, 2], description="each with steering and windows of its own, both ways"
    )

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        """Refuse a profile without length, and a last frame that is not the last step."""
        if self.from_A == self.to_A:
            raise ValueError(f"found from_A and to_A {self.to_A:g}; allowed: two different values")
        if self.steps % self.save_every:
            raise ValueError(f"found save_every {self.save_every}; allowed: a divisor of steps ({self.steps})")
        return self

    @property
    def centres_A(self) -> list[float]:
        """The values of the windows."""
        step = (self.to_A - self.from_A) / (self.windows - 1)
        return [self.from_A + k * step for k in range(self.windows)]


class FreeEnergyStage(Strict):
    """Free energies along order parameters, for ``snakemake free_energy``."""

    profiles: Annotated[Entries[ProfileSettings], Field(min_length=1)] = Field(
        description=f"profiles by name; {REMOVE}"
    )
