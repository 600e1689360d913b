"""Which jobs make a potential: a pure function of the configuration, so that the plan is static."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from iondrill.config.potential import Exploration
from iondrill.config.project import required
from iondrill.engines.ase.learned import MODEL, PARAMETERS
from iondrill.errors import UserError
from iondrill.files import files_named, or_shipped
from iondrill.potential.explore import Trajectory, trajectories

if TYPE_CHECKING:
    from iondrill.config.models import Config
    from iondrill.config.potential import PotentialStage, Pretraining

CHEAP = "cheap.extxyz"
"""All labels that a potential was pretrained on."""


class PotentialPlan:
    """Folders and names of the jobs that make a potential.

    Parameters
    ----------
    config : Config
        A valid configuration; without the section ``potential`` there is nothing to make.
    """

    def __init__(self, config: Config) -> None:
        self.config = config

    @property
    def stage(self) -> PotentialStage:
        """The section of the configuration; see `iondrill.config.project.required`."""
        return required(self.config.potential, "potential", "reference and explore")

    @property
    def there(self) -> bool:
        """Whether there is anything to make."""
        return self.config.potential is not None

    @property
    def folder(self) -> Path:
        """Of the potential, in the results."""
        return Path(self.config.results) / "potential" / (self.stage.name if self.there else "none")

    @property
    def labels(self) -> Path:
        """The folder of the labels that are kept."""
        if self.there and self.stage.labels is not None:
            return Path(self.stage.labels)
        return self.folder / "labels"

    @property
    def known(self) -> list[str]:
        """The files of labels that are there already."""
        named = self.stage.learn_from if self.there else []
        return [file for name in named for file in files_named(name, ".extxyz")]

    def trajectories(self) -> dict[str, Trajectory]:
        """Return the trajectories of the explorations by name."""
        return {one.name: one for one in trajectories(self.stage.explore)} if self.there else {}

    def groups(self) -> dict[str, str]:
        """Return the kind of each trajectory of the explorations."""
        return {
            name: self.stage.explore[one.exploration].kind or one.exploration
            for name, one in self.trajectories().items()
        }

    def exploration(self, trajectory: str) -> Exploration:
        """Return what a trajectory is of."""
        return self.stage.explore[self.trajectories()[trajectory].exploration]

    def explored(self) -> list[str]:
        """Return the files of the explorations' frames."""
        return [f"{self.folder.as_posix()}/explore/{name}.extxyz" for name in self.trajectories()]

    def slots(self) -> list[str]:
        """Return the names of a generation's labels: as many as may be chosen."""
        return [f"{number:04d}" for number in range(self.stage.select.count)] if self.there else []

    def generation(self, number: int) -> str:
        """Return the folder of a generation."""
        return f"{self.folder.as_posix()}/generation-{number}"

    def frames(self, generation: int) -> list[str]:
        """Return the files of the frames that a generation chooses from: explorations, later the runs before it."""
        if not self.stage.select.count:
            return []
        if generation == 0:
            return self.explored()
        return [f"{self.generation(generation - 1)}/runs/{name}.extxyz" for name in self.stage.runs]

    def label_records(self, upto: int) -> list[str]:
        """Return the records of the labels of all generations up to one."""
        return [record for generation in range(upto + 1) for record in self.added(generation)]

    def added(self, generation: int) -> list[str]:
        """Return the records of the labels that a generation adds."""
        return [f"{self.generation(generation)}/labels/{slot}.json" for slot in self.slots()]

    def judged(self) -> list[str]:
        """Return the judgements of all generations."""
        return [f"{self.generation(g)}/judged.json" for g in range(self.stage.generations)]

    @property
    def pretrained(self) -> Path | None:
        """The folder of the fit to cheap labels, if there is to be one."""
        return self.folder / "pretrained" if self.there and self.stage.pretrain else None

    @property
    def start(self) -> Path | None:
        """The folder of the potential that fits start from, if there is one: pretrained here, or made before."""
        named = self.stage.fit.start if self.there else None
        return self.pretrained if named is None else or_shipped(named)

    @property
    def start_files(self) -> list[str]:
        """What fits start from: files, of a pretrained potential with the cheap labels.

        Raises
        ------
        UserError
            If there is none in the folder that `potential.fit.start` names.
        """
        if self.start is not None and self.start != self.pretrained and not (self.start / MODEL).is_file():
            needed = f"needed: the folder of a potential, with {MODEL} and {PARAMETERS}"
            raise UserError.of("potential.fit.start", f"there is no potential in '{self.stage.fit.start}'", needed)
        names = [MODEL, PARAMETERS, *([CHEAP] if self.pretrained else [])]
        return [] if self.start is None else [(self.start / name).as_posix() for name in names]

    @property
    def pretraining(self) -> Pretraining:
        """The section of the cheap labels; see `iondrill.config.project.required`."""
        return required(self.stage.pretrain, "potential.pretrain", "level or teacher")

    @property
    def teacher(self) -> Path | None:
        """The folder of the network that makes the cheap labels, if there is to be one."""
        pretrain = self.stage.pretrain if self.there else None
        return None if pretrain is None or pretrain.teacher is None else self.folder / "teacher"

    @property
    def more_frames(self) -> list[str]:
        """The files of further frames for that fit."""
        pretrain = self.stage.pretrain if self.there else None
        named = [] if pretrain is None else pretrain.frames
        return [file for name in named for file in files_named(name, ".extxyz")]

    def fits(self, generation: int) -> list[str]:
        """Return the folders of a generation's fits, the published one first."""
        return [f"{self.generation(generation)}/fit-{seed}" for seed in self.stage.fit.seeds]

    @property
    def last(self) -> int:
        """The last generation."""
        return self.stage.generations - 1


def as_exploration(run: object) -> Exploration:
    """Return an own run in the words of an exploration: both begin with the same start and cut the same pieces."""
    from iondrill.config.potential import OwnRun

    if not isinstance(run, OwnRun):
        raise TypeError(f"{run!r} is no own run")
    shared = run.model_dump(include=set(Exploration.model_fields) & set(OwnRun.model_fields))
    return Exploration(**shared, temperatures_K=[run.temperature_K])
