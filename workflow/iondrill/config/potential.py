"""The section ``potential``: how a potential is made from the user's own reference level."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from iondrill.config.base import (
    Entries,
    Ion,
    LevelName,
    Name,
    Number,
    RecipeName,
    Seed,
    Strict,
)
from iondrill.config.quantities import (
    Atoms,
    Cycles,
    Few,
    Force,
    Frames,
    Length,
    Steps,
    Temperature,
    TimeStep,
    Weight,
)

Stretch = Annotated[float, Field(ge=0.5, le=3), Number]


class Exploration(Strict):
    """Trajectories of one structure, at each temperature and for each seed: the source of the frames to be labelled."""

    structure: RecipeName | None = Field(None, description="recipe of a cluster, flake, assembly, facet or crystal")
    atom: Ion | None = Field(
        None, description="in place of a structure: a free atom, one frame; energies of adsorption are held against it"
    )
    kind: Name | None = Field(None, description="group in which errors are reported; by default the exploration's name")
    level: LevelName | None = Field(None, description="level of the dynamics; by default that of the stage")
    gap_A: Length | None = Field(None, description="of a flake: another distance of its layers")
    vacuum_A: Length | None = Field(None, description="of a facet: another height of the vacuum")
    saturate: bool = Field(False, description="of a cluster: hydrogen on every dangling bond")
    place: dict[Ion, Few] = Field({}, description="ions put at random positions on the surface")
    temperatures_K: Annotated[list[Temperature], Field(min_length=1)] = Field([300.0], description="a trajectory each")
    seeds: Annotated[list[Seed], Field(min_length=1)] = Field([1], description="a trajectory each")
    steps: Steps = Field(200, description="of each trajectory")
    timestep_fs: TimeStep = Field(1.0, description="time step")
    launch_m_s: Annotated[float, Field(ge=0, le=5000), Number] = Field(0.0, description="speed of the nanodiamond")
    relax: bool = Field(False, description="relax the start first, all of its atoms, at the level of the exploration")
    rattle_A: Length | None = Field(
        None,
        description="no dynamics: each frame is the start with its atoms displaced at random, by this much along each "
        "axis (standard deviation)",
    )
    strain: Annotated[float, Field(ge=0, le=0.2), Number] = Field(
        0.0, description="of rattled crystals and slabs: standard deviation of each component of a random strain"
    )
    stretch: tuple[Stretch, Stretch] | None = Field(
        None,
        description="of rattled crystals: factors between which the third edge, and with it the distance of layers, is "
        "drawn evenly",
    )
    lift_A: Length | None = Field(
        None, description="of placed ions: each is lifted off the surface by up to so much, drawn evenly"
    )
    frames: Cycles = Field(5, description="taken from each trajectory, evenly spaced, the start left out")
    piece_atoms: Atoms | None = Field(
        None,
        description="cut a piece of about so many atoms out of each frame, round the contact of nanodiamond and flake, "
        "else round an ion, else anywhere, and saturate it with hydrogen; null: whole frames",
    )
    pieces: Few = Field(
        1, description="cut out of each frame: the first as said, others round atoms of the nanodiamond, ions, contacts"
    )

    @model_validator(mode="after")
    def _is_of_something(self) -> Self:
        if (self.structure is None) == (self.atom is None):
            raise ValueError("found neither structure nor atom, or both; allowed: one of them")
        return self

    @model_validator(mode="after")
    def _has_steps(self) -> Self:
        if self.frames > self.steps:
            raise ValueError(f"found frames {self.frames}; allowed: at most steps ({self.steps})")
        if self.strain and self.rattle_A is None:
            raise ValueError(f"found strain {self.strain:g} without rattle_A; allowed: both, or dynamics")
        if self.stretch is not None and self.rattle_A is None:
            raise ValueError("found stretch without rattle_A; allowed: both")
        if self.lift_A is not None and not self.place:
            raise ValueError("found lift_A without place; allowed: both")
        if self.pieces > 1 and self.piece_atoms is None:
            raise ValueError(f"found pieces {self.pieces} without piece_atoms; allowed: both")
        return self


class SelectSettings(Strict):
    """Which frames are labelled."""

    count: Frames = Field(40, description="frames that are labelled in each generation, at most")
    least_distance: Weight = Field(
        0.05,
        description="of the most novel environment of a frame from those chosen: nearer, and the frame is a duplicate. "
        "The overall spread of all environments is 1",
    )


class FitSettings(Strict):
    """How a potential is fitted: NEP (Fan et al. 2021) by torchnep."""

    python: str | None = Field(
        None,
        description="a Python that has torch, torchnep and pytorch-optimizer; by default that of "
        "`make fit-environment`, else the Python of the workflow",
    )
    epochs: Cycles = Field(400, description="passes over the labels")
    batch: Few = Field(4, description="frames in a step")
    learning_rate: Weight = Field(0.01, description="at the start; it falls to zero as half a cosine")
    energy_weight: Weight = Field(0.05, description="of energies per atom against forces")
    weighting: Literal["even", "relative"] = Field(
        "even",
        description="relative: a frame counts by the inverse square of its forces (rms, 0.3 eV/Å added), so that soft "
        "frames, which decide on distances of layers and energies of ions, are not lost among hot ones",
    )
    compile: bool = Field(
        False,
        description="compile the network first (torch.compile): a minute or two once, then half the time of each pass; "
        "needs a C++ compiler",
    )
    neurons: Few = Field(40, description="of the one hidden layer")
    n_max: Few = Field(6, description="radial functions, less one")
    basis_size: Few = Field(8, description="polynomials in each, less one")
    cutoff_A: Length = Field(6.0, description="of the radial part")
    angular_cutoff_A: Length = Field(5.0, description="of the angular part")
    dispersion: Literal["added", "learned"] = Field(
        "added", description="added: D3(BJ) is taken off the labels and added when the potential runs"
    )
    start: str | None = Field(
        None,
        description="a potential of the same elements and sizes (its folder, as `snakemake potential` makes it) that "
        "the fits start from; null: weights drawn at random",
    )
    seeds: Annotated[list[Seed], Field(min_length=1)] = Field([1], description="a fit each; the first is published")


class Teacher(Strict):
    """A large pretrained network, fine-tuned to the labels of the reference; it makes the cheap labels."""

    network: Literal["7net-0"] = Field("7net-0", description="SevenNet-0 (Park et al. 2024), of the package sevenn")
    epochs: Cycles = Field(27, description="passes over the labels")
    batch: Few = Field(3, description="frames in a step")
    learning_rate: Weight = Field(0.002, description="at the start; it falls to zero as half a cosine")
    energy_weight: Weight = Field(30.0, description="of energies per atom against forces")


class Pretraining(Strict):
    """A fit to many cheap labels, which is where the fits to the reference start from."""

    level: LevelName | None = Field(None, description="of the cheap labels; by default that of the stage")
    teacher: Teacher | None = Field(
        None, description="in place of a level: a network that learns the reference's labels labels the frames"
    )
    rounds: Frames = Field(
        0,
        description="how often the pretrained potential makes the `runs`, whose frames are labelled cheaply and "
        "learned from too",
    )
    reference_copies: Frames = Field(
        0,
        description="how often each label of the reference counts beside one cheap label, here and in the fits; 0: not "
        "here, and the fits learn from the reference alone",
    )
    frames: list[str] = Field(
        [],
        description="further frames beside those of the explorations and of `learn_from`: files of extended XYZ, or "
        "folders of such files",
    )
    copies: Few = Field(
        4,
        description="of each frame, displaced at random; frames that an exploration displaced (`rattle_A`) are taken "
        "as they are",
    )
    rattle_A: Length = Field(0.08, description="displacement along each axis (standard deviation)")
    epochs: Cycles = Field(200, description="passes over the cheap labels")
    learning_rate: Weight = Field(0.01, description="at the start")
    batch: Few = Field(8, description="frames in a step")
    energy_weight: Weight | None = Field(
        None, description="of energies per atom against forces; by default that of the fit"
    )

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if self.level is not None and self.teacher is not None:
            raise ValueError("found both level and teacher; allowed: one of them")
        if self.reference_copies and self.teacher is None:
            raise ValueError(
                f"found reference_copies {self.reference_copies} without teacher: energies of two levels do not mix; "
                "allowed: both, or 0"
            )
        return self


class JudgeSettings(Strict):
    """On what a potential is judged."""

    hold_out: Annotated[float, Field(ge=0, lt=1), Number] = Field(
        0.25, description="share of the trajectories of each kind that no fit sees; of two or more at least one"
    )
    trusted_eV_A: Force = Field(0.25, description="force RMSE up to which a kind of frame is trusted")
    doubtful_share: Weight = Field(
        0.5, description="of the rms of the reference's forces: an error beyond this is refused"
    )


class OwnRun(Strict):
    """Dynamics with the potential itself, frames of which the next generation labels."""

    structure: RecipeName = Field(description="recipe, as in an exploration")
    kind: Name = Field(description="group in which errors are reported")
    gap_A: Length | None = Field(None, description="of a flake: another distance of its layers")
    saturate: bool = Field(False, description="of a cluster: hydrogen on every dangling bond")
    place: dict[Ion, Few] = Field({}, description="ions put at random positions on the surface")
    temperature_K: Temperature = Field(300.0, description="of the thermostat")
    steps: Steps = Field(1000, description="of the run")
    timestep_fs: TimeStep = Field(0.5, description="time step")
    launch_m_s: Annotated[float, Field(ge=0, le=5000), Number] = Field(0.0, description="speed of the nanodiamond")
    frames: Cycles = Field(10, description="taken from the run, evenly spaced; `select` chooses among them")
    piece_atoms: Atoms | None = Field(None, description="label pieces of about so many atoms; null: whole frames")
    pieces: Few = Field(1, description="cut out of each frame, as in an exploration")

    @model_validator(mode="after")
    def _cuts_pieces(self) -> Self:
        if self.pieces > 1 and self.piece_atoms is None:
            raise ValueError(f"found pieces {self.pieces} without piece_atoms; allowed: both")
        return self


class PotentialStage(Strict):
    """A potential from a reference level, for ``snakemake potential``."""

    name: Name = Field("drill", description="of the potential")
    reference: LevelName = Field(description="level of the labels: energies and forces that the potential learns")
    explore: Entries[Exploration] = Field({}, description="trajectories that frames are taken from")
    level: LevelName = Field("gfn2", description="cheap level of the explorations")
    select: SelectSettings = SelectSettings()
    pretrain: Pretraining | None = Field(
        None, description="fit to isolated frames at a cheap level first; null: the fits start from nothing"
    )
    fit: FitSettings = FitSettings()
    judge: JudgeSettings = JudgeSettings()
    generations: Few = Field(
        1, description="the first fits to frames of the explorations, each later one also to frames of its own runs"
    )
    runs: Entries[OwnRun] = Field({}, description="own runs, in each generation but the last")
    vacuum_A: Length = Field(8.0, description="of an isolated frame: how much wider than its atoms the box is")
    kpoint_length_A: Length | None = Field(
        None,
        description="of a periodic frame, at a reference with k-points: the grid samples it as Γ would a cell of this "
        "length; null: the level's own grid for all",
    )
    labels: str | None = Field(
        None, description="folder of labels that are kept and reused by digest; by default in the results"
    )
    learn_from: list[str] = Field(
        [],
        description="labels that are there already, which all fits learn from: files of extended XYZ with energies and "
        "forces, or folders of such files; with select.count 0 from them alone, and no own run is made",
    )

    @model_validator(mode="after")
    def _has_labels(self) -> Self:
        if not (self.explore or self.learn_from):
            raise ValueError("found neither explore nor learn_from; allowed: one of them, or both")
        return self

    @model_validator(mode="after")
    def _has_lessons(self) -> Self:
        if self.pretrain is not None and self.pretrain.teacher is not None and not self.learn_from:
            raise ValueError("found pretrain.teacher without learn_from; allowed: labels that it can learn from")
        if self.labels is not None and PurePath(self.labels) in map(PurePath, self.learn_from):
            raise ValueError(f"found '{self.labels}' as labels and in learn_from; allowed: two places")
        return self

    @model_validator(mode="after")
    def _has_one_start(self) -> Self:
        if self.pretrain is not None and self.fit.start is not None:
            raise ValueError("found both pretrain and fit.start, and fits start from either; allowed: one of them")
        return self

    @model_validator(mode="after")
    def _has_runs(self) -> Self:
        if self.pretrain is not None and self.pretrain.rounds and not self.runs:
            rounds = f"pretrain.rounds {self.pretrain.rounds}"
            raise ValueError(f"found {rounds} and no runs; allowed: runs to take frames from")
        if self.generations > 1 and self.select.count and not self.runs:
            raise ValueError(f"found generations {self.generations} and no runs; allowed: runs to take frames from")
        return self
