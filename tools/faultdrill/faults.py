"""The faults: what goes wrong on machines and clusters, done to a run on purpose.

Each takes a run and a source of chance. It returns in words what it did, or nothing if there was nothing to hit.
"""

from __future__ import annotations

import fcntl
import resource
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from faultdrill.runs import Run

    Strike = Callable[[Run, random.Random], str]


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Attributes
    ----------
    strike : callable
        Does it to a run whose jobs are being computed.
    meaning : str
        What happens in life.
    where : set of str
        The executors it is for.
    levels : set of str
        The levels it is for.
    """

    strike: Strike
    meaning: str
    where: frozenset[str] = frozenset({"local", "Slurm"})
    levels: frozenset[str] = frozenset({"gfn2", "pbe-d3"})


def signal_workers(run: Run, number: signal.Signals, *, engine: bool = False) -> str:
    """Send a signal to one of the processes that compute."""
    for process in run.engines() if engine else run.workers():
        with suppress(psutil.Error):
            process.send_signal(number)
            return f"{number.name} to {'the engine' if engine else 'a job'}"
    return ""


def kill_job(run: Run, _: random.Random) -> str:
    """Kill the process of a job."""
    return signal_workers(run, signal.SIGKILL)


def kill_engine(run: Run, _: random.Random) -> str:
    """Kill the program that a job has started."""
    return signal_workers(run, signal.SIGKILL, engine=True)


def ask_job_to_stop(run: Run, chance: random.Random) -> str:
    """Send a job one of the signals that schedulers send before they kill."""
    return signal_workers(run, chance.choice([signal.SIGTERM, signal.SIGUSR1]))


def kill_driver(run: Run, _: random.Random) -> str:
    """Kill Snakemake; its jobs continue, and it is started again at once."""
    run.kill()
    left = len(run.workers())
    run.unlock()
    run.start()
    return f"Snakemake killed, {left} jobs left running"


def kill_all(run: Run, _: random.Random) -> str:
    """Kill everything at once."""
    run.kill_all()
    return "everything killed"


def exit_file(run: Run, chance: random.Random) -> str:
    """Make a file EXIT in the folder of a job."""
    jobs = run.jobs()
    if jobs:
        (chance.choice(jobs) / "EXIT").touch()
    return "EXIT" if jobs else ""


def wall_time(run: Run, chance: random.Random) -> str:
    """Give the jobs a few seconds; when one was stopped, start again without a limit."""
    run.kill_all()
    seconds = chance.uniform(2, 6) if run.project.level == "gfn2" else chance.uniform(8, 12)
    run.start_again(IONDRILL_WALLTIME_s=f"{seconds:.1f}")
    if run.wait_for(lambda: "stopped at the wall time" in run.said):
        run.kill_all()  # or retries would continue with as little time
    return f"{seconds:.1f} s for each job"


def full_disk(run: Run, chance: random.Random) -> str:
    """Fill the file system of the project for some seconds; it is one of its own."""
    filler = run.folder / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            with suppress(OSError):
                while file.write(b"\0" * 2**20):
                    pass
            with suppress(OSError):
                while file.write(b"\0"):
                    pass
        time.sleep(seconds := chance.uniform(2, 6))
    finally:
        filler.unlink()
    return f"no byte left for {seconds:.1f} s"


def file_limit(run: Run, chance: random.Random) -> str:
    """Let the process of a job write no file longer than what some of its files are already."""
    for process in run.workers():
        with suppress(psutil.Error, ProcessLookupError):
            limit = chance.choice([0, 512, 4096])
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
            return f"RLIMIT_FSIZE {limit}"
    return ""


def late_file(run: Run, chance: random.Random) -> str:
    """Let the next file that a job publishes be seen only after some seconds, as over NFS."""
    names = ("result.json", "relaxed.extxyz", "last.extxyz", "adsorption.csv", "trajectory.traj")

    def published() -> list[Path]:
        return [path for name in names for path in run.folder.glob(f"results/**/{name}")]

    before = {path: path.stat().st_mtime_ns for path in published()}

    def new() -> list[Path]:
        with suppress(OSError):
            return [path for path in published() if before.get(path) != path.stat().st_mtime_ns]
        return []

    if not run.wait_for(new):
        return ""
    late = chance.choice(new())
    hidden = late.with_name(".late")
    with suppress(FileNotFoundError):
        late.rename(hidden)
        time.sleep(seconds := chance.uniform(1, 4))
        if not late.exists():
            hidden.rename(late)
        hidden.unlink(missing_ok=True)
        return f"{late.name} seen {seconds:.1f} s late"
    return ""


def cut_file(run: Run, chance: random.Random) -> str:
    """Kill everything, and cut a file that was being written, or one that was done."""
    run.kill_all()
    kinds = ["results/jobs/*/*/state/**/*", "results/jobs/*/*/*.*", "results/md/*/trajectory.traj"]
    files = [
        path
        for kind in kinds
        for path in sorted(run.folder.glob(kind))
        if path.is_file() and path.name not in {"lock", "turn", "job.json", "structure.extxyz"}
    ]
    if not files:
        return ""
    victim = chance.choice(files)
    size = victim.stat().st_size
    left = chance.choice([0, size // 2, max(size - 7, 0)])
    with victim.open("r+b") as file:
        file.truncate(left)
    return f"{victim.name} cut to {left} of {size} bytes"


def held_lock(run: Run, chance: random.Random) -> str:
    """Kill everything, and let the lock of a job be held, by a process of another machine as it were."""
    jobs = run.jobs()
    run.kill_all()
    locks = [lock for job in jobs for lock in job.glob("state/*/lock")]
    if not locks:
        return ""
    seconds = chance.choice([5, 30])
    with chance.choice(locks).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        run.unlock()
        run.start()
        run.wait_for(run.workers)
        until = time.monotonic() + seconds
        while time.monotonic() < until and run.runs:
            time.sleep(0.2)
    return f"the lock of a job held for {seconds} s"


# --- of the scheduler -------------------------------------------------------------------------------------------


def cancel(run: Run, chance: random.Random) -> str:
    """Cancel a job."""
    assert run.slurm is not None
    if not (jobs := run.slurm.jobs()):
        return ""
    run.slurm.command("scancel", chance.choice(jobs))
    return "scancel"


def requeue(run: Run, chance: random.Random) -> str:
    """Preempt a job: Slurm itself puts it back into the queue."""
    assert run.slurm is not None
    if not (jobs := run.slurm.jobs()):
        return ""
    run.slurm.command("scontrol", "requeue", chance.choice(jobs))
    return "requeued"


def drain(run: Run, chance: random.Random) -> str:
    """Drain a node for some seconds: what runs continues, nothing is started there."""
    return f"drained for {_out_of_service(run, 'DRAIN', chance, chance.uniform(5, 12)):.0f} s"


def down(run: Run, chance: random.Random) -> str:
    """Let a node fail: its jobs end, and Slurm starts them again on the other."""
    return f"down for {_out_of_service(run, 'DOWN', chance, chance.uniform(2, 6)):.0f} s"


def _out_of_service(run: Run, state: str, chance: random.Random, seconds: float) -> float:
    """Put a node that computes into a state, and back into service after some seconds; return them."""
    assert run.slurm is not None
    node = f"NodeName={chance.choice(run.slurm.busy_nodes())}"
    run.slurm.command("scontrol", "update", node, f"State={state}", "Reason=drill")
    time.sleep(seconds)
    run.slurm.command("scontrol", "update", node, "State=RESUME")
    return seconds


def kill_node_daemon(run: Run, chance: random.Random) -> str:
    """Kill the daemon of a node that computes, and start it again."""
    assert run.slurm is not None
    node = chance.choice(run.slurm.busy_nodes())
    run.slurm.stop(node, signal.SIGKILL)
    time.sleep(seconds := chance.uniform(2, 8))
    run.slurm.start(node)
    return f"no slurmd for {seconds:.0f} s"


def silent_controller(run: Run, chance: random.Random) -> str:
    """Let slurmctld not answer for a while."""
    assert run.slurm is not None
    run.slurm.signal("slurmctld", signal.SIGSTOP)
    time.sleep(seconds := chance.choice([15, 30, 65]))
    run.slurm.signal("slurmctld", signal.SIGCONT)
    return f"no answer for {seconds} s"


def time_limit(run: Run, _: random.Random) -> str:
    """Let a job hang until Slurm's own time limit ends it."""
    assert run.slurm is not None
    for job in run.slurm.jobs():
        run.slurm.command("scontrol", "update", f"JobId={job}", "TimeLimit=1")
    hung = signal_workers(run, signal.SIGSTOP)
    if hung:
        jobs = run.slurm.jobs()
        run.wait_for(lambda: not set(jobs) <= set(run.slurm.jobs()), 150)
    return "hung until its time limit" if hung else ""


