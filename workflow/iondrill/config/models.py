"""The run configuration: what ``config.yaml`` may hold, with every default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from iondrill.config.base import (
    Ion,
    Name,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Strict,
)
from iondrill.config.levels import Level, VaspLevel
from iondrill.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

Place = tuple[str | int, ...]
"""Keys and indices that lead to a value of the configuration."""


class RelaxStage(Strict):
    """Optimise structures on their own: the parts of assemblies, and what else is asked for."""

    level: Name = Field("gfn2", description="level of theory")
    structures: list[Name] = Field([], description="recipes to relax, besides the parts that assemblies need")
    fmax_eV_A: PositiveFloat = Field(0.05, description="largest force at which a structure counts as relaxed")
    max_steps: PositiveInt = Field(500, description="more than this: not converged")


class Thermostat(Strict):
    """Canonical sampling by velocity rescaling (Bussi, Donadio and Parrinello 2007)."""

    kind: Literal["csvr", "nose", "none"] = Field("csvr", description="none: constant energy")
    time_constant_fs: PositiveFloat = 100.0
    group: Literal["all", "flake"] = Field("all", description="flake: a launched nanodiamond is not damped")


class MdRun(Strict):
    """One molecular-dynamics run of an assembly."""

    assembly: Name = Field(description="recipe in structures/assemblies")
    level: Name | None = Field(None, description="level of theory; by default that of the stage")
    relax_parts: bool = Field(True, description="assemble relaxed parts rather than parts as built")
    steps: PositiveInt
    timestep_fs: PositiveFloat = 0.5
    temperature_K: PositiveFloat = 300.0
    thermostat: Thermostat = Thermostat()
    fix: Literal["far_edge", "none"] = Field(
        "far_edge", description="what is held: the flake's edge away from the ND"
    )
    launch_m_s: Annotated[float, Field(ge=0, le=1000)] = Field(
        0.0, description="speed given to the nanodiamond along the insertion axis at the start; an assumption"
    )
    save_every: PositiveInt = Field(1, description="steps from frame to frame")
    seed: NonNegativeInt | None = Field(
        None, description="of velocities and thermostat; by default the config's"
    )


class MdStage(Strict):
    """Molecular dynamics of a nanodiamond at the edge of a lithiated bilayer."""

    level: Name = Field("gfn2", description="level of theory")
    run: list[Name] = Field([], description="the runs to make")
    runs: dict[Name, MdRun] = Field({}, description="runs by name")


class ElfStage(Strict):
    """Electron localisation function on a plane, for frames of each MD run."""

    level: Name = Field("gfn2", description="level of theory")
    frames: Annotated[int, Field(ge=0)] = Field(5, description="frames of each run, first and last included")
    spacing_A: PositiveFloat = Field(0.08, description="distance of the points of the map")
    margin_A: NonNegativeFloat = Field(2.0, description="room around the outermost atoms")


class AdsorptionStage(Strict):
    """Adsorption energies of single ions on facets."""

    level: Name = Field("gfn2", description="level of theory")
    facets: list[Name] = Field([], description="recipes in structures/facets")
    ions: list[Ion] = Field(["Li", "Na"], description="adsorbates")
    sites: list[Name] | Literal["all"] = Field(
        "all", description="labels of sites, or all symmetry-distinct ones"
    )
    cell: tuple[PositiveInt, PositiveInt] | None = Field(
        None, description="repeats of the 1×1 cell; by default the facet's"
    )
    fmax_eV_A: PositiveFloat = 0.05
    max_steps: PositiveInt = 300


class InputsStage(Strict):
    """What ``snakemake inputs`` writes and validates, and does not run."""

    relax: list[Name] = Field([], description="levels at which the relaxations' job folders are written")
    md: list[Name] = Field([], description="levels for the runs below")
    elf: list[Name] = Field([], description="levels for a single point with ELF of the runs below")
    adsorption: list[Name] = Field([], description="levels for slabs, slabs with ion, and atoms")
    runs: list[Name] = Field([], description="MD runs by name")


class Config(Strict):
    """Everything that a run needs to know."""

    title: str = Field("iondrill", description="heading of the report")
    results: str = Field("results", min_length=1, description="folder of all that is made")
    structures: str = Field("structures", min_length=1, description="folder of the recipes")
    seed: NonNegativeInt = Field(1, description="seed of everything random")
    levels: dict[Name, Level] = Field(description="levels of theory by name")
    relax: RelaxStage = RelaxStage()
    md: MdStage = MdStage()
    elf: ElfStage = ElfStage()
    adsorption: AdsorptionStage = AdsorptionStage()
    inputs: InputsStage = InputsStage()

    def named_levels(self) -> Iterator[tuple[Place, str, str]]:
        """Yield each place that names a level, the stage it is for, and the name."""
        for stage in ("relax", "md", "elf", "adsorption"):
            yield (stage, "level"), stage, getattr(self, stage).level
            for index, name in enumerate(getattr(self.inputs, stage)):
                yield ("inputs", stage, index), stage, name
        for name, run in self.md.runs.items():
            if run.level is not None:
                yield ("md", "runs", name, "level"), "md", run.level

    def mistakes(self) -> Iterator[tuple[Place, str]]:
        """Yield what no single field can see: the key's place, and what is wrong there."""
        for where, stage, name in self.named_levels():
            if name not in self.levels:
                yield where, f"there is no level '{name}'; {nearest(name, self.levels)}"
            else:
                yield from self._vasp_mistakes(where, stage, name)
        for place, names in ((("md", "run"), self.md.run), (("inputs", "runs"), self.inputs.runs)):
            for index, name in enumerate(names):
                if name not in self.md.runs:
                    yield (*place, index), f"there is no run '{name}'; {nearest(name, self.md.runs)}"
        for name, run in self.md.runs.items():
            if run.steps % run.save_every:
                allowed = f"allowed: a divisor of steps ({run.steps})"
                yield ("md", "runs", name, "save_every"), f"found {run.save_every}; {allowed}"

    def _vasp_mistakes(self, where: Place, stage: str, name: str) -> Iterator[tuple[Place, str]]:
        """Yield where VASP is named for what it is not offered for, or lacks the dataset of an element."""
        level = self.levels[name]
        if not isinstance(level, VaspLevel):
            return
        if stage in {"md", "elf"}:
            yield where, f"level '{name}' is of engine vasp; allowed: a level of engine xtb or cp2k"
        elif stage == "adsorption":
            for element in sorted({"C", "H", *self.adsorption.ions} - set(level.potcars)):
                yield (
                    ("levels", name, "potcars"),
                    f"no entry for {element}; allowed: a PAW dataset per element",
                )
