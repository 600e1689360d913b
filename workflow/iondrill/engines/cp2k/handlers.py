"""Why an attempt by CP2K ended, and what follows; see `iondrill.engines.external.handlers`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from iondrill.engines.base import ON_THE_EDGE
from iondrill.engines.external import handlers as endings
from iondrill.engines.external.attempt import Verdict
from iondrill.engines.external.handlers import finished, incomplete, killed, not_launched, scf_not_converged
from iondrill.jobs.job import Relax

if TYPE_CHECKING:
    from collections.abc import Callable

    from iondrill.engines.cp2k.output import Log


@dataclass(frozen=True)
class Ending(endings.Ending):
    """What is left of an attempt by CP2K."""

    crashes = ("SIG", "Backtrace", "Fortran runtime error")

    log: Log

    def tells(self, *phrases: str) -> str:
        """Return what CP2K aborted with, or the first line that was said, that holds one of some phrases."""
        abort = self.log.abort
        return abort if any(phrase in abort for phrase in phrases) else super().tells(*phrases)


def density_on_the_edge(ending: Ending) -> Verdict | None:
    """Recognise a box that is too small: the wavelet solver is wrong where the density touches its faces."""
    if ending.log.code == "density_on_edge":
        return Verdict("failed", f"{ON_THE_EDGE}: enlarge it")
    return None


def wall_time(ending: Ending) -> Verdict | None:
    """Recognise that CP2K stopped itself, with exit status 0, at GLOBAL/WALLTIME."""
    return Verdict("stop", "stopped at the wall time") if ending.log.out_of_time else None


def exit_file(ending: Ending) -> Verdict | None:
    """Recognise that CP2K found a file EXIT, and stopped with exit status 0."""
    return Verdict("stop", "stopped by an EXIT file") if ending.log.stopped else None


def geometry_not_converged(ending: Ending) -> Verdict | None:
    """Recognise a relaxation whose forces were not small enough after the last step."""
    task, log = ending.task, ending.log
    # an attempt that was to resume from the last step says nothing of it
    if isinstance(task, Relax) and (log.gave_up or (log.ended and log.geometry_step >= task.max_steps)):
        return Verdict("not_converged", f"not relaxed within {task.max_steps} steps")
    return None


def aborted(ending: Ending) -> Verdict | None:
    """Recognise what CP2K refuses: a keyword, a basis set, a file."""
    if ending.log.abort and not ending.log.scf:
        return Verdict("fresh", f"CP2K aborted: {ending.log.abort}")
    return Verdict("again", f"CP2K aborted: {ending.log.abort}") if ending.log.abort else None


HANDLERS: tuple[Callable[[Ending], Verdict | None], ...] = (
    density_on_the_edge,
    finished,
    endings.disk_full,
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
    return endings.judge(ending, HANDLERS)
