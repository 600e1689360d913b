"""A soft stop of what is computed in process: whoever asks is named, and the attempt is closed."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from iondrill.engines.base import StoppedError
from iondrill.engines.embedded.soft_stop import WatchedJournal
from iondrill.engines.external.launch import WALLTIME, Signals
from iondrill.jobs.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("who", ["SIGTERM", "SIGUSR1", "an EXIT file", "the wall time"])
def test_whoever_asks_for_a_stop_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    (tmp_path / "EXIT").touch()  # of an earlier run: it must not count
    if who == "the wall time":
        monkeypatch.setenv(WALLTIME, "0.001")
    with Signals() as signals:
        journal = WatchedJournal(tmp_path / "journal.json", signals, tmp_path)
        journal.begin()
        if who != "the wall time":
            journal.beat(3)
        if who == "an EXIT file":
            (tmp_path / "EXIT").touch()
        if who.startswith("SIG"):
            os.kill(os.getpid(), getattr(signal, who))
        time.sleep(0.002)  # a fast machine is here within the millisecond
        with pytest.raises(StoppedError, match=f"{who}.*run it again"):
            journal.beat(5)
    (entry,) = Journal(tmp_path / "journal.json").entries
    assert who in entry["reason"]
    assert entry["n_scf_cycles"] == 5


def test_what_is_done_is_not_stopped(tmp_path: Path) -> None:
    with Signals() as signals:
        journal = WatchedJournal(tmp_path / "journal.json", signals, tmp_path)
        journal.begin()
        (tmp_path / "EXIT").touch()
        journal.end("finished", 7)
    assert [entry["reason"] for entry in journal.entries] == ["finished"]
