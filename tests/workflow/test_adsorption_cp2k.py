"""One small slab with an ion, from the recipe to the table, at two levels, one of them real CP2K."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.workflow, pytest.mark.cp2k]

# the smallest slab that binds an ion: four valences of two carbon layers, one of them open
RECIPE = {"kind": "facet", "miller": [1, 1, 1], "layers": 2, "fixed_layers": 1, "cell": [1, 1], "vacuum_A": 8}
CONFIG: dict[str, Any] = {
    "levels": {
        "gfn2": {"engine": "xtb", "electronic_temperature_K": 3000},
        "pbe": {
            "engine": "cp2k",
            "basis": "DZVP-GTH",
            "dispersion": "none",
            "cutoff_Ry": 120,
            "rel_cutoff_Ry": 30,
            "eps_scf": 1e-4,
            "kpoints": [2, 2, 1],
            "smearing_K": 3000,
        },
    },
    "adsorption": {
        "level": ["gfn2", "pbe"],
        "facets": ["thin-111"],
        "ions": ["Li"],
        "sites": ["top"],
        "fmax_eV_A": 1.5,
        "prerelax": None,
    },
}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_slab_an_ion_and_an_atom_make_an_adsorption_energy_at_each_level(tmp_path: Path, root: Path) -> None:
    recipe = tmp_path / "structures/facets/thin-111.yaml"
    recipe.parent.mkdir(parents=True)
    recipe.write_text(yaml.safe_dump(RECIPE))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    snakemake = str(Path(sys.executable).with_name("snakemake"))
    command = [snakemake, "-s", str(root / "Snakefile"), "--directory", str(tmp_path), "--cores", "1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    target = "results/adsorption.csv"
    done = subprocess.run([*command, target], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]

    results = tmp_path / "results"
    jobs = results / "jobs/adsorption"
    table = {row["level"]: row for row in rows(results / "adsorption.csv")}
    assert set(table) == {"gfn2", "pbe"}
    # one clean slab and one atom at each level, and nothing else
    assert len(list(jobs.iterdir())) == 2 * 3
    E_ads_eV = {}
    for level, row in table.items():
        parts = ("thin-111.Li-top", "thin-111.clean", "atom.Li")
        records = [json.loads((jobs / f"{part}.{level}/result.json").read_text()) for part in parts]
        assert {record["status"] for record in records} == {"converged"}
        combined, clean, atom = (record["energy_eV"] for record in records)
        E_ads_eV[level] = combined - clean - atom
        assert float(row["E_ads_eV"]) == pytest.approx(E_ads_eV[level], abs=1e-9)
        # lithium on an open bond: no small number, and no number of an atom's whole energy
        assert -8 < E_ads_eV[level] < -0.5
        assert 1.5 < float(row["height_A"]) < 2.8
    assert float(table["pbe"]["E_ads_vs_metal_eV"]) == pytest.approx(E_ads_eV["pbe"] + 1.60)
    assert table["gfn2"]["E_ads_vs_metal_eV"] == ""

    (difference,) = rows(results / "adsorption_levels.csv")
    assert (difference["level"], difference["against"]) == ("gfn2", "pbe")
    assert float(difference["dE_ads_eV"]) == pytest.approx(E_ads_eV["gfn2"] - E_ads_eV["pbe"])
    text = (jobs / "atom.Li.pbe/job.inp").read_text()
    assert "UKS .TRUE." in text
    assert "MULTIPLICITY 2" in text
