"""`snakemake convergence` with the real CP2K: forces in a box that is large enough, and in one that is not."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ase import Atoms
from ase.io import write

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


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("clusters", "flakes", "facets", "assemblies"):
        (tmp_path / "structures" / folder).mkdir(parents=True)
    c2 = Atoms("C2", positions=[[0, 0, 0], [0, 0, BOND_A]], cell=[EDGE_A] * 3)
    write(tmp_path / "structures/clusters/c2.extxyz", c2)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    return tmp_path


def test_forces_in_a_fitted_box_are_those_in_one_twice_as_large(project: Path, root: Path) -> None:
    program = str(Path(sys.executable).with_name("snakemake"))
    command = [program, "-s", str(root / "Snakefile"), "--directory", str(project), "--cores", "1", "convergence"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]

    folder = project / "results/convergence"
    with (folder / "box.csv").open(newline="") as stream:
        small, fitted, large = csv.DictReader(stream)
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
