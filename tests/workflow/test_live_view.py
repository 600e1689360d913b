"""The live view of docs/running-on-a-cluster.md: what a run tells snkmt, and what its console shows."""

from __future__ import annotations

import os
import pty
import select
import sqlite3
import subprocess
import termios
import time
from typing import TYPE_CHECKING

import pytest
from ase.build import molecule
from projects import ROOT, make_project, run, snakemake

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = ROOT / ".venv-live/bin"
PATIENCE_S = 120
CTRL_Q = b"\x11"

pytestmark = [pytest.mark.workflow, pytest.mark.live]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run one job with the view on; return the folder in which snkmt keeps what it was told."""
    folder = tmp_path_factory.mktemp("live")
    config = {"levels": {"gfn2": {"engine": "xtb"}}, "relax": {"structures": ["methane"]}}
    project = make_project(folder / "project", config, {"clusters/methane.xyz": molecule("CH4")})
    _, *words = snakemake(project, "--cores", "1", "--logger", "snkmt", "--", "results/structures/methane.extxyz")
    done = run([str(PROGRAMS / "snakemake"), *words], XDG_DATA_HOME=str(folder))
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


def read_some(terminal: int) -> bytes:
    """Return what a terminal shows within a second; nothing once its program has ended."""
    if not select.select([terminal], [], [], 1)[0]:
        return b""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def test_a_run_is_seen_in_the_live_view(seen: Path) -> None:
    with sqlite3.connect(seen / "snkmt/snkmt.db") as view:
        assert view.execute("select status from workflows").fetchall() == [("SUCCESS",)]
        assert view.execute("select message, status from jobs").fetchall() == [("Build methane", "SUCCESS")]


def test_the_console_shows_the_run_in_a_terminal(seen: Path) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (48, 160))
    given = {name: word for name, word in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    with subprocess.Popen(
        # refreshed by itself, snkmt 0.4.0 stays empty where a refresh overtakes the first reading of a slow machine
        [PROGRAMS / "snkmt", "console", "--refresh-interval", "0"],
        env={**given, "XDG_DATA_HOME": str(seen), "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as console:
        os.close(theirs)
        try:
            shown, until = b"", time.monotonic() + PATIENCE_S
            while b"Success" not in shown:
                assert time.monotonic() < until, shown[-4000:]
                assert console.poll() is None, shown[-4000:]
                shown += read_some(ours)
            os.write(ours, CTRL_Q)
            until = time.monotonic() + PATIENCE_S
            while console.poll() is None:  # unread, the terminal fills up, and the console waits for it
                assert time.monotonic() < until, shown[-4000:]
                shown += read_some(ours)
            assert console.returncode == 0
        finally:
            console.kill()
            os.close(ours)
