"""Targets of their own that claims are judged by: free energies, with steering in and out, and ions inside diamond."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase.io import read
from projects import make_project, rows, run, snakemake, tiny

from iondrill.geometry.coordinates import penetration
from iondrill.geometry.selection import select

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.workflow
PROFILE = {"run": "drill", "from_A": -2.9, "to_A": -2.7, "windows": 2, "steps": 20, "save_every": 2, "settle_fs": 4}
CONFIG: dict[str, Any] = {
    "title": "free energy",
    "levels": {"gfn2": {"engine": "xtb"}},
    "md": {"runs": {"drill": {"assembly": "tiny", "steps": 20, "relax_parts": False}}},
    "elf": {"frames": 0},
    "adsorption": {"facets": [], "ions": []},
    "interstitials": {"level": "gfn2", "ions": ["Li"], "sites": ["tetrahedral"], "repeats": [1], "fmax_eV_A": 1.0},
    "free_energy": {"profiles": {"in": PROFILE | {"seeds": [1], "stiffness_eV_A2": 50, "speed_A_ps": 20}}},
}


def test_a_profile_from_recipes_to_claims(tmp_path: Path) -> None:
    project = make_project(tmp_path, CONFIG, tiny())
    done = run(snakemake(project, "--cores", "2", "--", "free_energy", "interstitials", "claims"))
    assert done.returncode == 0, done.stderr[-4000:]
    results = project / "results"
    jobs = {path.name for path in (results / "jobs/free_energy").iterdir()}
    names = {f"in.{what}-{way}-s1.gfn2" for what in ("pull", "w00", "w01") for way in ("in", "out")}
    assert jobs == names
    start = read(results / "structures/tiny.extxyz")
    selection = select(start, start.positions)
    ends = {name: read(results / f"jobs/free_energy/{name}/last.extxyz").positions for name in names}
    tips = {name: penetration(positions, selection)[0] for name, positions in ends.items()}
    # what was steered in is farther in than what came out again
    assert tips["in.pull-in-s1.gfn2"] > tips["in.pull-out-s1.gfn2"]
    (profile,) = json.loads((results / "free_energy.json").read_text())["profiles"]
    assert (profile["profile"], profile["coordinate"], profile["n_seeds"]) == ("in", "penetration_A", 1)
    table = rows(results / "free_energy.csv")
    assert [float(row["coordinate_A"]) for row in table] == pytest.approx([-2.85, -2.75])
    samples = 2 * 2 * 8  # windows, directions, frames after the beginning
    assert 0 < sum(int(row["samples"]) for row in table) <= samples
    assert np.isfinite([float(row["free_energy_eV"] or 0) for row in table]).all()
    assert (results / "figures/free_energy.svg").read_text().startswith("<")
    (inside,) = rows(results / "interstitials.csv")
    energies = {
        name: json.loads((results / f"jobs/{name}.gfn2/result.json").read_text())["energy_eV"]
        for name in ("interstitials/diamond.Li-tetrahedral.x1", "interstitials/diamond.clean.x1", "adsorption/atom.Li")
    }
    with_ion, clean, atom = energies.values()
    assert float(inside["E_interstitial_eV"]) == pytest.approx(with_ion - clean - atom, abs=1e-9)
    assert with_ion - clean - atom > 0
    claims = {row["id"]: row for row in json.loads((results / "claims.json").read_text())["claims"]}
    assert claims["a3"]["verdict"] == "not shown"
