"""What every script of the workflow needs: a log, a light start, and no traceback for a user's mistake.

Scripts import it before the rest of the package: the import itself defers packages (`iondrill.deferred`). Nothing
else of `iondrill` changes the interpreter that imports it.
"""

from __future__ import annotations

import errno
import os
import resource
import sys
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from iondrill.deferred import install
from iondrill.engines.external.launch import END_TIME, WALLTIME
from iondrill.errors import MESSAGE_PREFIX, TOOK, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

install()
SUBMITTED = "IONDRILL_SUBMITTED"
"""What the workflow puts into the environment of a job that Snakemake has given to an executor elsewhere."""
KIB = 1024 if sys.platform == "linux" else 1
"""Bytes in the unit in which getrusage counts memory."""
FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def logged(path: str | Path, runtime_min: float | None = None) -> Iterator[None]:
    """Send what is printed to a log file; end with status 1 and the plain messages on a `UserError`.

    Parameters
    ----------
    path : str or Path
        The log file; an earlier one is replaced.
    runtime_min : float, optional
        The time that the job has asked its scheduler for, whichever that is: engines stop before it is over, unless the
        environment names another limit. Where Snakemake itself runs the job, it is ignored.
    """
    if runtime_min and END_TIME not in os.environ and SUBMITTED in os.environ:
        os.environ.setdefault(WALLTIME, f"{60 * runtime_min:.0f}")
    path, started_s = Path(path), time.perf_counter()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", buffering=1) as log:
        try:
            with redirect_stdout(log), redirect_stderr(log):
                yield
        except UserError as error:
            for stream in (log, sys.stderr):
                print(*(f"{MESSAGE_PREFIX}{problem}" for problem in error.problems), sep="\n", file=stream)
            sys.exit(1)
        except Exception as error:
            import traceback

            with suppress(OSError):  # no room for the log either
                traceback.print_exc(file=log)
            if isinstance(error, OSError) and error.errno in FULL:
                print(f"iondrill: {path}: the disk is full; make room and run it again", file=sys.stderr)
                sys.exit(1)
            raise
        finally:
            with suppress(OSError):
                print(_spent(time.perf_counter() - started_s), file=log)


def warn(text: str) -> None:
    """Print a message into the log of a script, and where Snakemake is watched."""
    for stream in (sys.stdout, sys.__stderr__):
        print(f"{MESSAGE_PREFIX}{text}", file=stream)


def all_converged(records: Iterable[str | Path]) -> bool:
    """Say whether all records are of jobs that converged; warn of those that did not, and so stop what follows them.

    Of one that was passed over nothing is said: what it waited for was warned of.
    """
    from iondrill.engines.base import read_result  # not every script reads records

    found = [(record, result) for record in records if (result := read_result(Path(record))).status != "converged"]
    for record, result in found:
        if result.status != "not_due":
            warn(f"{record} is {result.status}: {result.why}; nothing is made from it")
    return not found


def _spent(wall_s: float) -> str:
    """Return the time and memory of this process and of its ended children; `benchmarks/default_run.py` reads it."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_s = sum(one.ru_utime + one.ru_stime for one in used)
    memory_MB = max(_own_memory_MB(), used[1].ru_maxrss * KIB / 1e6)
    return f"{TOOK}{wall_s:.1f} s, {cpu_s:.1f} s of CPU time, at most {memory_MB:.0f} MB in one process"


def _own_memory_MB() -> float:
    """Return the peak memory of this process; that of getrusage may be of the process that started it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB / 1e6
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
