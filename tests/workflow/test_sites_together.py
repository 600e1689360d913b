"""Where a relaxation takes seconds, facets with all their sites are one job: the same rows, each with a state."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from projects import SHEET, make_project, rows, run, snakemake

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.workflow

PAIRS = {
    "engine": "ase",
    "calculator": "ase.calculators.lj.LennardJones",
    "arguments": {"sigma": 2.0, "epsilon": 0.05, "rc": 5.0},
}
CONFIG: dict[str, Any] = {
    "levels": {"pairs": PAIRS, "gfn2": {"engine": "xtb"}},
    "relax": {"level": "pairs"},
    "md": {"level": "pairs", "run": []},
    "elf": {"frames": 0},
    "adsorption": {
        "level": "pairs",
        "facets": ["sheet"],
        "ions": ["Li", "Na"],
        "fmax_eV_A": 0.05,
        "look_around_A": [0.4],
    },
}
TIMES = re.compile(r"_s$|seconds")


def started(project: Path, target: str = "results/adsorption.csv") -> str:
    done = run(snakemake(project, "--cores", "1", target))
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout + done.stderr


def table(project: Path) -> list[dict[str, str]]:
    return [
        {column: cell for column, cell in row.items() if not TIMES.search(column)}
        for row in rows(project / "results/adsorption.csv")
    ]


def test_rows_are_those_of_separate_jobs_and_a_lost_one_is_made_again(tmp_path: Path) -> None:
    apart = make_project(tmp_path / "apart", CONFIG, {"facets/sheet.yaml": SHEET})
    levels = {**CONFIG["levels"], "pairs": {**PAIRS, "quick": True}}
    together = make_project(tmp_path / "together", {**CONFIG, "levels": levels}, {"facets/sheet.yaml": SHEET})
    of_each, of_all = started(apart), started(together)
    assert of_each.count("Relax Li at") == 3
    assert of_all.count("Relax sheet and all ions on all sites at pairs") == 1
    assert "Relax Li at" not in of_all
    assert len(table(apart)) == 6
    assert table(together) == table(apart)

    # the clean slab is relaxed before them, by the same job
    assert "Relax the clean slab" in of_each
    assert "Relax the clean slab" not in of_all

    # each row has a state of its own: of a finished one nothing is computed again
    target = "results/jobs/adsorption/sheet.Na-hollow.pairs/result.json"
    lost = together / target
    before = json.loads(lost.read_text())
    lost.unlink()
    started(together, target)
    again = json.loads(lost.read_text())
    assert again == before
    assert table(together) == table(apart)


def test_a_job_relaxes_whole_facets_up_to_sixty_rows(tmp_path: Path) -> None:
    names = [f"sheet-{k:02}" for k in range(12)]  # six rows each
    levels = {**CONFIG["levels"], "pairs": {**PAIRS, "quick": True}}
    content = {**CONFIG, "levels": levels, "adsorption": {**CONFIG["adsorption"], "facets": names}}
    project = make_project(tmp_path, content, {f"facets/{name}.yaml": SHEET for name in names})
    said = started(project)
    jobs = re.findall(r"Relax (.+) and all ions on all sites at pairs", said)
    assert [job.split(", ") for job in dict.fromkeys(jobs)] == [names[:10], names[10:]]
    found = table(project)
    assert len(found) == 72
    # the same sheet under twelve names
    bare = [{column: cell for column, cell in row.items() if column != "facet"} for row in found]
    assert all(bare[k] == bare[k % 6] for k in range(72))


def test_paths_start_from_slabs_that_no_table_asks_for(tmp_path: Path) -> None:
    levels = {**CONFIG["levels"], "pairs": {**PAIRS, "quick": True}}
    paths = {"level": "pairs", "facets": ["sheet"], "ions": ["Li"], "paths": [["hollow", "hollow"]]}
    adsorption = {"level": "pairs", "facets": [], "ions": ["Li"]}
    content = {**CONFIG, "levels": levels, "adsorption": adsorption, "barriers": paths}
    project = make_project(tmp_path, content, {"facets/sheet.yaml": SHEET})
    planned = run(snakemake(project, "-n", "barriers"))
    assert planned.returncode == 0, planned.stderr[-3000:]
    assert "Relax the clean slab sheet at pairs" in planned.stdout