HERE, THERE = frozenset({"local"}), frozenset({"Slurm"})
FAULTS: dict[str, Fault] = {
    "job killed": Fault(kill_job, "out of memory; an operator"),
    "engine killed": Fault(kill_engine, "the engine crashes", levels=frozenset({"pbe-d3"})),
    "job told to stop": Fault(ask_job_to_stop, "SIGTERM or SIGUSR1 ahead of a kill"),
    "driver killed": Fault(kill_driver, "the session on the login node ends; started again while jobs run"),
    "everything killed": Fault(kill_all, "the machine goes down"),
    "EXIT file": Fault(exit_file, "the user asks the job to stop"),
    "wall time": Fault(wall_time, "the jobs' time is over"),
    "disk full": Fault(full_disk, "no byte can be written for a while"),
    "file too large": Fault(file_limit, "a quota, by RLIMIT_FSIZE"),
    "late file": Fault(late_file, "a network file system lags behind"),
    "cut file": Fault(cut_file, "a crash of the file system, after everything was killed"),
    "lock held": Fault(held_lock, "another process works in the job's folder"),
    "scancel": Fault(cancel, "the user or an operator cancels a job", THERE),
    "requeued": Fault(requeue, "preemption", THERE),
    "node drained": Fault(drain, "maintenance", THERE),
    "node down": Fault(down, "the node fails", THERE),
    "slurmd killed": Fault(kill_node_daemon, "the node's daemon crashes", THERE),
    "controller silent": Fault(silent_controller, "slurmctld does not answer", THERE),
    "time limit": Fault(time_limit, "a job hangs until the scheduler kills it", THERE),
}
SLOW = {"time limit", "controller silent"}
