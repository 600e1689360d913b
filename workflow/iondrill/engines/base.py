"""What an engine is, and the record that every job ends in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from pydantic import model_validator

from iondrill.config.base import NonNegativeFloat, NonNegativeInt, PositiveInt, Strict
from iondrill.errors import UserError
from iondrill.files import write_text
from iondrill.jobs.journal import Code

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.config.levels import Level
    from iondrill.engines.cost import Cost
    from iondrill.engines.standing import Standing
    from iondrill.jobs.job import Job
    from iondrill.jobs.size import Size

Status = Literal["converged", "not_converged", "failed", "not_due"]
"""Of a job that ended; not_due: what it is of did not happen, nothing was computed, and nothing is wrong."""
WELL = {"converged", "not_due"}
"""How a job ends that is no failure."""
FORCES = "forces_eV_A"
"""The array, (n_atoms, 3), that a single point adds to its structure: every atom's, fixed or not."""
ON_THE_EDGE = "the electron density touches the faces of the box"
"""Why a job in a box that is too small failed."""


class AttemptEntry(Strict):
    """What a record says of an attempt: why it ended and what was changed, in words; a code if a program needs one."""

    reason: str
    changed: str = ""
    code: Code = ""

    @model_validator(mode="before")
    @classmethod
    def _with_code(cls, content: Any) -> Any:
        """Give an attempt of a record without codes the one that its words mean."""
        if isinstance(content, dict) and "code" not in content and ON_THE_EDGE in str(content.get("reason")):
            return content | {"code": "density_on_edge"}
        return content


class SpinState(Strict):
    """A job of one multiplicity among those of which the lowest in energy is kept."""

    multiplicity: PositiveInt
    status: Status
    energy_eV: float | None = None
    kept: bool


class Start(Strict):
    """The pre-relaxation of a job: how it ended, and whether its geometry is the start."""

    level: str
    status: Status
    max_force_eV_A: NonNegativeFloat | None = None
    used: bool
    reason: str = ""
    """Why it is not used."""

    def __str__(self) -> str:
        """Return it as a remark."""
        if self.used:
            return f"pre-relaxed at {self.level}"
        return f"not from its pre-relaxation at {self.level}: {self.reason}"


class Neighbour(Strict):
    """A single point near the position an ion came to."""

    shift_A: float
    """How much farther from the slab the ions are, with all other atoms where they were."""
    status: Status
    above_eV: float | None = None
    """Energy over that at rest, of all ions together."""


class Left(Strict):
    """A minimum that an ion came to and that was left for a lower one."""

    above_eV: NonNegativeFloat
    """Energy over that of the minimum that was kept, of all ions together."""
    shift_A: float
    """From where the ions were let go again: how much farther from the slab."""


class Neighbourhood(Strict):
    """What is around the position where ions came to rest, and the higher minima that they came to before."""

    points: list[Neighbour]
    left: list[Left] = []


class StoppedError(UserError):
    """A job ended before it was done; its state is kept, and it resumes when it is run again."""


class Result(Strict):
    """The record of a finished job, ``result.json``.

    No energy and no force is given unless the status is ``converged``.
    """

    status: Status
    level: str
    engine: str
    engine_version: str
    energy_eV: float | None = None
    max_force_eV_A: NonNegativeFloat | None = None
    magnetisation_muB: float | None = None
    n_scf_cycles: NonNegativeInt | None = None
    n_ionic_steps: NonNegativeInt = 0
    wall_s: NonNegativeFloat = 0.0
    core_s: NonNegativeFloat = 0.0
    attempts: list[AttemptEntry] = []
    input_hash: str
    start: Start | None = None
    neighbourhood: Neighbourhood | None = None
    spin_states: list[SpinState] = []

    @property
    def why(self) -> str:
        """Why the last attempt ended, in one line."""
        return " ".join(self.attempts[-1].reason.split()) if self.attempts else "no reason given"

    @property
    def multiplicity(self) -> int | None:
        """The multiplicity that was kept; None if there was no choice, or none converged."""
        return next((state.multiplicity for state in self.spin_states if state.kept), None)

    def write(self, path: Path) -> None:
        """Write the record, whole or not at all."""
        write_text(path, json.dumps(self.model_dump(mode="json"), indent=2) + "\n")


def read_result(path: Path) -> Result:
    """Read a record.

    Raises
    ------
    UserError
        If the file is missing, cut or holds something else.
    """
    from iondrill.config.document import Document
    from iondrill.config.load import parse

    return parse(Result, [Document(path)])


def read_converged(path: Path) -> Result:
    """Read a record that numbers are to be made from.

    Raises
    ------
    UserError
        If the job did not converge, or the record cannot be read.
    """
    result = read_result(path)
    if result.status != "converged":
        reason = f": {result.attempts[-1].reason}" if result.attempts else ""
        raise UserError.of(path, f"is {result.status}{reason}", "nothing is made from it")
    return result


class Availability(Strict):
    """What `iondrill doctor` says of an engine."""

    engine: str
    found: bool
    version: str = ""
    detail: str = ""
    install: str = ""
    parts: list[Availability] = []
    """What it may be used with, each by its own name."""


Uses = Mapping[tuple[str, str], Sequence[str]]
"""The elements that occur at each level in each stage, by their names."""


class Remark(NamedTuple):
    """What would be better in a level: its name, the setting, what was found, what is advised."""

    level: str
    key: str
    found: str
    advice: str


class Engine(Protocol):
    """One program, or library, that computes.

    A module of `iondrill.engines` holds an object of this kind; `iondrill.engines.registry` names it.
    """

    name: str

    def available(self, job: Job | None = None) -> Availability:
        """Say whether the engine can run here, which version, and else what to install."""

    def write_inputs(self, job: Job, atoms: Atoms, folder: Path) -> list[Path]:
        """Write the input files as the engine reads them.

        Parameters
        ----------
        job : Job
            What to compute.
        atoms : Atoms
            The start geometry.
        folder : Path
            The job folder; it exists.

        Returns
        -------
        list of Path
            The files written.

        Raises
        ------
        UserError
            If the engine has no parameters for an element, or cannot do the task.
        """

    def validate_inputs(self, folder: Path) -> list[str]:
        """Check the written inputs by an independent reader; return what was checked.

        Raises
        ------
        UserError
            All that is wrong in them.
        """

    def cost(self, job: Job, size: Size) -> Cost:
        """Return the memory that a job takes, and the core-seconds of energy and forces of one geometry."""

    def standing(self, atoms: Atoms, state: Path, attempt: int, *, began: int, wall_s: float) -> Standing:
        """Return how far a relaxation or a single point is, from what it has left so far.

        Parameters
        ----------
        atoms : Atoms
            Its start geometry, with the atoms that are fixed.
        state : Path
            Its state folder.
        attempt : int
            Number of the last attempt, from 1 on.
        began : int
            Step that the last attempt resumed from.
        wall_s : float
            Time it has taken.
        """

    def advice(self, levels: Mapping[str, Level], uses: Uses) -> Iterable[Remark]:
        """Return what would be better in levels of this engine that are not wrong.

        Parameters
        ----------
        levels : mapping
            Levels of this engine by name.
        uses : mapping
            The elements at each level in each stage.
        """

    def run(self, job: Job, atoms: Atoms, folder: Path) -> tuple[Result, Atoms]:
        """Run, or continue, a job in its folder.

        Returns
        -------
        Result
            The record; the caller writes it.
        Atoms
            The last geometry.

        Raises
        ------
        StoppedError
            If it was stopped, or could not run, and resumes when it is run again.
        UserError
            If the engine is not there, or cannot do the job.
        """
