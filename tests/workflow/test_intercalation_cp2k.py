"""A metal from its recipe to the table of formation energies, with real CP2K: five points and the atom.

k-points are fewer than an energy is to be taken from; lattice constant and cohesive energy are still those of lithium.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from projects import ROOT, make_project, rows, run, snakemake

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.workflow, pytest.mark.cp2k]

CONFIG: dict[str, Any] = {
    "levels": {
        "gfn2": {"engine": "xtb"},
        "pbe": {"engine": "cp2k", "dispersion": "none", "cutoff_Ry": 300, "smearing_K": 2000, "eps_scf": 1e-5},
    },
    "relax": {"level": "gfn2", "structures": []},
    "intercalation": {"level": "pbe", "crystals": ["Li-bcc"], "kpoint_length_A": 12},
}


def test_lithium_from_its_recipe_to_its_cohesive_energy(tmp_path: Path) -> None:
    project = make_project(tmp_path, CONFIG, {})
    (project / "structures/crystals").mkdir()
    shutil.copy(ROOT / "structures/crystals/Li-bcc.yaml", project / "structures/crystals")
    done = run(snakemake(project, "--cores", "1", "intercalation"))
    assert done.returncode == 0, done.stderr[-4000:]

    (row,) = rows(project / "results/intercalation.csv")
    records = [json.loads(path.read_text()) for path in project.glob("results/jobs/*/*/result.json")]
    assert len(records) == 6, "five points and the atom"
    assert {record["status"] for record in records} == {row["status"]} == {"converged"}
    assert row["E_formation_eV_per_ion"] == "", "an element is not made from itself"
    # PBE and plane waves: 3.435 Å and 1.60 eV
    assert float(row["a_A"]) == pytest.approx(3.435, abs=0.05)
    assert float(row["E_cohesive_eV"]) == pytest.approx(1.60, abs=0.1)
