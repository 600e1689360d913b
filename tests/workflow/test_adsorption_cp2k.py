"""One small slab with an ion, from the recipe to the table, with real CP2K: clean slab, atom, slab with ion.

It tests the path, not the number: cutoff, k-points and thresholds are far below what an energy is to be taken from.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ase.io import read
from projects import SHEET, make_project, rows, run, snakemake

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.workflow, pytest.mark.cp2k]

CONFIG: dict[str, Any] = {
    "levels": {
        "gfn2": {"engine": "xtb"},
        "pbe": {
            "engine": "cp2k",
            "dispersion": "none",
            "cutoff_Ry": 120,
            "rel_cutoff_Ry": 30,
            "eps_scf": 1e-5,
            "kpoints": [2, 2, 1],
            "smearing_K": 1000,
            "restricted_slabs": True,
            # of this grid's error a relaxation would make many steps of 0.2 Å: CP2K ends none with one above 0.05 Å
            "trust_radius_A": 0.05,
        },
    },
    "adsorption": {
        "level": "pbe",
        "facets": ["sheet"],
        "ions": ["Li"],
        "sites": ["hollow"],
        "fmax_eV_A": 3.0,
        "look_around_A": [0.8],
    },
}
PRERELAXED = ("sheet.Li-hollow.gfn2", "sheet.clean.gfn2")
PARTS = ("sheet.Li-hollow.pbe", "sheet.clean.pbe", "atom.Li.pbe")


def test_a_slab_an_ion_and_an_atom_make_an_adsorption_energy(tmp_path: Path) -> None:
    project = make_project(tmp_path, CONFIG, {"facets/sheet.yaml": SHEET})
    done = run(snakemake(project, "--cores", "1", "results/adsorption.csv"))
    assert done.returncode == 0, done.stderr[-4000:]

    jobs = project / "results/jobs/adsorption"
    (row,) = rows(project / "results/adsorption.csv")
    assert {path.name for path in jobs.iterdir()} == {*PARTS, *PRERELAXED}
    records = [json.loads((jobs / part / "result.json").read_text()) for part in PARTS]
    assert [record["status"] for record in records] == ["converged"] * 3
    assert row["status"] == "converged"
    combined_eV, clean_eV, atom_eV = (record["energy_eV"] for record in records)
    E_ads_eV = float(row["E_ads_eV"])
    assert E_ads_eV == pytest.approx(combined_eV - clean_eV - atom_eV, abs=1e-9)
    assert float(row["E_ads_vs_metal_eV"]) == pytest.approx(E_ads_eV + 1.60)
    # bound, by less than Li and C in any solid; a single ion by 1.1 eV at 1.71 A (Chan, Neaton and Cohen 2008)
    assert -3.0 < E_ads_eV < 0.0
    assert 1.4 < float(row["height_A"]) < 2.2
    # lifted by 0.8 Å lithium is less bound, but still bound
    assert 0 < float(row["lowest_neighbour_eV"]) < -E_ads_eV + 0.5
    assert (jobs / PARTS[0] / "neighbourhood/0/+0.80A/job.inp").is_file()
    # lithium gives charge to the sheet; electrons are shared among the atoms, none is lost
    charges_e = {part: read(jobs / part / "relaxed.extxyz").arrays["hirshfeld_e"] for part in PARTS[:2]}
    assert 0 < charges_e[PARTS[0]][-1] < 1
    assert (row["charge_scheme"], float(row["charge_e"])) == ("Hirshfeld", pytest.approx(charges_e[PARTS[0]][-1]))
    for of_atoms in charges_e.values():
        assert of_atoms.sum() == pytest.approx(0, abs=1e-6)
    # all atoms of the sheet alone are alike
    assert charges_e[PARTS[1]] == pytest.approx(0, abs=2e-3)
    # spins: of the sheet with ion none by wish, of the atom one
    inputs = [(jobs / part / "job.inp").read_text() for part in PARTS]
    assert ["UKS .TRUE." in text for text in inputs] == [False, False, True]
    assert ["SCHEME MONKHORST-PACK 2 2 1" in text for text in inputs] == [True, True, False]
