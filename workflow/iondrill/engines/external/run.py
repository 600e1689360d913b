"""Run a job by an external program: attempt after attempt, each resuming from what the one before left."""

from __future__ import annotations

import errno
import time
from abc import ABC, abstractmethod
from typing import IO, TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from iondrill.engines.base import Result, Status, StoppedError
from iondrill.engines.external.attempt import Attempt, Record, Verdict
from iondrill.engines.external.launch import Signals, deadline_s, less_margin, only_one
from iondrill.engines.record import record
from iondrill.jobs.journal import RUNNING, Journal, state_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms

    from iondrill.jobs.job import Job

FUTILE = 2
"""Attempts without a step done, after which the job is given back."""


class Fallback(Protocol):
    """How an entry of the ladder drives the SCF."""

    @property
    def name(self) -> str:
        """In words, for the record."""


A = TypeVar("A", bound=Attempt)


class Run(ABC, Generic[A]):
    """A job, and the state it keeps in its folder.

    Parameters
    ----------
    job : Job
        At a level of this engine.
    atoms : Atoms
        The start geometry.
    folder : Path
        The job's folder.
    """

    engine: ClassVar[str]
    ladder: Sequence[Fallback]

    def __init__(self, job: Job, atoms: Atoms, folder: Path) -> None:
        self.job = job
        self.atoms = atoms
        self.folder = folder
        self.digest = job.input_hash(atoms)
        self.state = state_folder(folder, self.digest)
        self.journal = Journal(self.state / "journal.json")
        self.deadline_s = deadline_s()
        self.last: A

    # --- what each engine says ----------------------------------------------------------------------------------

    @abstractmethod
    def attempt_in(self, folder: Path) -> A:
        """Return the attempt of a folder."""

    @abstractmethod
    def steps_done(self) -> int:
        """Return the last step that the next attempt can resume from."""

    @abstractmethod
    def make(self, here: A, former: list[A], signals: Signals, lock: IO[str], walltime_s: int | None) -> Verdict:
        """Write the input of an attempt, run it and judge what it left.

        Parameters
        ----------
        here : Attempt
            The attempt; its folder is there, and its record.
        former : list of Attempt
            Those before it, in order.
        signals : Signals
            One asks for a soft stop.
        lock : file
            Of the job.
        walltime_s : int or None
            Seconds that the program has.
        """

    def next_fallback(self, last: A) -> int:
        """Return the next entry of the ladder after an attempt; a number past the last one if none is left."""
        return last.record.fallback + 1

    @abstractmethod
    def findings(self, atoms: Atoms, *, done: bool) -> dict[str, Any]:
        """Move the atoms to the last geometry, and return what the result says of it.

        Parameters
        ----------
        atoms : Atoms
            The start geometry; changed in place.
        done : bool
            Whether energy and force may be given.
        """

    # --- from attempt to attempt --------------------------------------------------------------------------------

    def to_the_end(self) -> tuple[Result, Atoms]:
        """Run, or resume, until the job is done or cannot be.

        Raises
        ------
        StoppedError
            If it was stopped and may be run again.
        """
        try:
            return self._to_the_end()
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise StoppedError.of(self.folder, "the disk is full", "make room and run it again") from None

    def _to_the_end(self) -> tuple[Result, Atoms]:
        with only_one(self.state / "lock") as lock, Signals() as signals:
            futile, before = 0, -1
            verdict = self.left_over()
            while verdict is None or verdict.action in {"again", "fresh", "climb"}:
                if verdict is not None and signals.count:
                    raise self._stopped(f"stopped by {signals.name}")
                verdict = self._attempt(lock, signals)
                now = self.steps_done()
                moved = now > before and not self.last.log.ended
                futile = 0 if moved or verdict.action == "climb" else futile + 1
                before = max(now, before)
                if futile >= FUTILE and verdict.action in {"again", "fresh"}:
                    raise self._stopped(f"no progress in {FUTILE} attempts, the last was {verdict.reason}")
        if verdict.action in {"stop", "refuse"}:
            raise self._stopped(verdict.reason, hint=verdict.action == "stop")
        return self._result(verdict)

    def _stopped(self, reason: str, *, hint: bool = False) -> StoppedError:
        steps = self.steps_done()
        so_far = f" after step {steps}" if steps > 0 else ""
        attempts = self.attempts()
        advice = "run it again: it resumes from there" if hint or not attempts else f"see {attempts[-1].folder}"
        return StoppedError.of(self.folder, f"{reason}{so_far}", advice)

    def attempts(self) -> list[A]:
        """Return all attempts so far, in order."""
        return [self.attempt_in(self.state / f"attempt-{i + 1:03d}") for i in range(len(self.journal.entries))]

    def left_over(self) -> Verdict | None:
        """Return the verdict on the last attempt, if no process has seen it end or written its result; else None."""
        if not self.journal.entries:
            return None
        self.last = last = self.attempts()[-1]
        unseen = self.journal.entries[-1]["reason"] == RUNNING
        if not unseen and last.record.action != "done":
            return None
        last.folder.mkdir(exist_ok=True)  # somebody may have removed it, to make room
        verdict = last.recover()
        last.note(last.record.model_copy(update={"action": verdict.action}))
        if unseen and verdict.action not in {"again", "fresh"}:
            self.journal.explain(verdict.reason, self.last.log.code)
        return self._climbed(verdict) if verdict.action in {"climb", "done", "failed", "not_converged"} else None

    def _attempt(self, lock: IO[str], signals: Signals) -> Verdict:
        """Make the next attempt."""
        former = self.attempts()
        record = former[-1].record if former else Record(start=0, fallback=0)
        # a job that is given another try after the last fallback begins at the top of the ladder
        fallback = (self.next_fallback(former[-1]) if record.action == "climb" else record.fallback) % len(self.ladder)
        start, name = self.steps_done(), self.ladder[fallback].name
        walltime_s = self._walltime_s()
        self.journal.begin(start or None)
        self.last = here = self.attempts()[-1]
        here.folder.mkdir(exist_ok=True)
        here.note(Record(start=start, fallback=fallback))
        print(f"attempt {len(former) + 1} from step {start}: {name}")
        verdict = self.make(here, former, signals, lock, walltime_s)
        here.note(Record(start=start, fallback=fallback, action=verdict.action))
        reason = f"{verdict.reason} ({signals.name})" if signals.count else verdict.reason
        self.journal.cores = here.log.cores
        self.journal.end(reason, here.log.n_cycles, notes=[name] if fallback else [], code=here.log.code)
        print(f"attempt {len(former) + 1}: {reason}")
        return self._climbed(verdict)

    def _climbed(self, verdict: Verdict) -> Verdict:
        """Return the verdict, or that the job did not converge if there is no fallback left."""
        if verdict.action == "climb" and self.next_fallback(self.last) >= len(self.ladder):
            return Verdict("not_converged", f"{verdict.reason}, on any rung of the ladder")
        return verdict

    def _walltime_s(self) -> int | None:
        """Return the time for the program, less a margin.

        Raises
        ------
        StoppedError
            If there is none left.
        """
        if self.deadline_s is None:
            return None
        if (left_s := less_margin(self.deadline_s - time.time())) < 1:
            raise self._stopped("no time is left", hint=True)
        return int(left_s)

    # --- result -------------------------------------------------------------------------------------------------

    def _result(self, verdict: Verdict) -> tuple[Result, Atoms]:
        """Return record and last geometry; energy and force only of a job that is done."""
        status: Status = "converged"
        atoms = self.atoms.copy()
        found = self.findings(atoms, done=verdict.action == "done")
        if verdict.action != "done":
            status = "not_converged" if verdict.action == "not_converged" else "failed"
            self.journal.explain(verdict.reason, self.last.log.code)
        return record(self.job, self.journal, status, self.last.log.version, **found), atoms
