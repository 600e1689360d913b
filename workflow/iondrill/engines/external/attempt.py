"""One attempt at a job by an external program: its folder, its note and the verdict on how it ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from pydantic import AliasChoices, Field, ValidationError

from iondrill.config.base import NonNegativeInt, Strict
from iondrill.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.engines.external.logs import Log
    from iondrill.jobs.job import Job

Action = Literal["done", "again", "fresh", "climb", "stop", "refuse", "not_converged", "failed"]

RECORD = "attempt.json"
LAUNCHER_OUTPUT = "launcher.out"
EXIT = "EXIT"
"""A file of this name in the job's folder asks for a soft stop."""


class Verdict(NamedTuple):
    """What follows from an attempt's ending.

    Attributes
    ----------
    action : str
        "done"; "again": resume from the last restart; "fresh": the same without the last wavefunction; "climb":
        take the next fallback of the SCF ladder; "stop": end this process, the job may be submitted again;
        "refuse": the same, and it will not help until the user has mended something; "not_converged" and "failed":
        the result says so.
    reason : str
        In words, for the record.
    """

    action: Action
    reason: str


class Record(Strict):
    """``attempt.json``: what the next attempt must know of this one.

    Attributes
    ----------
    start : int
        The step that it started from.
    fallback : int
        The entry of the SCF ladder, from 0; versions before wrote it as ``rung``.
    action : str, optional
        Of the verdict on it, once there is one.
    """

    start: NonNegativeInt
    fallback: NonNegativeInt = Field(validation_alias=AliasChoices("fallback", "rung"))
    action: Action | None = None


class Attempt(ABC):
    """An attempt, running or past.

    Parameters
    ----------
    job : Job
        What is computed.
    atoms : Atoms
        The job's start geometry.
    folder : Path
        Of the attempt; in the job's state folder.
    """

    log: Log[Any]
    large: ClassVar[tuple[str, ...]]
    """Patterns of the files that only a next attempt would need."""

    def __init__(self, job: Job, atoms: Atoms, folder: Path) -> None:
        self.job = job
        self.atoms = atoms
        self.folder = folder

    def drop_large_files(self) -> None:
        """Remove what only a next attempt would need; inputs, logs and note stay."""
        for pattern in self.large:
            for path in self.folder.glob(pattern):
                path.unlink(missing_ok=True)

    @property
    def said(self) -> str:
        """What launcher and program wrote to standard output and error."""
        try:
            return (self.folder / LAUNCHER_OUTPUT).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    @property
    def record(self) -> Record:
        """What was noted of it; a damaged note counts as a start from scratch at the top of the ladder."""
        try:
            return Record.model_validate_json((self.folder / RECORD).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError):
            return Record(start=0, fallback=0)

    def note(self, record: Record) -> None:
        """Write ``attempt.json``."""
        write_text(self.folder / RECORD, record.model_dump_json() + "\n")

    @abstractmethod
    def recover(self) -> Verdict:
        """Bring in what an attempt left that ended together with the process which watched it; judge it."""
