"""Random mutations of the shipped configurations: the tool says the same each time, and finds nothing."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import try_configurations as tool  # noqa: E402


def test_a_mutant_follows_from_its_seed_and_number(tmp_path):
    texts = tool.shipped()
    assert {"config.yaml", "paper.yaml"} <= set(texts)
    first, again, other = (tool.mutant(seed, 7, texts, tmp_path / "canary") for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len({tool.mutant(1, number, texts, tmp_path)[0] for number in range(50)}) > 40


def test_no_mutant_ends_in_a_traceback_and_none_is_executed():
    done = subprocess.run(
        [sys.executable, tool.__file__, "--count", "30", "--seed", "20"],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 faults" in done.stdout


def executes(_: Path, canary: Path) -> None:
    canary.touch()


def starts(_: Path, __: Path) -> None:
    subprocess.run(["true"], check=True)


def writes(path: Path, _: Path) -> None:
    (path.parents[1] / "elsewhere").write_text("x")


def breaks(_: Path, __: Path) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("does", "fault"),
    [(executes, "executed"), (starts, "subprocess.Popen"), (writes, "writes"), (breaks, "ZeroDivisionError")],
)
def test_the_tool_sees_what_must_not_be(tmp_path, monkeypatch, does, fault):
    folder = tmp_path / "mutants"
    folder.mkdir()
    path, canary = folder / "mutant.yaml", folder / "canary"
    path.write_text("title: x\n")
    watch = tool.Watch(folder)
    monkeypatch.setattr(tool, "check", lambda *files: does(files[0], canary) or SimpleNamespace(elements={}))
    assert fault in tool.judge([path], watch, canary).fault
