"""Why an attempt ended, and what follows: one small function for each way, asked in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from iondrill.engines.attempts import FULL_BYTES, Verdict
from iondrill.engines.base import ON_THE_EDGE
from iondrill.prepare.jobs import Relax

if TYPE_CHECKING:
    from collections.abc import Callable

    from iondrill.engines.cp2k.output import Log
    from iondrill.prepare.jobs import Task


class Ending(NamedTuple):
    """What is left of an attempt.

    Attributes
    ----------
    log : Log
        CP2K's log.
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
    """

    log: Log
    said: str
    status: int | None
    task: Task
    missing: str
    free_bytes: int


def disk_full(ending: Ending) -> Verdict | None:
    """Recognise a full disk: CP2K goes on without a word, and ends with exit status 0 and torn files."""
    told = any(words in ending.said or words in ending.log.abort for words in ("No space left", "quota exceeded"))
    if told or (not ending.log.ended and ending.free_bytes < FULL_BYTES):
        return Verdict("refuse", "the disk is full")
    return None


def density_on_the_edge(ending: Ending) -> Verdict | None:
    """Recognise a box that is too small: the wavelet solver is wrong where the density touches its faces."""
    if ending.log.on_the_edge and not ending.log.unconverged:
        return Verdict("failed", f"{ON_THE_EDGE}: enlarge it")
    return None


def wall_time(ending: Ending) -> Verdict | None:
    """Recognise that CP2K stopped itself, with exit status 0, at GLOBAL/WALLTIME."""
    return Verdict("stop", "stopped at the wall time") if ending.log.out_of_time else None


def exit_file(ending: Ending) -> Verdict | None:
    """Recognise that CP2K found a file EXIT, and stopped with exit status 0."""
    return Verdict("stop", "stopped by an EXIT file") if ending.log.stopped else None


def scf_not_converged(ending: Ending) -> Verdict | None:
    """Recognise an SCF that ran out of cycles: 2023.1 warns and uses its energy, 2024.1 and later abort.

    To be asked after `wall_time` and `exit_file`: they too leave an SCF unconverged, and CP2K says so.
    """
    return Verdict("climb", "SCF not converged") if ending.log.unconverged else None


def finished(ending: Ending) -> Verdict | None:
    """Recognise success: all is there, and every SCF converged."""
    log = ending.log
    sound = log.ended and log.scf and log.n_sound == len(log.scf) and not ending.missing
    if not sound or (isinstance(ending.task, Relax) and not log.relaxed):
        return None
    return Verdict("done", "finished")


def geometry_not_converged(ending: Ending) -> Verdict | None:
    """Recognise a relaxation whose forces were not small enough after the last step."""
    task, log = ending.task, ending.log
    # an attempt that was to go on from the last step says nothing of it
    if isinstance(task, Relax) and (log.gave_up or (log.ended and log.geometry_step >= task.max_steps)):
        return Verdict("not_converged", f"not relaxed within {task.max_steps} steps")
    return None


def aborted(ending: Ending) -> Verdict | None:
    """Recognise what CP2K refuses: a keyword, a basis set, a file."""
    if ending.log.abort and not ending.log.scf:
        return Verdict("fresh", f"CP2K aborted: {ending.log.abort}")
    return Verdict("again", f"CP2K aborted: {ending.log.abort}") if ending.log.abort else None


def not_launched(ending: Ending) -> Verdict | None:
    """Recognise silence: the launcher failed, or a library is missing."""
    if ending.status in {None, 0} or ending.log.version or ending.log.scf:
        return None
    words = [line.strip() for line in ending.said.splitlines() if line.strip(" -=*\t")]
    return Verdict("refuse", f"CP2K did not start (exit status {ending.status}): {' | '.join(words[:3])[:300]}")


def killed(ending: Ending) -> Verdict | None:
    """Recognise a log that stops without a word: a kill, a lost node, no memory."""
    if ending.log.ended:
        return None
    how = f" by signal {-ending.status}" if ending.status is not None and ending.status < 0 else ""
    crash = "SIG" in ending.said or "Backtrace" in ending.said or "Fortran runtime error" in ending.said
    if crash and not ending.log.scf:
        return Verdict("fresh", "crashed before the first energy")
    return Verdict("again", f"killed{how}")


def incomplete(ending: Ending) -> Verdict | None:
    """Take the rest: CP2K says that it ended well, but its files do not hold the result."""
    return Verdict("again", f"incomplete: {ending.missing or 'no energy that can be used'}")


HANDLERS: tuple[Callable[[Ending], Verdict | None], ...] = (
    density_on_the_edge,
    finished,
    disk_full,
    wall_time,
    exit_file,
    scf_not_converged,
    geometry_not_converged,
    aborted,
    not_launched,
    killed,
    incomplete,
)


def judge(ending: Ending) -> Verdict:
    """Return the verdict of the first handler that knows this ending."""
    return next(verdict for handler in HANDLERS if (verdict := handler(ending)))
