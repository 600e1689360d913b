"""Why an attempt ended, and what follows: one small function for each case, asked in order; those of every program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from iondrill.engines.external.attempt import Verdict
from iondrill.jobs.job import Relax
from iondrill.jobs.journal import FINISHED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from iondrill.engines.external.logs import Log
    from iondrill.jobs.job import Task

FULL_BYTES = 1 << 20
"""With less than this left, a disk counts as full."""
NOT_THERE = {126, 127}
"""Exit statuses of a shell and of launchers for a program that cannot be started at all."""
NO_ROOM = "not enough slots"
"""Said by Open MPI where there are fewer cores than ranks."""


@dataclass(frozen=True)
class Ending:
    """What is left of an attempt.

    Attributes
    ----------
    log : Log
        The program's log.
    said : str
        What launcher and program wrote to standard output and error.
    status : int or None
        Exit status, minus the signal; None if this process was gone before the program ended.
    task : Task
        What was to be done.
    missing : str
        What the files of results lack; empty if they are whole.
    free_bytes : int
        On the disk.
    crashes : tuple of str
        What is said when the program crashes.
    """

    crashes: ClassVar[tuple[str, ...]]

    log: Log[Any]
    said: str
    status: int | None
    task: Task
    missing: str
    free_bytes: int

    def tells(self, *phrases: str) -> str:
        """Return the first line of what was said that holds one of some phrases, or nothing."""
        return next((line.strip(" |\t") for line in self.said.splitlines() if any(p in line for p in phrases)), "")


E = TypeVar("E", bound=Ending)


def judge(ending: E, handlers: Iterable[Callable[[E], Verdict | None]]) -> Verdict:
    """Return the verdict of the first handler that knows this ending; `incomplete`, the last, knows all."""
    return next(verdict for handler in handlers if (verdict := handler(ending)))


def finished(ending: Ending) -> Verdict | None:
    """Recognise success: all is there, every SCF converged, and a relaxation is completed."""
    log = ending.log
    sound = log.ended and log.scf and log.n_sound == len(log.scf) and not ending.missing
    if not sound or (isinstance(ending.task, Relax) and not log.relaxed):
        return None
    return Verdict("done", FINISHED)


def disk_full(ending: Ending) -> Verdict | None:
    """Recognise a full disk: CP2K continues without a word, and ends with exit status 0 and torn files."""
    reported = ending.tells("No space left", "quota exceeded")
    if reported or (not ending.log.ended and ending.free_bytes < FULL_BYTES):
        return Verdict("refuse", "the disk is full")
    return None


def scf_not_converged(ending: Ending) -> Verdict | None:
    """Recognise an SCF that ran out of cycles.

    CP2K 2023.1 warns and uses its energy, 2024.1 and later abort; VASP takes its forces and continues. To be asked
    after a stop: that too leaves an SCF unconverged, and CP2K says so.
    """
    return Verdict("climb", "SCF not converged") if ending.log.unconverged else None


def not_launched(ending: Ending) -> Verdict | None:
    """Recognise silence: the launcher failed, or a library is missing.

    Launchers also fail by chance, as Open MPI's may when another one ends that moment and removes the folder that both
    share: only what cannot be otherwise the next time is given up at once.
    """
    if ending.status in {None, 0} or ending.log.version or ending.log.scf:
        return None
    words = " | ".join([line.strip() for line in ending.said.splitlines() if line.strip(" -=*\t")][:3])
    reason = f"{ending.log.program} did not start (exit status {ending.status}): {words[:300]}"
    final = ending.status in NOT_THERE or NO_ROOM in ending.said
    return Verdict("refuse" if final else "again", reason)


def killed(ending: Ending) -> Verdict | None:
    """Recognise a log that stops without a word: a kill, a lost node, no memory."""
    if ending.log.ended:
        return None
    if ending.tells(*ending.crashes) and not ending.log.scf:
        return Verdict("fresh", "crashed before the first energy")
    how = f" by signal {-ending.status}" if ending.status is not None and ending.status < 0 else ""
    return Verdict("again", f"killed{how}")


def incomplete(ending: Ending) -> Verdict | None:
    """Take the rest: the program says that it ended well, but its files do not hold the result."""
    return Verdict("again", f"incomplete: {ending.missing or 'no energy that can be used'}")
