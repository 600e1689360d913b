"""What a job was made from decides, not a date; and what a finished run leaves is missed when it is gone."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ase.build import molecule
from projects import make_project, run, snakemake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.workflow

CONFIG: dict[str, Any] = {
    "levels": {"gfn2": {"engine": "xtb"}},
    "relax": {"structures": ["methane"], "fmax_eV_A": 0.1},
}
OLD = 946_684_800
"""The first second of the year 2000."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run a project of one relaxation to its end."""
    folder = tmp_path_factory.mktemp("digests") / "project"
    folder.mkdir()
    project = make_project(folder, CONFIG, {"clusters/methane.xyz": molecule("CH4")})
    done = run(snakemake(project, "--cores", "1"))
    assert done.returncode == 0, done.stderr[-4000:]
    return project


@pytest.fixture
def project(finished: Path) -> Iterator[Path]:
    """Return the finished project, and put back what a test has changed, dates included."""
    kept = finished.with_name("kept")
    shutil.copytree(finished, kept, symlinks=True)
    yield finished
    shutil.rmtree(finished)
    kept.rename(finished)


def planned(project: Path, *more: str) -> str:
    """Return what a dry run says; it must be none of the project's files that it writes."""
    before = {path: path.stat().st_mtime_ns for path in (project / "results").rglob("*")}
    done = run(snakemake(project, "-n", *more))
    assert done.returncode == 0, done.stderr[-4000:]
    assert {path: path.stat().st_mtime_ns for path in (project / "results").rglob("*")} == before
    return done.stdout + done.stderr


def replace_with_older(path: Path, text: str) -> None:
    """Put another content into a file, dated before all that was made from it, as `cp -p` and `rsync -a` do."""
    assert path.read_text() != text
    path.write_text(text)
    os.utime(path, (OLD, OLD))


def moved(text: str) -> str:
    """Return the text of a structure file with another last coordinate."""
    *before, last = text.rstrip().split("\n")
    return "\n".join([*before, re.sub(r"\.(\d)", lambda found: f".{(int(found[1]) + 1) % 10}", last, count=1)]) + "\n"


def test_new_dates_alone_recompute_nothing(project: Path) -> None:
    for path in [project / "config.yaml", *(project / "structures").rglob("*.xyz"), *(project / "results").rglob("*")]:
        if path.is_file():
            os.utime(path)
    assert "Nothing to be done" in planned(project)


def test_older_files_with_another_content_are_seen(project: Path) -> None:
    recipe = project / "structures/clusters/methane.xyz"
    replace_with_older(recipe, moved(recipe.read_text()))
    said = planned(project)
    assert "Build methane" in said
    assert "Relax methane at gfn2" in said


def test_an_older_result_that_others_were_made_from_is_seen(project: Path) -> None:
    structure = project / "results/structures/methane.extxyz"
    replace_with_older(structure, moved(structure.read_text()))
    assert "Relax methane at gfn2" in planned(project)


def test_an_older_configuration_is_seen(project: Path) -> None:
    replace_with_older(project / "config.yaml", yaml.safe_dump({**CONFIG, "relax": {"structures": ["methane"]}}))
    assert "Relax methane at gfn2" in planned(project)


def test_every_published_file_is_missed(project: Path) -> None:
    results = project / "results"
    names = ["jobs/relax/methane.gfn2/result.json", "structures/methane.json", "status.json", "report.html"]
    for name in names:
        kept = (results / name).rename(project / "aside")
        assert name in planned(project), name
        kept.rename(results / name)
    assert "Nothing to be done" in planned(project)
