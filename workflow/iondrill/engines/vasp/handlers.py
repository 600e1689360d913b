"""Why an attempt by VASP ended, and what follows; see `iondrill.engines.external.handlers`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from signal import SIGKILL, SIGTERM
from typing import TYPE_CHECKING

from iondrill.engines.external import handlers as endings
from iondrill.engines.external.attempt import Verdict
from iondrill.engines.external.handlers import disk_full, finished, incomplete, killed, not_launched, scf_not_converged
from iondrill.jobs.job import Relax

if TYPE_CHECKING:
    from collections.abc import Callable

    from iondrill.engines.vasp.output import Log

SCF_ENDED = ("Call to ZHEGV failed", "EDWAV: internal error", "ZPOTRF failed")
"""What VASP ends with when the SCF leads nowhere: a fallback may help."""
SCF_WARNINGS = ("Sub-Space-Matrix is not hermitian", "BRMIX: very serious problems", "DENTET")
"""What it says of an SCF before it continues: of one that has converged since, it means nothing."""
RELAXATION_TROUBLE = ("ZBRENT: fatal error", "BRIONS problems")
"""The search for the minimum got lost: a new one from the last positions usually helps (VASP says so itself)."""
KILLS = {None, -SIGKILL, -SIGTERM, 128 + SIGKILL, 128 + SIGTERM}
"""Exit statuses of a program that was killed, alone or with the process that watched it, and those of launchers."""
REFUSALS = ("VERY BAD NEWS", "I REFUSE TO CONTINUE", "Error reading item", "internal error", "ERROR:")

_STEP_DONE = re.compile(r"^ *\d+ F= .*$", re.MULTILINE)
"""What VASP says when an ionic step is done: ``   1 F= -.38055E+02 E0= …``."""


@dataclass(frozen=True)
class Ending(endings.Ending):
    """What is left of an attempt by VASP.

    Attributes
    ----------
    nsw : int
        Ionic steps that VASP was given.
    asked : str
        Who asked for a stop: "at the wall time", "by an EXIT file"; empty for nobody.
    """

    # not "SIG": VASP's warnings speak of SIGMA
    crashes = ("SIGSEGV", "Backtrace", "forrtl")

    log: Log
    nsw: int
    asked: str

    def tells_of_last_scf(self, *phrases: str) -> str:
        """Return the first line said since the last ionic step was done that holds one of some phrases, or nothing."""
        *_, last = _STEP_DONE.split(self.said)
        return replace(self, said=last).tells(*phrases)


def stopped(ending: Ending) -> Verdict | None:
    """Recognise that VASP found a STOPCAR: it ends with exit status 0."""
    return Verdict("stop", f"stopped {ending.asked or 'by a STOPCAR'}") if ending.log.stopped else None


def scf_broke_down(ending: Ending) -> Verdict | None:
    """Recognise an SCF that VASP gave up itself, or that it had warned of when it ended.

    After its last words VASP counts as ended, however it did: of the other ranks launchers say that they were killed.
    """
    if ending.log.ended:
        return None
    words = SCF_ENDED if ending.status in KILLS else (*SCF_ENDED, *SCF_WARNINGS)
    line = ending.tells_of_last_scf(*words)
    return Verdict("climb", f"SCF broke down: {line[:120]}") if line else None


def geometry_not_converged(ending: Ending) -> Verdict | None:
    """Recognise a relaxation whose forces were not small enough after the last step."""
    task, log = ending.task, ending.log
    if isinstance(task, Relax) and log.ended and len(log.scf) >= ending.nsw and not log.relaxed:
        return Verdict("not_converged", f"not relaxed within {task.max_steps} steps")
    return None


def relaxation_lost(ending: Ending) -> Verdict | None:
    """Recognise a relaxation that VASP gave up, to be started again from its last positions."""
    line = ending.tells(*RELAXATION_TROUBLE)
    return Verdict("again", f"VASP stopped: {line[:120]}") if line and not ending.log.ended else None


def aborted(ending: Ending) -> Verdict | None:
    """Recognise what VASP refuses: a tag, a set of k-points, too few bands."""
    if ending.log.ended or not (line := ending.tells(*REFUSALS)):
        return None
    return Verdict("again" if ending.log.scf else "fresh", f"VASP aborted: {line[:200]}")


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
    return endings.judge(ending, HANDLERS)
