"""The run configuration: what ``config.yaml`` may hold, with every default."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from iondrill.config.base import (
    NAME_LENGTH,
    REMOVE,
    AssemblyName,
    Container,
    Entries,
    Event,
    FacetName,
    Folder,
    Ion,
    LevelName,
    Module,
    Name,
    Number,
    Removable,
    RunName,
    Seed,
    Strict,
    StructureName,
    Thermalise,
    Thermostat,
)
from iondrill.config.convergence import ConvergenceStage
from iondrill.config.free_energy import FreeEnergyStage
from iondrill.config.insertion import InsertionStage
from iondrill.config.interstitials import InterstitialsStage
from iondrill.config.levels import Level
from iondrill.config.potential import PotentialStage
from iondrill.config.quantities import (
    Cycles,
    Duration,
    Few,
    Force,
    Frames,
    Length,
    Margin,
    Shift,
    Spacing,
    Steps,
    Temperature,
    TimeStep,
)
from iondrill.config.shells import ShellsStage
from iondrill.config.verification import VerifySettings

PRERELAX = (
    "level whose relaxed geometries the relaxations of this stage start from, unless its own level is of engine xtb; "
    "null: start as built"
)
SiteLabels = list[Name] | Literal["all"]
IonCount = Annotated[int, Field(ge=1, le=16), Number]


class RelaxStage(Strict):
    """Optimise structures on their own: the parts of assemblies, and those listed."""

    level: LevelName = Field("gfn2", description="level of theory")
    structures: list[StructureName] = Field([], description="recipes to relax, besides the parts that assemblies need")
    fmax_eV_A: Force = Field(0.05, description="largest force at which a structure counts as relaxed")
    max_steps: Cycles = Field(500, description="more than this: not converged")
    prerelax: LevelName | None = Field("gfn2", description=PRERELAX)


class RunSettings(Strict):
    """How molecular dynamics is done."""

    level: LevelName | None = Field(None, description="level of theory; by default that of the stage")
    relax_parts: bool = Field(True, description="assemble relaxed parts rather than parts as built")
    steps: Steps = Field(description="number of time steps; a larger number continues the run")
    timestep_fs: TimeStep = Field(0.5, description="time step")
    temperature_K: Temperature = Field(300.0, description="of the thermostats and of the first velocities")
    thermalise: Thermalise = Thermalise()
    thermostat: Thermostat = Thermostat()
    fix: Literal["far_edge", "none"] = Field(
        "far_edge", description="fixed atoms: the flake's edge away from the ND, or none"
    )
    launch_m_s: Annotated[float, Field(ge=0, le=1000), Number] = Field(
        0.0, description="speed given to the nanodiamond along the insertion axis, after `thermalise`; an assumption"
    )
    save_every: Steps = Field(1, description="steps from frame to frame")
    elf_frames: Frames | None = Field(None, description="frames whose ELF is mapped; by default those of `elf`")

    @field_validator("save_every")
    @classmethod
    def _divides_steps(cls, save_every: int, info: ValidationInfo) -> int:
        """Refuse a last frame that is not the last step."""
        steps = info.data.get("steps")  # absent when it is itself wrong
        if steps is not None and steps % save_every:
            raise ValueError(f"found {save_every}; allowed: a divisor of steps ({steps})")
        return save_every


class MdRun(RunSettings):
    """One molecular-dynamics run of an assembly."""

    assembly: AssemblyName = Field(description="recipe in structures/assemblies")
    seed: Seed | None = Field(None, description="of velocities and thermostat; by default the config's")


class MdMatrix(RunSettings):
    """Runs that differ in their assembly and their seed alone: an experiment with its controls."""

    assemblies: Annotated[Entries[AssemblyName], Field(min_length=1)] = Field(
        description=f"recipes in structures/assemblies, each with a short label; {REMOVE}"
    )
    seeds: Annotated[list[Seed], Field(min_length=1)] = Field(description="of velocities and thermostat")

    def cells(self, name: str) -> dict[str, MdRun]:
        """Return the runs of the matrix of this name: ``<matrix>-<label>-s<seed>``."""
        settings = self.model_dump(exclude={"assemblies", "seeds"}, exclude_unset=True)
        return {
            f"{name}-{label}-s{seed}": MdRun(assembly=assembly, seed=seed, **settings)
            for label, assembly in self.assemblies.items()
            for seed in dict.fromkeys(self.seeds)
        }


class EventCriteria(Strict):
    """When something counts as an event of a run."""

    opened_by_A: Length = Field(
        1.0, description="the layers have opened where the gap at the edge is wider than at the start by this"
    )
    lasting_fs: Duration = Field(50.0, description="an event must last at least this long")


class MdStage(Strict):
    """Molecular dynamics of a nanodiamond at the edge of a lithiated bilayer."""

    level: LevelName = Field("gfn2", description="level of theory")
    run: list[RunName] = Field([], description="the runs to make: names of runs and of matrices")
    runs: Entries[MdRun] = Field({}, description=f"runs by name; {REMOVE}")
    matrix: Entries[MdMatrix] = Field({}, description=f"matrices of runs by name; {REMOVE}")
    events: EventCriteria = EventCriteria()
    verify: VerifySettings | None = Field(
        None, description="compare frames of each run with a level that is trusted, and say whether the run is"
    )

    @model_validator(mode="after")
    def _has_frames_to_verify(self) -> Self:
        """Refuse to verify more frames than a run saves."""
        wanted = 0 if self.verify is None or self.verify.recorded else self.verify.frames
        for name in self.run:
            run = self.runs[name] if name in self.runs else self.matrix.get(name)
            saved = None if run is None else run.steps // run.save_every
            if saved is not None and saved < wanted:
                raise ValueError(f"found verify.frames {wanted}; allowed: at most {saved}, the frames of run '{name}'")
        return self

    @model_validator(mode="after")
    def _with_cells(self) -> Self:
        """Add the runs of each matrix, and name them where the matrix is named."""
        cells = {name: matrix.cells(name) for name, matrix in self.matrix.items()}
        for name, runs in cells.items():
            for run, settings in runs.items():
                if len(run) > NAME_LENGTH:
                    raise ValueError(
                        f"matrix '{name}' makes a run named '{run}'; allowed: at most {NAME_LENGTH} letters"
                    )
                if self.runs.get(run, settings) != settings:
                    raise ValueError(f"matrix '{name}' makes a run named '{run}'; allowed: no other run of that name")
            if name in self.runs:
                raise ValueError(f"'{name}' names a run and a matrix; allowed: one of the two")
        every = {**self.runs, **{run: settings for runs in cells.values() for run, settings in runs.items()}}
        # the model is frozen for others; here it is still being built
        object.__setattr__(self, "runs", every)
        object.__setattr__(self, "run", self.named(self.run))
        return self

    def named(self, names: list[str]) -> list[str]:
        """Return runs, each once; the name of a matrix stands for its runs."""
        runs = (list(self.matrix[name].cells(name)) if name in self.matrix else [name] for name in names)
        return list(dict.fromkeys(run for several in runs for run in several))


class ElfStage(Strict):
    """Electron localisation function on a plane, for frames of each MD run."""

    level: LevelName = Field("gfn2", description="level of theory")
    frames: Frames = Field(
        5, description="frames of each run, first and last included; 0: none, and without events any level will do"
    )
    events: list[Event] = Field(
        [],
        description="besides, of each run the frame in which each of these begins for the first time, if it does: the "
        "first contact of nanodiamond and flake (in one frame), and the events of `md.events`",
    )
    spacing_A: Spacing = Field(0.08, description="distance of the points of the map")
    margin_A: Margin = Field(2.0, description="room around the outermost atoms")
    isosurfaces: Literal["none", "last", "all"] = Field(
        "last", description="frames whose ELF is evaluated in space too, for a view in 3D in the report"
    )
    reuse_wavefunction: bool = Field(
        True,
        description="start the SCF of a frame from the wavefunction of the frame before, where the engine can (cp2k); "
        "false: all frames side by side",
    )
    route: Literal["wavefunction", "cube"] = Field(
        "wavefunction",
        description="source of the maps: the orbitals; or, with engine cp2k, its own ELF on its whole grid, of which "
        "the nearest plane of grid points is taken",
    )
    keep_cubes: bool = Field(False, description="keep the cube files once the maps are made")
    difference: bool = Field(
        False,
        description="map also the density difference between a frame and its separate nanodiamond and flake; "
        "two more single points for each frame",
    )


class AdsorptionStage(Strict):
    """Adsorption energies of ions on facets."""

    level: LevelName | Annotated[list[LevelName], Field(min_length=1)] = Field(
        "gfn2",
        description="level of theory; of several, each has rows of its own, and all are compared with the last",
    )
    facets: list[FacetName] = Field([], description="recipes in structures/facets")
    ions: list[Ion] = Field(["Li", "Na"], description="adsorbates")
    sites: list[Name] | Annotated[dict[FacetName, SiteLabels], Removable()] | Literal["all"] = Field(
        "all",
        description="labels of sites that all facets have, or all symmetry-distinct ones; or one of the two for each "
        f"facet by its name: those not named get `all`, those that `facets` does not name wait ({REMOVE})",
    )
    n: Annotated[list[IonCount], Field(min_length=1)] = Field(
        [1],
        description="numbers of ions in the cell, each a coverage of its own: on equivalent positions as far apart as "
        "possible; with sites `all` on those sites that have room for them",
    )
    fmax_eV_A: Force = Field(0.05, description="largest force at which a slab counts as relaxed")
    max_steps: Cycles = Field(300, description="more than this: not converged")
    look_around_A: list[Shift] = Field(
        [-0.4, 0.4, 0.8],
        description="distances by which a relaxed ion is moved along the normal, a single point each, to look for a "
        "lower energy; where there is one, the ion is relaxed from there, too. []: no such search, and the findings "
        "say so",
    )
    prerelax: LevelName | None = Field("gfn2", description=PRERELAX)
    recorded: Annotated[list[str], Field(min_length=1)] | None = Field(
        None,
        description="labels at a level that is trusted (files of extended XYZ, or folders of such files) that the "
        "potential of a fitted level has not learned from: slabs with ions, the same slabs without, free atoms. The "
        "error of its energies is measured on them",
    )
    metal: Literal["tabulated", "computed"] = Field(
        "tabulated",
        description="cohesive energies of the bulk metals; tabulated: Li and Na at PBE (E_ads_vs_metal_eV stays empty "
        "at other levels and for K); computed: those of the section intercalation, for its level",
    )

    @property
    def levels(self) -> list[str]:
        """The levels, each once."""
        return [self.level] if isinstance(self.level, str) else list(dict.fromkeys(self.level))

    def sites_on(self, facet: str) -> SiteLabels:
        """Return the sites that are asked for on a facet."""
        return self.sites.get(facet, "all") if isinstance(self.sites, dict) else self.sites


class BarriersStage(Strict):
    """Diffusion barriers of ions between neighbouring sites of facets, for ``snakemake barriers``."""

    level: LevelName = Field(description="level of theory, of engine xtb")
    facets: list[FacetName] = Field(description="recipes in structures/facets, none of them two_sided")
    ions: list[Ion] = Field(["Li", "Na"], description="the ions that move")
    paths: list[tuple[Name, Name]] | Literal["all-neighbours"] = Field(
        "all-neighbours",
        description="pairs of labels of sites, each joined by its shortest path; or all pairs of kinds of sites that "
        "have neighbouring positions",
    )
    images: Few = Field(5, description="geometries between the two ends; odd for a symmetric path")
    fmax_eV_A: Force = Field(0.05, description="largest force at which the path counts as relaxed")
    max_steps: Cycles = Field(300, description="more than this: not converged")


class IntercalationStage(Strict):
    """Formation energies of intercalation compounds, for ``snakemake intercalation``."""

    level: LevelName = Field(description="level of theory with k-points: Γ alone does not describe metals")
    crystals: list[Name] = Field(
        ["Li-bcc", "Na-bcc", "graphite-AB", "LiC6", "NaC6"],
        description="recipes in structures/crystals: compounds, and the elements in them; of several crystals of an "
        "element the one of lowest energy counts",
    )
    kpoint_length_A: Length = Field(25.0, description="k-points along an edge times the edge, at least")


class InputsStage(Strict):
    """What ``snakemake inputs`` writes and validates, and does not run; folders that hold a result are left alone."""

    relax: list[LevelName] = Field([], description="levels at which the relaxations' job folders are written")
    md: list[LevelName] = Field([], description="levels for the runs below")
    elf: list[LevelName] = Field([], description="levels for a single point with ELF of the runs below")
    adsorption: list[LevelName] = Field([], description="levels for slabs, slabs with ion, and atoms")
    runs: list[RunName] = Field([], description="MD runs and matrices by name")


class Software(Strict):
    """What Snakemake's ``--sdm env-modules`` and ``--sdm apptainer`` provide to jobs."""

    modules: list[Module] = Field([], description="environment modules that each job loads, e.g. [cp2k/2023.1]")
    container: Container | None = Field(None, description="image that each job runs in, e.g. docker://… or a .sif file")


