"""A soft stop for what is computed in this very process: by a signal, an ``EXIT`` file or the wall time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from iondrill.engines.base import StoppedError
from iondrill.engines.external.launch import deadline_s, less_margin
from iondrill.engines.folder import exit_file
from iondrill.jobs.journal import RUNNING, Journal

if TYPE_CHECKING:
    from pathlib import Path

    from iondrill.engines.external.launch import Signals


class WatchedJournal(Journal):
    """A journal that ends the job at its next beat, when all is saved, if somebody has asked for it.

    Parameters
    ----------
    path : Path
        See `Journal`.
    signals : Signals
        One asks for a stop.
    folder : Path
        The job's folder, where a user may make a file ``EXIT``; one that is there already is of an earlier run.
    """

    def __init__(self, path: Path, signals: Signals, folder: Path) -> None:
        super().__init__(path)
        self._signals = signals
        self._folder = folder
        self._exit = exit_file(folder)
        self._exit.unlink(missing_ok=True)
        self._until = self._last_moment()

    @staticmethod
    def _last_moment() -> float:
        """Return until when the job may run, on the clock of `time.time`, with room for one more step."""
        if (deadline := deadline_s()) is None:
            return float("inf")
        now = time.time()
        return now + less_margin(deadline - now)

    def beat(self, n_scf_cycles: int) -> None:
        """Note time and SCF cycles.

        Raises
        ------
        StoppedError
            If the job is to stop.
        """
        super().beat(n_scf_cycles)
        if self.entries[-1]["reason"] == RUNNING and (reason := self._asked()):
            self.explain(f"stopped {reason}")
            raise StoppedError.of(self._folder, f"stopped {reason}", "run it again: it resumes from there")

    def _asked(self) -> str:
        """Return who asks for a stop, or nothing."""
        if self._signals.count:
            return f"by {self._signals.name}"
        if self._exit.exists():
            return "by an EXIT file"
        return "at the wall time" if time.time() > self._until else ""
