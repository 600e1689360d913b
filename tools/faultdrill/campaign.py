"""A campaign: runs of each kind, by seeds, each struck by several faults and compared with one that was left alone."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from faultdrill.faults import FAULTS
from faultdrill.projects import PROJECTS, cycles
from faultdrill.runs import Run
from faultdrill.slurm import Slurm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PER_RUN = 9
"""Faults that a run suffers at most."""
LATEST_S = {"gfn2": 4.0, "pbe-d3": 8.0}
"""Up to so long after a job is seen at work, it is struck."""


@dataclass
class Outcome:
    """What became of a run.

    Attributes
    ----------
    faults : list
        Kind and details, in order.
    starts : int
        Of Snakemake.
    by_hand : list of str
        What it asked its user to do.
    extra_cycles : float
        SCF cycles computed in vain, by those of the undisturbed run.
    differences : list of str
        From the undisturbed run.
    """

    seed: int
    executor: str
    level: str
    faults: list[tuple[str, str]] = field(default_factory=list)
    starts: int = 0
    by_hand: list[str] = field(default_factory=list)
    extra_cycles: float = 0.0
    differences: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


class Campaign:
    """Runs in a folder.

    Parameters
    ----------
    folder : Path
        Empty; it becomes a file system of its own where this is allowed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._slurm: Slurm | None = None
        self._uninterrupted: dict[str, Path] = {}
        self._deck: dict[tuple[str, str], list[str]] = {}

    def __enter__(self) -> Self:
        self.own_disk = self._stack.enter_context(memory_disk(self.folder))
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def slurm(self) -> Slurm:
        """Return the Slurm of this campaign, brought up when it is first needed."""
        if self._slurm is None:
            folder = self.folder.with_name(f"{self.folder.name}-slurm")
            self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
            self._slurm = self._stack.enter_context(Slurm(folder))
        return self._slurm

    def uninterrupted(self, level: str) -> Path:
        """Return the project that nothing disturbs; it runs here, when it is first needed."""
        if level not in self._uninterrupted:
            run = Run(PROJECTS[level], PROJECTS[level].make(self.folder / f"uninterrupted-{level}"))
            run.start()
            run.wait()
            if not run.complete:
                raise RuntimeError(run.said[-4000:])
            self._uninterrupted[level] = run.folder
        return self._uninterrupted[level]

    def kinds(self, executor: str, level: str) -> list[str]:
        """Return the faults that a run may suffer."""
        possible = [
            name for name, fault in FAULTS.items() if executor in fault.where and PROJECTS[level].level in fault.levels
        ]
        return [name for name in possible if name != "disk full" or self.own_disk]

    def put_on_top(self, executor: str, level: str, kinds: Sequence[str]) -> None:
        """Let these kinds be drawn next, in this order."""
        self._deck.setdefault((executor, level), []).extend(reversed(kinds))

    def draw(self, chance: random.Random, executor: str, level: str) -> str:
        """Return a kind of fault: like cards, so that each comes before one comes again."""
        deck = self._deck.setdefault((executor, level), [])
        if not deck:
            deck += self.kinds(executor, level)
            chance.shuffle(deck)
            deck.sort(key=lambda kind: len(FAULTS[kind].levels) == 1)  # what only this level suffers comes first
        return deck.pop()

    def strike(
        self, executor: str, level: str, wanted: int, first_seed: int, n_per_run: int = PER_RUN
    ) -> Iterator[Outcome]:
        """Strike runs until so many faults are done, or as many runs; yield what became of each."""
        done = 0
        for seed in range(first_seed, first_seed + wanted):
            if done >= wanted:
                return
            outcome = self.run(seed, executor, level, min(n_per_run, wanted - done))
            done += len(outcome.faults)
            ending = "; ".join(outcome.differences) or "as if nothing had happened"
            print(f"{executor} {level} seed {outcome.seed}: {len(outcome.faults)} faults: {ending}", flush=True)
            yield outcome

    def run(self, seed: int, executor: str, level: str, n_faults: int) -> Outcome:
        """Run a project, strike it up to `n_faults` times, bring it to its end and compare it."""
        uninterrupted, started = self.uninterrupted(level), time.monotonic()
        project, chance = PROJECTS[level], random.Random(f"{seed} {executor} {level}")
        folder = self.folder / f"{level}-{executor}-{seed}"
        run = Run(project, project.make(folder), self.slurm() if executor == "Slurm" else None)
        outcome = Outcome(seed, executor, level)
        try:
            while len(outcome.faults) < n_faults and self._strike(run, chance, outcome):
                pass
            run.to_the_end()
            outcome.differences = project.differences(folder, uninterrupted)
        except (TimeoutError, RuntimeError) as error:
            outcome.differences = [f"not complete: {error}"]
        finally:
            run.kill_all()
        outcome.starts, outcome.by_hand = run.starts, run.by_hand
        if not outcome.differences:
            outcome.extra_cycles = cycles(folder) / cycles(uninterrupted) - 1
            shutil.rmtree(folder)
        outcome.seconds = time.monotonic() - started
        return outcome

    def _strike(self, run: Run, chance: random.Random, outcome: Outcome) -> bool:
        """Strike a run at a random moment; say whether there is still something to strike."""
        if not run.runs:
            run.start_again()
        if not run.wait_for_jobs():
            run.do_as_told()
            return not run.complete
        time.sleep(chance.uniform(0, LATEST_S[run.project.level]))
        if not run.jobs():
            return not run.complete
        kind = self.draw(chance, outcome.executor, outcome.level)
        if what := FAULTS[kind].strike(run, chance):
            outcome.faults.append((kind, what))
            print(f"  {run.folder.name}: {kind}: {what}", flush=True)
        else:
            self._deck[outcome.executor, outcome.level].insert(0, kind)
        return True


@contextmanager
def memory_disk(folder: Path) -> Iterator[bool]:
    """Make a folder a small file system of its own, if we may; say whether it is."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(folder)]
    own = False
    with suppress(OSError):
        own = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield own
    finally:
        if own:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)


def campaign(
    folder: Path, plan: Sequence[tuple[str, str, int]], first_seed: int, n_per_run: int = PER_RUN
) -> Iterator[Outcome]:
    """Strike until so many faults are done with each executor and level; yield what became of every run."""
    with Campaign(folder) as drill:
        for executor, level, wanted in plan:
            yield from drill.strike(executor, level, wanted, first_seed, n_per_run)


def failures(outcomes: list[Outcome]) -> list[Outcome]:
    """Return the runs that did not end as the undisturbed one."""
    return [outcome for outcome in outcomes if outcome.differences]