class Config(Strict):
    """Everything that a run needs to know."""

    title: str = Field("iondrill", description="heading of the report")
    results: Folder = Field("results", description="folder of all results")
    structures: Folder = Field("structures", description="folder of the recipes; what it lacks, the install has")
    seed: Seed = Field(1, description="seed of everything random")
    levels: Entries[Level] = Field(min_length=1, description=f"levels of theory by name; {REMOVE}")
    software: Software = Software()
    relax: RelaxStage = RelaxStage()
    md: MdStage = MdStage()
    elf: ElfStage = ElfStage()
    adsorption: AdsorptionStage = AdsorptionStage()
    intercalation: IntercalationStage | None = Field(None, description="what `snakemake intercalation` computes")
    barriers: BarriersStage | None = Field(None, description="what `snakemake barriers` computes")
    interstitials: InterstitialsStage | None = Field(None, description="what `snakemake interstitials` computes")
    shells: ShellsStage | None = Field(None, description="what `snakemake shells` computes")
    insertion: InsertionStage | None = Field(None, description="what `snakemake insertion` computes")
    free_energy: FreeEnergyStage | None = Field(None, description="what `snakemake free_energy` computes")
    potential: PotentialStage | None = Field(None, description="what `snakemake potential` makes")
    inputs: InputsStage = InputsStage()
    convergence: ConvergenceStage = ConvergenceStage()

    @model_validator(mode="after")
    def _with_cells(self) -> Self:
        """Name the runs of a matrix where `inputs` names the matrix."""
        for name, profile in ({} if self.free_energy is None else self.free_energy.profiles).items():
            if profile.run in self.md.matrix:
                cells = ", ".join(self.md.named([profile.run]))
                raise ValueError(f"free_energy.profiles.{name}: found matrix '{profile.run}'; allowed: one of {cells}")
        object.__setattr__(self, "inputs", self.inputs.model_copy(update={"runs": self.md.named(self.inputs.runs)}))
        return self
