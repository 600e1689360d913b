"""docs/adding-a-facet.md, followed to the letter: what it says to write is written, and what it says comes out."""

from __future__ import annotations

import csv
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from projects import run, snakemake

from iondrill.analyse.energies.adsorption_table import ADSORPTION
from iondrill.geometry.registry import build

if TYPE_CHECKING:
    from pathlib import Path

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def blocks(root: Path) -> list[tuple[str, str]]:
    """Return language and content of every block of code of the page."""
    return FENCE.findall((root / "docs/adding-a-facet.md").read_text(encoding="utf-8"))


@pytest.fixture
def project(blocks: list[tuple[str, str]], root: Path, tmp_path: Path) -> Path:
    """Make a folder with the shipped configuration and recipes, and the files of the page, to the letter."""
    shutil.copytree(root / "structures", tmp_path / "structures")
    shutil.copy(root / "config.yaml", tmp_path)
    written = [text for language, text in blocks if language == "yaml"]
    for text in written:
        path = tmp_path / re.match(r"# (\S+)\n", text)[1]
        assert not path.exists(), "the page must not replace what is shipped"
        path.write_text(text)
    assert len(written) == 4
    return tmp_path


def table(lines: list[str]) -> dict[str, str]:
    (row,) = csv.DictReader(lines)
    return row


@pytest.mark.workflow
def test_one_file_and_its_name_give_an_adsorption_energy(blocks: list[tuple[str, str]], project: Path) -> None:
    wanted = "results-facet/adsorption.csv"
    configs = [str(project / "config.yaml"), str(project / "config.facet.yaml")]
    done = run(snakemake(project, "--cores", "1", "--configfile", *configs, "--", wanted))
    assert done.returncode == 0, done.stderr[-4000:]
    found = table((project / wanted).read_text().splitlines())
    (shown,) = (table(text.splitlines()) for language, text in blocks if language == "csv")
    numbers = {"E_ads_eV": 0.02, "height_A": 0.05, "coverage_ML": 0.001}
    costs = {"n_ionic_steps", "n_scf_cycles"}
    for column in set(shown) - costs:
        if column in numbers:
            assert float(found[column]) == pytest.approx(float(shown[column]), abs=numbers[column])
        else:
            assert found[column] == shown[column]
    jobs = {path.name for path in (project / "results-facet/jobs/adsorption").iterdir()}
    assert jobs == {"C331.clean.gfn2", "C331.Li-hollow-4.gfn2", "atom.Li.gfn2"}


def test_the_page_says_how_many_columns_it_leaves_out(blocks: list[tuple[str, str]], root: Path) -> None:
    (shown,) = (text.splitlines()[0].split(",") for language, text in blocks if language == "csv")
    assert tuple(shown) == ADSORPTION.names[: len(shown)]
    said = f"of whose columns these are the first {len(shown)}:"
    assert said in (root / "docs/adding-a-facet.md").read_text(encoding="utf-8")


def test_every_facet_of_the_page_holds_its_promises_as_built(project: Path, root: Path) -> None:
    ours = {path.stem for path in (project / "structures/facets").iterdir()}
    shipped = {path.stem for path in (root / "structures/facets").iterdir()}
    assert ours - shipped == {"C331", "Si100-2x1"}
    for name in ours - shipped:
        assert build(name, project / "structures").arrays["fragment"].tolist().count("slab") > 20
