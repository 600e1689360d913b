"""Start a program in a process group of its own, stop it softly, and never touch another's."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Self

from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType, TracebackType

SOFT = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
PATIENCE_S = 20.0
"""That a program has to end when asked to; also how long another run is waited for where no time limit is known."""
MARGIN_S = 600.0
"""Largest part of the time limit that is kept for the last step and its files; at most a tenth of the limit."""
WALLTIME, END_TIME, LOCK_WAIT = "IONDRILL_WALLTIME_s", "SLURM_JOB_END_TIME", "IONDRILL_LOCK_WAIT_s"
PR_SET_PDEATHSIG = 1
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Of each MPI rank: Snakemake sets these to the cores of the whole job. A launcher may set others: ``env NAME=…``."""


def deadline_s() -> float | None:
    """Return when this process must have ended, on the clock of `time.time`; None for no limit.

    ``IONDRILL_WALLTIME_s`` counts from now; Slurm's ``SLURM_JOB_END_TIME`` is a time of day.

    Raises
    ------
    UserError
        If a value is not a positive number.
    """
    for name, start in ((WALLTIME, time.time()), (END_TIME, 0.0)):
        if (seconds := _seconds(name)) is not None:
            return start + seconds
    return None


def _seconds(name: str) -> float | None:
    """Return the seconds that an environment variable holds; None if it is not set."""
    if not (word := os.environ.get(name, "").strip()):
        return None
    if not word.replace(".", "", 1).isdecimal() or float(word) <= 0:
        raise UserError.of(f"environment variable {name}", f"found '{word}'", "allowed: seconds, more than 0")
    return float(word)


def less_margin(left_s: float) -> float:
    """Return the seconds that a job may work on, of those up to its time limit."""
    return left_s - min(MARGIN_S, 0.1 * left_s)


def patience_s() -> float:
    """Return how long to wait for another run of the same job.

    A job with a time limit waits as long as it could work: a copy that gives up earlier, because a killed driver's job
    still runs, costs one of the attempts that Snakemake allows, and another wait in the queue. A person does not wait.
    """
    if (asked_s := _seconds(LOCK_WAIT)) is not None:
        return asked_s
    deadline = deadline_s()
    return PATIENCE_S if deadline is None else max(less_margin(deadline - time.time()), 0.0)


@contextmanager
def only_one(path: Path) -> Iterator[IO[str]]:
    """Lock a folder for this process, and the program that inherits the file.

    The lock lasts as long as either lives: a program that outlived its killed parent is not run twice.

    Raises
    ------
    UserError
        If another run holds the lock, and keeps it for longer than `patience_s`.
    """
    with path.open("a+", encoding="utf-8") as file:
        if not _lock(file):
            _wait(file, path)
        yield file


def _wait(file: IO[str], path: Path) -> None:
    """Wait until a file can be locked; what a time limit that counts from now leaves is less by then."""
    began, patience = time.monotonic(), patience_s()
    print(f"another run works in {path.parent}: waiting for it, {patience:.0f} s at most")
    while not _lock(file):
        if time.monotonic() - began > patience:
            raise UserError.of(path.parent, "another run works in this folder", "wait for it, or end it")
        time.sleep(0.2)
    if (limit_s := _seconds(WALLTIME)) is not None:
        os.environ[WALLTIME] = f"{max(limit_s - (time.monotonic() - began), 0.001):.3f}"


def _lock(file: IO[str]) -> bool:
    """Try to lock a file; on a file system without locks it counts as locked."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def is_locked(path: Path) -> bool | None:
    """Say whether a process works in a folder, by the lock file of `only_one`; None where locks do not tell."""
    try:
        with path.open("r", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


class Signals:
    """While this is entered, a signal to stop is noted and does not end the process.

    Attributes
    ----------
    count : int
        Signals received: the first asks for a soft stop, the second for a quick one.
    """

    def __init__(self) -> None:
        self.count = 0
        self.name = ""

    def _note(self, number: int, _: FrameType | None) -> None:
        self.count += 1
        self.name = signal.Signals(number).name

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        self._former = {number: signal.signal(number, self._note) for number in SOFT} if main else {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)


def allocation() -> dict[str, str]:
    """Return Slurm's variables of the job that this process belongs to, as far as it does not have them itself.

    Snakemake's executor for Slurm keeps all but the job's number from what it starts. MPI needs the rest to know its
    nodes and cores; a process further up still has it.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job is None or "SLURM_JOB_NODELIST" in os.environ:
        return {}
    import psutil  # in Slurm's jobs only

    for process in psutil.Process().parents():
        with suppress(psutil.Error):
            variables = process.environ()
            if variables.get("SLURM_JOB_ID") == job and "SLURM_JOB_NODELIST" in variables:
                return {name: word for name, word in variables.items() if name.startswith("SLURM_")}
    return {}


def _die_with_parent() -> None:
    """Ask the kernel to end the program when this process is killed (Linux; prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Program:
    """A running program.

    Parameters
    ----------
    command : sequence of str
        Launcher, program and arguments.
    folder : Path
        Where it runs.
    said : Path
        Takes its standard output and error.
    lock : file
        Inherited: see `only_one`.

    Raises
    ------
    UserError
        If it cannot be started.
    """

    def __init__(self, command: Sequence[str], folder: Path, said: Path, lock: IO[str]) -> None:
        with said.open("w", encoding="utf-8") as output:
            try:
                self._process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env={**allocation(), **os.environ, **ONE_THREAD},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=(lock.fileno(),),
                    preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  (calls prctl only)
                )
            except OSError as error:
                raise UserError.of(folder, f"cannot start {command[0]}: {error.strerror}") from None

    @property
    def status(self) -> int | None:
        """Exit status, minus the signal; None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> bool:
        """Wait; say whether the program has ended."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self) -> None:
        """End the program and what it started: politely, then not."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            # not reaped yet, so that its number is still that of its own group
            if self.status is None:
                os.killpg(self._process.pid, number)
                self.wait(PATIENCE_S)
