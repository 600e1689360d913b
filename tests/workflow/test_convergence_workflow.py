"""`snakemake convergence` with the real CP2K: forces in a box that is large enough, and in one that is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from ase import Atoms
from projects import make_project, rows, run, snakemake

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.workflow, pytest.mark.cp2k]

EDGE_A, SMALL_A = 8.95, 4.5
BOND_A = 1.3
CONFIG = {
    "levels": {"gfn2": {"engine": "xtb"}, "dft": {"engine": "cp2k", "cutoff_Ry": 100, "eps_scf": 1e-4}},
    "convergence": {
        "studies": {
            "box": {
                "structure": "c2",
                "level": "dft",
                # twice the edge has twice the points on each of CP2K's grids (54, 32, 18 and 12): the error of the
                # grid itself, some 1e-3 Ha/bohr at this cutoff, is the same in both
                "sweep": {"vacuum_A": [SMALL_A - BOND_A, 2 * EDGE_A - BOND_A]},
                "tolerance": {"energy_meV_atom": 1, "force_eV_A": 0.005},
            }
        }
    },
}


def test_forces_in_a_fitted_box_are_those_in_one_twice_as_large(tmp_path: Path) -> None:
    c2 = Atoms("C2", positions=[[0, 0, 0], [0, 0, BOND_A]], cell=[EDGE_A] * 3)
    project = make_project(tmp_path, CONFIG, {"clusters/c2.extxyz": c2})
    done = run(snakemake(project, "--cores", "1", "convergence"))
    assert done.returncode == 0, done.stderr[-4000:]
    assert "Exception" not in done.stderr

    folder = project / "results/convergence"
    small, fitted, large = rows(folder / "box.csv")
    assert [fitted["own"], large["own"]] == ["yes", "no"]
    assert float(fitted["value"]) == pytest.approx(EDGE_A - BOND_A, abs=1e-4)
    assert float(fitted["force_difference_max_Ha_bohr"]) < 1e-4
    assert abs(float(fitted["energy_difference_meV_atom"])) < 1
    assert float(large["force_difference_max_Ha_bohr"]) == 0

    assert small["status"].startswith("failed: the electron density touches the faces of the box")
    assert small["density_on_edge"] == "yes"
    assert small["energy_eV"] == small["force_difference_max_eV_A"] == ""

    summary = json.loads((folder / "box.json").read_text())
    assert summary["settings"]["vacuum_A"]["cheapest_within_tolerance"] == fitted["value"]
    assert "PBE-D3(BJ), DZVP-MOLOPT-SR-GTH, 100 Ry" in (folder / "box.svg").read_text()
