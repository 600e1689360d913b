"""The log of an external program: read line by line, also while it grows, and never trusted where it is cut."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, Self, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from iondrill.jobs.journal import Code


@dataclass
class Scf:
    """One SCF, complete with its energy.

    Attributes
    ----------
    cycles : int
        Its (inner) cycles.
    converged : bool
        Whether the program says so, and the energy is a finite number.
    energy_eV : float
        NaN if it is not to be read.
    """

    cycles: int = 0
    converged: bool = False
    energy_eV: float = math.nan


S = TypeVar("S", bound=Scf)


class Log(ABC, Generic[S]):
    """What a log says so far.

    Attributes
    ----------
    program : str
        Whose log it is.
    version : str
        "CP2K version 2023.1", "vasp.6.4.2"; empty before the header was read.
    cores : int
        Processes times threads.
    scf : list of Scf
        Those that ended with an energy, in order.
    n_cycles : int
        All SCF cycles, also those of an SCF that did not end.
    stopped, relaxed, ended : bool
        Whether the program stopped because it was asked to by a file; a relaxation was completed; the program
        reached its end.
    """

    program: ClassVar[str]

    @property
    def code(self) -> Code:
        """What a program asks for of it; see `iondrill.engines.base.Attempt`."""
        return ""

    def __init__(self) -> None:
        self.version = ""
        self.cores = 1
        self.scf: list[S] = []
        self.n_cycles = 0
        self.stopped = self.relaxed = self.ended = False
        self._rest = ""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a whole file; a missing one says nothing."""
        log = cls()
        try:
            log.feed(path.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return log
        return log

    def feed(self, text: str) -> None:
        """Take the next part of the file; a line counts once its end is there."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self.take(line)

    @abstractmethod
    def take(self, line: str) -> None:
        """Take a whole line."""

    @property
    def n_open_cycles(self) -> int:
        """Cycles of the SCF that has not ended yet."""
        return self.n_cycles - sum(scf.cycles for scf in self.scf)

    @property
    @abstractmethod
    def unconverged(self) -> bool:
        """Whether an SCF ran out of cycles."""

    def is_sound(self, scf: S) -> bool:
        """Say whether an SCF may feed a result."""
        return scf.converged

    @property
    def n_sound(self) -> int:
        """Number of SCFs before the first that is not to be used."""
        return next((i for i, scf in enumerate(self.scf) if not self.is_sound(scf)), len(self.scf))


def number(word: str) -> float:
    """Return a number, or NaN for what is none: asterisks, a cut word."""
    try:
        return float(word)
    except ValueError:
        return math.nan
