"""Base class and shared field types of everything that is read from YAML."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """A model that refuses unknown keys and, once made, does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Name = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9+_-]{0,63}$",
        description="letters, digits, '+', '_' and '-', starting with a letter or digit",
    ),
]
"""A name that becomes part of file names: no dot, since dots separate the parts of a job name."""

PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]
Ion = Literal["Li", "Na", "K"]
Fragment = Literal["nd", "lower", "upper", "ion", "slab", "adsorbate"]
