"""Ions on a nanodiamond and between layers, from recipes to tables and claims, by GFN2."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from projects import make_project, rows, run, snakemake, tiny

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.workflow
CONFIG: dict[str, Any] = {
    "title": "shells",
    "levels": {"gfn2": {"engine": "xtb"}},
    "elf": {"frames": 0},
    "adsorption": {"facets": [], "ions": []},
    "shells": {"level": "gfn2", "clusters": ["nd10"], "fillings": [{"Li": 1, "Na": 1}], "fmax_eV_A": 1.0},
    "insertion": {"level": "gfn2", "flake": "c24-aa", "ions": ["Li"], "gaps_A": [3.35, 4.5], "points": 3},
}


def test_shells_and_ways_in_from_recipes_to_claims(tmp_path: Path) -> None:
    project = make_project(tmp_path, CONFIG, tiny())
    done = run(snakemake(project, "--cores", "2", "--", "shells", "insertion", "claims"))
    assert done.returncode == 0, done.stderr[-4000:]
    results = project / "results"

    def energy(job: str) -> float:
        return float(json.loads((results / f"jobs/{job}.gfn2/result.json").read_text())["energy_eV"])

    by_ions = {row["ions"]: row for row in rows(results / "shells.csv")}
    assert set(by_ions) == {"2Li", "2Na", "1Li 1Na"}
    mixed, lithium, sodium = (energy(f"shells/nd10.{ions}") for ions in ("Li1Na1", "Li2", "Na2"))
    assert float(by_ions["1Li 1Na"]["E_mixing_eV_per_ion"]) == pytest.approx((mixed - (lithium + sodium) / 2) / 2)
    bound = (lithium - energy("shells/nd10.clean") - 2 * energy("adsorption/atom.Li")) / 2
    assert float(by_ions["2Li"]["E_per_ion_eV"]) == pytest.approx(bound)
    ways = {float(row["gap_A"]): row for row in rows(results / "insertion.csv")}
    assert set(ways) == {3.35, 4.5}
    apart = energy("insertion/c24-aa.clean.g450") + energy("adsorption/atom.Li")
    inserted = energy("insertion/c24-aa.Li-p2.g450") - apart
    assert float(ways[4.5]["E_insertion_eV"]) == pytest.approx(inserted)
    claims = {row["id"]: row for row in json.loads((results / "claims.json").read_text())["claims"]}
    difference = inserted - float(ways[3.35]["E_insertion_eV"])
    assert claims["e1"]["value"] == pytest.approx(difference)
    assert claims["h2"]["value"] == pytest.approx(float(by_ions["1Li 1Na"]["E_mixing_eV_per_ion"]))
    # GFN2 is not verified
    assert {claims["e1"]["verdict"], claims["h2"]["verdict"]} == {"not shown"}
