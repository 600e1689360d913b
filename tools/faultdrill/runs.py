"""A run of Snakemake in a project: start it, watch it, find its processes, and start it again until it is complete."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from iondrill.engines.external.launch import is_locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faultdrill.projects import Project
    from faultdrill.slurm import Slurm

ROOT = Path(__file__).parents[2]
SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))
LOCAL = ["--cores", "1"]
SUBMITTED = [
    "--workflow-profile",
    str(ROOT / "workflow/profiles/slurm"),
    "--slurm-no-account",
    "--slurm-status-command=squeue",
    "--slurm-init-seconds-before-status-checks=2",
    "--seconds-between-status-checks=2",
    "--latency-wait=10",
    "--default-resources",
    "mem_mb=500",
    "runtime=10",
]
CALCULATION = re.compile(r"scripts/\S*\.run_\w*\.py$|^\S*python[\d.]* \S*scripts/relax\.py ")
"""What the processes that compute have in their command lines."""
PATIENCE_S = 600
STARTS = 8


class Run:
    """A project in a folder, and the Snakemake that works on it.

    Parameters
    ----------
    project : Project
        Its kind.
    folder : Path
        Where it is.
    slurm : Slurm, optional
        Where its jobs are submitted to; by default they run here.
    """

    def __init__(self, project: Project, folder: Path, slurm: Slurm | None = None) -> None:
        self.project = project
        self.folder = folder
        self.slurm = slurm
        self.driver: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.by_hand: list[str] = []
        self.log = folder.with_name(f"{folder.name}.log")

    @property
    def executor(self) -> str:
        """Who runs the jobs."""
        return "Slurm" if self.slurm else "local"

    def start(self, **variables: str) -> None:
        """Start Snakemake."""
        environment = {**(self.slurm.environment if self.slurm else os.environ), "OMP_NUM_THREADS": "1", **variables}
        command = [SNAKEMAKE, *self.project.targets, "-s", str(ROOT / "Snakefile"), "-d", str(self.folder)]
        self.starts += 1
        with self.log.open("ab") as log:
            self._begins = log.tell()
            self.driver = subprocess.Popen(
                [*command, *(SUBMITTED if self.slurm else LOCAL)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def runs(self) -> bool:
        """Whether Snakemake is at work."""
        return self.driver is not None and self.driver.poll() is None

    @property
    def complete(self) -> bool:
        """Whether Snakemake has ended, with everything made."""
        return self.driver is not None and self.driver.poll() == 0

    @property
    def said(self) -> str:
        """What the last Snakemake said."""
        with self.log.open("rb") as log:
            log.seek(self._begins)
            return log.read().decode(errors="replace")

    def workers(self) -> list[psutil.Process]:
        """Return the processes that compute in this project."""
        return [process for process, line in self._processes() if CALCULATION.search(line)]

    def engines(self) -> list[psutil.Process]:
        """Return the programs that they have started."""
        return [child for worker in self.workers() for child in children(worker) if "cp2k" in name_of(child)]

    def _processes(self) -> Iterator[tuple[psutil.Process, str]]:
        """Yield the processes of this project with their command lines."""
        here = str(self.folder)
        for process in psutil.process_iter():
            try:
                if process.cwd().startswith(here):
                    yield process, " ".join(process.cmdline()).strip()
            except psutil.Error:
                continue

    def jobs(self) -> list[Path]:
        """Return the folders of the jobs that are being computed: their locks are taken."""
        locks = self.folder.glob("results/jobs/*/*/state/*/lock")
        return [lock.parents[2] for lock in locks if is_locked(lock)]

    def wait_for_jobs(self) -> bool:
        """Wait until something is computed; say whether it is, and not over."""
        return self.wait_for(self.jobs)

    def wait_for(self, event: Callable[[], Any], patience_s: float = PATIENCE_S) -> bool:
        """Wait for an event; say whether it came before Snakemake ended."""
        until = time.monotonic() + patience_s
        while not event():
            if not self.runs:
                return False
            if time.monotonic() > until:
                raise TimeoutError(f"{self.folder}: nothing is computed\n{self.said[-4000:]}")
            time.sleep(0.05)
        return True

    def wait(self) -> None:
        """Wait until Snakemake has ended."""
        assert self.driver is not None
        try:
            self.driver.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.folder}: Snakemake does not end\n{self.said[-4000:]}") from None

    def kill(self) -> None:
        """Kill Snakemake alone; its jobs continue."""
        if self.driver is not None and self.runs:
            self.driver.kill()
            self.driver.wait()

    def kill_all(self) -> None:
        """Kill Snakemake and its jobs, as when the machine goes down."""
        if self.driver is not None and self.runs:
            os.killpg(self.driver.pid, signal.SIGKILL)
            self.driver.wait()
        if self.slurm:
            self.slurm.command("scancel", "--signal=KILL", "--full", *self.slurm.jobs())
            self.slurm.command("scancel", "--user=root")
        for process, _ in self._processes():
            process.kill()
        self.wait_until_quiet()

    def wait_until_quiet(self) -> None:
        """Wait until no process of this project is left."""
        until = time.monotonic() + PATIENCE_S
        while list(self._processes()):
            assert time.monotonic() < until, [line for _, line in self._processes()]
            time.sleep(0.1)

    def to_the_end(self) -> None:
        """Start Snakemake again until all is made; do by hand only what it asks for.

        Raises
        ------
        RuntimeError
            If it does not come to an end.
        """
        for _ in range(STARTS):
            if not self.runs:
                self.start()
            self.wait()
            if self.complete:
                return
            self.do_as_told()
        raise RuntimeError(f"{self.folder}: not complete after {STARTS} more starts\n{self.said[-6000:]}")

    def start_again(self, **variables: str) -> None:
        """Start Snakemake, and once more if it asks for something first; return when something is computed."""
        self.start(**variables)
        if not self.wait_for_jobs() and not self.complete and self.do_as_told():
            self.start(**variables)
            self.wait_for_jobs()

    def unlock(self) -> None:
        """Take the lock of a killed Snakemake off the folder."""
        command = [SNAKEMAKE, "--unlock", "-s", str(ROOT / "Snakefile"), "-d", str(self.folder), "--cores", "1"]
        subprocess.run(command, check=True, capture_output=True)
        self.by_hand.append("unlocked")

    def do_as_told(self) -> bool:
        """Unlock the folder, or remove a damaged file, if the last Snakemake has asked for it; say whether."""
        before = len(self.by_hand)
        if "--unlock" in self.said:
            self.unlock()
        for name in dict.fromkeys(re.findall(r"iondrill: (\S+): .*(?:remove it|delete it)", self.said)):
            (self.folder / name).unlink(missing_ok=True)
            self.by_hand.append(f"removed {Path(name).name}")
        return len(self.by_hand) > before


def children(process: psutil.Process) -> list[psutil.Process]:
    """Return what a process has started, and what these have."""
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def name_of(process: psutil.Process) -> str:
    """Return the name of a process; nothing if it is gone."""
    try:
        return str(process.name())
    except psutil.Error:
        return ""
