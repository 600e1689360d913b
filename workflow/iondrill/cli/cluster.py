"""``iondrill cluster``: submit to PBS, SGE or LSF and ask how a job is, for Snakemake's executor cluster-generic.

A job leaves its exit status in a file of its own, so that nothing depends on what a scheduler remembers. A scheduler
that does not answer says nothing of the job: it counts as running.
"""

from __future__ import annotations

import math
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from iondrill.engines.external.launch import WALLTIME
from iondrill.errors import UserError
from iondrill.files import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

State = Literal["running", "success", "failed"]
FOLDER = Path(".snakemake/iondrill-cluster")
PATIENCE_S = 60
"""So long a job may be gone from the queue without its exit status being seen: network file systems lag."""
QUERY_S = 60


class Wish(NamedTuple):
    """What a job asks for: memory of all its cores together, and time."""

    cores: int
    mem_mb: int
    minutes: int


class Scheduler(NamedTuple):
    """How one kind of scheduler is spoken to.

    Attributes
    ----------
    command : callable
        Gives the command that submits, from wish, log file and script.
    query : sequence of str
        Asks for a job, whose number is put behind it.
    identifier : str
        A regular expression that finds the job's number in what the submission prints.
    ended : str
        One that is found in the answer to a query if the job is over, or not known any more.
    """

    command: Callable[[Wish, Path, Path], list[str]]
    query: Sequence[str]
    identifier: str
    ended: str


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"


def _pbs(wish: Wish, log: Path, script: Path) -> list[str]:
    select = f"select=1:ncpus={wish.cores}:mpiprocs={wish.cores}:mem={wish.mem_mb}mb"
    limits = ["-l", select, "-l", f"walltime={_clock(wish.minutes)}"]
    return ["qsub", "-V", "-N", "iondrill", "-j", "oe", "-o", str(log), *limits, str(script)]


def _sge(wish: Wish, log: Path, script: Path) -> list[str]:
    memory = f"h_vmem={math.ceil(wish.mem_mb / wish.cores)}M"  # of a slot
    limits = ["-l", f"h_rt={_clock(wish.minutes)},{memory}"]
    slots = ["-pe", "smp", str(wish.cores)] if wish.cores > 1 else []
    names = ["-N", "iondrill", "-j", "y", "-o", str(log)]
    return ["qsub", "-terse", "-V", "-cwd", "-S", "/bin/sh", *names, *limits, *slots, str(script)]


def _lsf(wish: Wish, log: Path, script: Path) -> list[str]:
    memory = ["-M", f"{wish.mem_mb}MB", "-R", f"rusage[mem={wish.mem_mb}MB] span[hosts=1]"]
    limits = ["-n", str(wish.cores), "-W", str(wish.minutes), *memory]
    return ["bsub", "-J", "iondrill", "-o", str(log), *limits, "/bin/sh", str(script)]


SCHEDULERS = {
    # a job that is over: OpenPBS says "Job has finished, use -x", or job_state F; Torque job_state C
    "pbs": Scheduler(
        _pbs, ("qstat", "-f"), r"^(\S+)", r"(?i)unknown job|has finished|\bjob_state = [FCX]\b|job not found"
    ),
    "sge": Scheduler(_sge, ("qstat", "-j"), r"^(\d+)", r"(?i)jobs? do(es)? not exist"),
    "lsf": Scheduler(_lsf, ("bjobs", "-noheader", "-o", "stat"), r"Job <(\d+)>", r"(?i)not found|^(DONE|EXIT|ZOMBI)\b"),
}


def find_scheduler() -> str:
    """Return which scheduler is on this machine.

    Raises
    ------
    UserError
        If there is none.
    """
    for name, program in (("lsf", "bsub"), ("sge", "qconf"), ("pbs", "qsub")):
        if shutil.which(program):
            return name
    raise UserError.of("cluster-generic", "neither bsub nor qsub is on the PATH", "needed: PBS, SGE or LSF")


def submit(scheduler: str, wish: Wish, extra: Sequence[str], jobscript: Path) -> str:
    """Submit Snakemake's job script; return the number of the job.

    Parameters
    ----------
    scheduler : str
        A key of `SCHEDULERS`.
    wish : Wish
        What to ask for.
    extra : sequence of str
        More words for the submitting command: queue, account.
    jobscript : Path
        From Snakemake.

    Raises
    ------
    UserError
        If the scheduler refuses the job.
    """
    system, folder = SCHEDULERS[scheduler], FOLDER.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / f"{jobscript.name}.{time.time_ns()}.sh"
    write_text(script, wrapper(jobscript, folder, 60 * wish.minutes))
    program, *words = system.command(wish, script.with_suffix(".log"), script)
    done = subprocess.run([program, *extra, *words], capture_output=True, text=True, check=False)
    found = re.search(system.identifier, done.stdout, re.MULTILINE)
    if done.returncode or not found:
        raise UserError.of(f"{program}: exit status {done.returncode}", (done.stderr or done.stdout).strip())
    return found.group(1)


def wrapper(jobscript: Path, folder: Path, seconds: int) -> str:
    """Return a script that passes its time limit to the job, runs it, and writes its exit status to a file."""
    return f"""\
#!/bin/sh
export {WALLTIME}={seconds}
/bin/sh {shlex.quote(str(jobscript.absolute()))}
status=$?
cd {shlex.quote(str(folder))} || exit 1
number="${{PBS_JOBID:-${{LSB_JOBID:-$JOB_ID}}}}"
echo $status > ".$number" && mv ".$number" "$number.exit"
exit $status
"""


def state(scheduler: str, number: str, now: float | None = None) -> State:
    """Return how a job is: by the exit status that it left, else by what the scheduler says."""
    left = FOLDER / f"{number}.exit"
    if left.exists():
        return "success" if left.read_text(encoding="utf-8").strip() == "0" else "failed"
    system, gone = SCHEDULERS[scheduler], FOLDER / f"{number}.gone"
    try:
        done = subprocess.run(
            [*system.query, number], capture_output=True, text=True, check=False, timeout=QUERY_S, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return "running"
    if not re.search(system.ended, done.stdout + done.stderr, re.MULTILINE):
        gone.unlink(missing_ok=True)
        return "running"
    now = time.time() if now is None else now
    if not gone.exists():
        write_text(gone, f"{now}\n")
    return "failed" if now - float(gone.read_text(encoding="utf-8")) > PATIENCE_S else "running"
