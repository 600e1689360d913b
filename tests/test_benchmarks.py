"""The benchmarks run: the cheap ones once and small, and the page that is written says what falls short."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"


WITH_CP2K = [pytest.param("elf_slice", marks=pytest.mark.cp2k)]


@pytest.mark.parametrize("name", ["adsorption_sites", "cube_reading", "elf_grid", *WITH_CP2K])
def test_a_benchmark_runs(name):
    words = [sys.executable, FOLDER / f"{name}.py", "--quick"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "wanted ≥" in done.stdout


def test_a_row_below_its_figure_says_so(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import frame
    import table

    pairs = [(frame.Cost(1.0, 2.0), frame.Cost(theirs, theirs)) for theirs in (2.0, 4.0, 3.0)]
    short = frame.compare("reading", "others", pairs, wanted=5)
    assert short.ratio == (3.0, 2.0, 4.0)
    assert short.wall_ratio == 1.5
    assert short.met is False
    assert "| **short** |" in " | ".join(["", *table.cells(short), ""])
    assert frame.compare("reading", "others", pairs, wanted=3).met
    assert frame.Row("start", "a limit", "s", ours=0.2, wanted=0.3).met


def test_the_exponent_of_a_power_law_is_found(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import frame

    curve = frame.Growth("work", "atoms", [1.0, 10.0, 100.0], [2.0, 2 * 10**2.5, 2 * 10**5.0])
    assert curve.exponent == pytest.approx(2.5)
