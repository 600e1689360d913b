"""Why an attempt by VASP ended, and what follows: one small function for each way, asked in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from iondrill.engines.attempts import FULL_BYTES, Verdict
from iondrill.prepare.jobs import Relax

if TYPE_CHECKING:
    from collections.abc import Callable

    from iondrill.engines.vasp.output import Log
    from iondrill.prepare.jobs import Task

SCF_TROUBLE = (
    "Call to ZHEGV failed",
    "Sub-Space-Matrix is not hermitian",
    "BRMIX: very serious problems",
    "EDWAV: internal error",
    "ZPOTRF failed",
    "DENTET",
)
"""What VASP prints when the SCF leads nowhere: another way to drive it may help."""
RELAXATION_TROUBLE = ("ZBRENT: fatal error", "BRIONS problems")
"""The search for the minimum got lost: a new one from the last positions usually helps (VASP says so itself)."""
REFUSALS = ("VERY BAD NEWS", "I REFUSE TO CONTINUE", "Error reading item", "internal error", "ERROR:")


class Ending(NamedTuple):
    """What is left of an attempt.

    Attributes
    ----------
    log : Log
        VASP's OUTCAR.
    said : str
        What launcher and program wrote to standard output and error.
    status : int or None
        Exit status, minus the signal; None if this process was gone before the program ended.
    task : Task
        What was to be done.
    nsw : int
        Ionic steps that VASP was given.
    asked : str
        Who asked for a stop: "at the wall time", "by an EXIT file"; empty for nobody.
    missing : str
        What the files of results lack; empty if they are whole.
    free_bytes : int
        On the disk.
    """

    log: Log
    said: str
    status: int | None
    task: Task
    nsw: int
    asked: str
    missing: str
    free_bytes: int

    def tells(self, *phrases: str) -> str:
        """Return the first line of what was said that holds one of some phrases, or nothing."""
        return next((line.strip(" |\t") for line in self.said.splitlines() if any(p in line for p in phrases)), "")


def finished(ending: Ending) -> Verdict | None:
    """Recognise success: all is there, every SCF converged, and the forces are small enough."""
    log = ending.log
    sound = log.ended and log.scf and log.n_sound == len(log.scf) and not ending.missing
    if not sound or (isinstance(ending.task, Relax) and not log.relaxed):
        return None
    return Verdict("done", "finished")


def disk_full(ending: Ending) -> Verdict | None:
    """Recognise a full disk."""
    told = ending.tells("No space left", "quota exceeded")
    if told or (not ending.log.ended and ending.free_bytes < FULL_BYTES):
        return Verdict("refuse", "the disk is full")
    return None


def stopped(ending: Ending) -> Verdict | None:
    """Recognise that VASP found a STOPCAR: it ends with exit status 0."""
    return Verdict("stop", f"stopped {ending.asked or 'by a STOPCAR'}") if ending.log.stopped else None


def scf_not_converged(ending: Ending) -> Verdict | None:
    """Recognise an SCF that ran out of electronic steps, of which VASP takes the forces and goes on."""
    return Verdict("climb", "SCF not converged") if ending.log.unconverged else None


def scf_broke_down(ending: Ending) -> Verdict | None:
    """Recognise an SCF that VASP gave up itself."""
    if ending.log.ended or not (line := ending.tells(*SCF_TROUBLE)):
        return None
    return Verdict("climb", f"SCF broke down: {line[:120]}")


def geometry_not_converged(ending: Ending) -> Verdict | None:
    """Recognise a relaxation whose forces were not small enough after the last step."""
    task, log = ending.task, ending.log
    if isinstance(task, Relax) and log.ended and len(log.scf) >= ending.nsw and not log.relaxed:
        return Verdict("not_converged", f"not relaxed within {task.max_steps} steps")
    return None


def relaxation_lost(ending: Ending) -> Verdict | None:
    """Recognise a relaxation that VASP gave up, to be begun anew from its last positions."""
    line = ending.tells(*RELAXATION_TROUBLE)
    return Verdict("again", f"VASP stopped: {line[:120]}") if line and not ending.log.ended else None


def aborted(ending: Ending) -> Verdict | None:
    """Recognise what VASP refuses: a tag, a set of k-points, too few bands."""
    if ending.log.ended or not (line := ending.tells(*REFUSALS)):
        return None
    return Verdict("again" if ending.log.scf else "fresh", f"VASP aborted: {line[:200]}")


def not_launched(ending: Ending) -> Verdict | None:
    """Recognise silence: the launcher failed, or a library is missing."""
    if ending.status in {None, 0} or ending.log.version or ending.log.scf:
        return None
    words = [line.strip() for line in ending.said.splitlines() if line.strip(" -=*\t")]
    return Verdict("refuse", f"VASP did not start (exit status {ending.status}): {' | '.join(words[:3])[:300]}")


def killed(ending: Ending) -> Verdict | None:
    """Recognise an OUTCAR that stops without a word: a kill, a lost node, no memory."""
    if ending.log.ended:
        return None
    how = f" by signal {-ending.status}" if ending.status is not None and ending.status < 0 else ""
    if ending.tells("SIGSEGV", "Backtrace", "forrtl") and not ending.log.scf:
        return Verdict("fresh", "crashed before the first energy")
    return Verdict("again", f"killed{how}")


def incomplete(ending: Ending) -> Verdict | None:
    """Take the rest: VASP says that it ended well, but its files do not hold the result."""
    return Verdict("again", f"incomplete: {ending.missing or 'no energy that can be used'}")


HANDLERS: tuple[Callable[[Ending], Verdict | None], ...] = (
    finished,
    disk_full,
    stopped,
    scf_not_converged,
    scf_broke_down,
    geometry_not_converged,
    relaxation_lost,
    aborted,
    not_launched,
    killed,
    incomplete,
)


def judge(ending: Ending) -> Verdict:
    """Return the verdict of the first handler that knows this ending."""
    return next(verdict for handler in HANDLERS if (verdict := handler(ending)))
