"""Run a module's tests with the module changed: in a fork of a process that has the heavy libraries already."""

from __future__ import annotations

import compileall
import contextlib
import gc
import importlib
import io
import json
import os
import py_compile
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workflow"
ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "PYTHONDONTWRITEBYTECODE": "1",
}
LONGEST_S = 600.0


@dataclass(frozen=True)
class Outcome:
    """What the tests made of a version: ``passed``, ``failed`` or ``late``, and after which time."""

    word: str
    wall_s: float


@dataclass(frozen=True)
class Unchanged:
    """What the tests of a module do without a change.

    Parameters
    ----------
    word, wall_s : str, float
        As in `Outcome`.
    said : str
        The end of their output.
    seconds : dict of str to float
        How long each test took, the shortest first.
    passing : dict of int to list of str
        Which tests came by a line of the module.
    """

    word: str
    wall_s: float
    said: str
    seconds: dict[str, float]
    passing: dict[int, list[str]]

    def by_line(self, line: int) -> tuple[list[str], list[str]]:
        """Return the tests that come by a line, and the others."""
        first = [name for name in self.seconds if name in self.passing.get(line, ())]
        return first, [name for name in self.seconds if name not in first]


class Recorder:
    """A plugin of pytest: how long each test takes, and by which lines of a file it comes."""

    def __init__(self, file: Path) -> None:
        import coverage

        self.file = file
        self.seconds: dict[str, float] = {}
        self.coverage = coverage.Coverage(data_file=None, include=[str(file)], config_file=False)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration

    def found(self) -> dict[str, object]:
        """Return both; lines that run at import only, and what one test leaves for others, are nobody's."""
        lines = self.coverage.get_data().contexts_by_lineno(str(self.file))
        seconds = dict(sorted(self.seconds.items(), key=lambda item: item[1]))
        return {
            "seconds": seconds,
            "passing": {line: [name for name in names if name] for line, names in lines.items()},
        }


class Bench:
    """A copy of the package in which one module at a time is another; used by one process.

    Parameters
    ----------
    folder : path
        An empty one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(PACKAGE, folder / "workflow", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(folder / "workflow/iondrill", quiet=1, invalidation_mode=unchecked)

    def unchanged(self, module: str, code: str, tests: list[str], seed: int) -> Unchanged:
        """Run all tests as in `run` without a change, and note which come by which line."""
        file = self.folder / "workflow/iondrill" / module
        outcome = self.run(
            module, code, [f"tests/{test}" for test in tests], limit_s=LONGEST_S, seed=seed, recorder=Recorder(file)
        )
        said = (self.folder / "output.txt").read_text(encoding="utf-8")[-2000:]
        if outcome.word != "passed":
            return Unchanged(outcome.word, outcome.wall_s, said, {}, {})
        found = json.loads((self.folder / "found.json").read_text(encoding="utf-8"))
        passing = {int(line): names for line, names in found["passing"].items()}
        return Unchanged(outcome.word, outcome.wall_s, said, found["seconds"], passing)

    def run(
        self, module: str, code: str, tests: list[str], *, limit_s: float, seed: int, recorder: Recorder | None = None
    ) -> Outcome:
        """Run tests, until the first that fails, with other code in a module; every file of theirs stays in the bench.

        Parameters
        ----------
        module : str
            Its path below the package.
        code : str
            All of it.
        tests : list of str
            Files, or single ones, as pytest names them.
        limit_s : float
            The tests are ended after so long.
        seed : int
            Of the tests that choose their cases at random.
        recorder : Recorder, optional
            Watches, and leaves what it found in the bench.
        """
        file = self.folder / "workflow/iondrill" / module
        right = file.read_bytes()
        for compiled in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
            compiled.unlink()
        file.write_text(code, encoding="utf-8")
        started = time.monotonic()
        try:
            pid = os.fork()
            if pid == 0:
                self._child(tests, seed, recorder)
            word = {0: "passed", None: "late"}.get(_wait(pid, started + limit_s), "failed")
        finally:
            file.write_bytes(right)
        return Outcome(word, time.monotonic() - started)

    def _child(self, tests: list[str], seed: int, recorder: Recorder | None) -> None:
        status = 1
        with contextlib.suppress(BaseException):
            os.setsid()
            scratch = self.folder / "scratch"
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            output = os.open(self.folder / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.chdir(ROOT)
            package = str(self.folder / "workflow")
            os.environ |= ENVIRONMENT | {"PYTHONPATH": package, "TMPDIR": str(scratch)}
            sys.path.insert(0, package)
            sys.dont_write_bytecode = True
            import pytest

            quiet = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--basetemp={scratch / 'pytest'}"]
            random = ["--hypothesis-profile=mutants", f"--hypothesis-seed={seed}"]
            if recorder:
                recorder.coverage.start()
            status = int(pytest.main([*quiet, *random, *tests], plugins=[recorder] if recorder else []))
            if recorder:
                recorder.coverage.stop()
                (self.folder / "found.json").write_text(json.dumps(recorder.found()), encoding="utf-8")
        sys.stdout.flush()
        os._exit(status)


def prepare(heavy: list[str]) -> None:
    """Import libraries that tests need, once; nothing of this project's, which each trial has its own of."""
    os.environ |= ENVIRONMENT
    for name in heavy:
        importlib.import_module(name)
    import pytest
    from hypothesis import Phase, settings

    # the plugins of pytest, by collecting nothing
    with tempfile.TemporaryDirectory() as empty, contextlib.redirect_stdout(io.StringIO()):
        pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", f"--rootdir={empty}", empty])
    # of a failing example, any will do
    settings.register_profile("mutants", deadline=None, database=None, phases=[Phase.explicit, Phase.generate])
    # what is here for good need not be looked at again in each trial
    gc.collect()
    gc.freeze()


def _wait(pid: int, until: float) -> int | None:
    """Return the status of a child; None if it was still at work, and then all that it started is ended."""
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None
