"""Try mutants, several at a time, and say what became of each."""

from __future__ import annotations

import multiprocessing
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mutants.sample import data
from mutants.trial import Bench, Unchanged, prepare

if TYPE_CHECKING:
    from mutants.mutate import Mutant
    from mutants.sample import Module

SPARE_S = 20.0
SPARE = 4.0
"""Tests may take so many times as long as without a change, and so many seconds more."""
_bench: Bench


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: ``survived``, ``killed`` or ``killed late``, by the limit of time."""

    module: str
    line: int
    diff: tuple[str, ...]
    word: str

    @property
    def survived(self) -> bool:
        """Whether no test noticed."""
        return self.word == "survived"

    def __str__(self) -> str:
        """Return where, and what was changed."""
        return "\n".join([f"workflow/iondrill/{self.module}:{self.line}", *self.diff])


def verdicts(chosen: list[tuple[Module, Mutant]], seed: int, workers: int) -> list[Verdict]:
    """Try mutants; tell of each as it comes.

    Parameters
    ----------
    chosen : list of (Module, Mutant)
        What to try.
    seed : int
        Of the tests that choose their cases at random.
    workers : int
        Processes.

    Raises
    ------
    SystemExit
        If a module has no tests, or they fail without any change.
    """
    some = list(dict.fromkeys(module for module, _ in chosen))
    if missing := [module.name for module in some if not module.tests]:
        raise SystemExit(f"no tests are named for {', '.join(missing)}: see tools/mutants/modules.yaml")
    prepare(data()["libraries"])
    with tempfile.TemporaryDirectory(prefix="iondrill-mutants-", ignore_cleanup_errors=True) as folder:
        context = multiprocessing.get_context("fork")
        with context.Pool(workers, _open_bench, (folder,)) as pool:
            unchanged = {}
            for module, found in zip(some, pool.imap(partial(_unchanged, seed=seed), some), strict=True):
                if found.word != "passed":
                    raise SystemExit(f"the tests of {module.name} fail as it is:\n{found.said}")
                unchanged[module] = found
                print(f"{module.name}: its tests take {found.wall_s:.0f} s", flush=True)
            done: list[Verdict] = []
            tasks = [(module, mutant, unchanged[module]) for module, mutant in chosen]
            for verdict in pool.imap(partial(_try, seed=seed), tasks):
                done.append(verdict)
                where = str(verdict) if verdict.survived else f"{verdict.module}:{verdict.line}"
                print(f"{len(done)} of {len(tasks)} {verdict.word}: {where}", flush=True)
    return done


def _open_bench(folder: str) -> None:
    global _bench  # noqa: PLW0603 -- each process of the pool has its own
    _bench = Bench(Path(tempfile.mkdtemp(dir=folder)))


def _unchanged(module: Module, seed: int) -> Unchanged:
    return _bench.unchanged(module.name, module.source, list(module.tests), seed)


def _try(task: tuple[Module, Mutant, Unchanged], seed: int) -> Verdict:
    """First run the tests that come by the changed position, then, if none fails, the module's others."""
    module, mutant, unchanged = task
    limit_s = SPARE_S + SPARE * unchanged.wall_s
    first, rest = unchanged.by_line(mutant.position[0])
    word = "survived"
    for tests in (first, rest):
        if tests and word == "survived":
            outcome = _bench.run(module.name, mutant.code, tests, limit_s=limit_s, seed=seed)
            word = {"passed": "survived", "late": "killed late"}.get(outcome.word, "killed")
    return Verdict(module.name, mutant.position[0], tuple(mutant.diff), word)
