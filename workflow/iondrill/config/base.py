"""Base class and shared field types of everything that is read from YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


class Strict(BaseModel):
    """A model that refuses unknown keys and, once made, does not change."""

    # deferred: a job needs few of the models, and building the validators of all takes longer than reading it
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class KeysError(ValueError):
    """What keys of one mapping get wrong together.

    Parameters
    ----------
    message : str
        What was found and what is allowed.
    *keys : str
        Where: the first of these that the file has.
    """

    def __init__(self, message: str, *keys: str) -> None:
        super().__init__(message)
        self.keys = keys


Event = Literal["first_contact", "layers_opened", "bonded", "ion_expelled"]
"""What may happen in a run: nanodiamond and flake touch in a frame; and what lasts, see `MdStage.events`."""

NAME_LENGTH = 64
NAME_RULE = f"letters, digits, '+', '_' and '-', starting with a letter or digit, at most {NAME_LENGTH}"


def _name(refers_to: str | None = None) -> Any:
    """Return the rule of a name; the keys with x- serve messages, cross-checks and the reference pages."""
    extra: dict[str, Any] = {"x-means": refers_to or "name", "x-rule": NAME_RULE}
    return Field(
        pattern=rf"^[A-Za-z0-9][A-Za-z0-9+_-]{{0,{NAME_LENGTH - 1}}}$",
        json_schema_extra=extra | ({"x-refers-to": refers_to} if refers_to else {}),
    )


Name = Annotated[str, _name()]
"""A name that becomes part of file names: no dot, since dots separate the parts of a job name."""

LevelName = Annotated[str, _name("level")]
RunName = Annotated[str, _name("run")]
StructureName = Annotated[str, _name("structure")]
AssemblyName = Annotated[str, _name("assembly")]
FacetName = Annotated[str, _name("facet")]
RecipeName = Annotated[str, _name("recipe")]
"""Any: of a cluster, flake, assembly, facet or crystal."""

Folder = Annotated[
    str,
    Field(
        pattern=r"^[^{}*?\[\]\x00-\x20\x7f]+( +[^{}*?\[\]\x00-\x20\x7f]+)*$",
        json_schema_extra={"x-means": "folder", "x-rule": "no braces, brackets, '*' or '?', which are wildcards"},
    ),
]
"""A folder whose name Snakemake can hold in patterns."""

Module = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9._/][A-Za-z0-9._/+:@=-]*$",
        json_schema_extra={"x-means": "module", "x-rule": "letters, digits and . _ / + : @ = -, e.g. cp2k/2023.1"},
    ),
]
"""An environment module; Snakemake puts its name into a shell's command as it is."""

Container = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9._/][A-Za-z0-9._/+:@=~%-]*$",
        json_schema_extra={
            "x-means": "image",
            "x-rule": "letters, digits and . _ / + : @ = ~ % -, e.g. docker://me/iondrill:1.0 or iondrill.sif",
        },
    ),
]
"""An image of a container, by its address or file; it goes into a shell's command as well."""


class Removable:
    """Marks a mapping by names from which a later file removes an entry by null: see `iondrill.config.removal`."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Let editors accept null for an entry; the model itself never sees it."""
        schema = handler(core_schema)
        if "patternProperties" in schema:
            schema["patternProperties"] = {key: _or_null(value) for key, value in schema["patternProperties"].items()}
        else:
            schema["additionalProperties"] = _or_null(schema["additionalProperties"])
        return {**schema, "x-removable": True}


def _or_null(schema: JsonSchemaValue) -> JsonSchemaValue:
    return {"anyOf": [schema, {"type": "null"}]}


Entry = TypeVar("Entry")
Entries = Annotated[dict[Name, Entry], Removable()]
"""Values by name, each of which a later file can change or remove."""
REMOVE = "null in a later file removes one"
"""What the description of such a mapping says."""


def _not_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("number_type", "a number")
    return value


Number = BeforeValidator(_not_boolean)
PositiveFloat = Annotated[float, Field(gt=0), Number]
NonNegativeFloat = Annotated[float, Field(ge=0), Number]
PositiveInt = Annotated[int, Field(gt=0), Number]
NonNegativeInt = Annotated[int, Field(ge=0), Number]
Seed = Annotated[int, Field(ge=0, lt=2**31), Number]
"""A seed that also fits the 32-bit integers of CP2K and VASP."""
Ion = Literal["Li", "Na", "K"]
Fragment = Literal["nd", "below", "lower", "upper", "above", "ion", "slab", "adsorbate"]


class Thermostat(Strict):
    """Canonical sampling by velocity rescaling (Bussi, Donadio and Parrinello 2007)."""

    kind: Literal["csvr", "nose", "none"] = Field("csvr", description="none: constant energy")
    time_constant_fs: Annotated[float, Field(ge=0.1, le=1e6), Number] = Field(
        100.0, description="time in which the temperature is drawn to its target"
    )
    group: Literal["all", "flake"] = Field(
        "all",
        description="flake: all but the nanodiamond; all: with xtb a launch is not damped either, with cp2k it is",
    )


class Thermalise(Strict):
    """A segment before the run: nothing is launched, and all atoms that may move are coupled to a thermostat (CSVR)."""

    time_fs: Annotated[float, Field(ge=0, le=1e6), Number] = Field(
        300.0, description="its length, rounded up to a frame; 0: none, velocities are drawn for the run itself"
    )
    time_constant_fs: Annotated[float, Field(ge=0.1, le=1e6), Number] = Field(20.0, description="of its thermostat")
