"""A calculator of another package as a level, through Snakemake, from recipes to the page: frames have no charges."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from ase.io import read
from ase.optimize import BFGS
from projects import TBLITE, make_project, rows, run, snakemake, tiny

from iondrill.config.levels import XtbLevel
from iondrill.engines.xtb.calculator import XtbCalculator

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.workflow
CONFIG = {
    "title": "A calculator by its dotted path",
    "levels": {"own": TBLITE, "gfn2": {"engine": "xtb"}},
    "relax": {"level": "own", "structures": ["isobutane"], "fmax_eV_A": 0.1},
    "md": {
        "level": "own",
        "run": ["drill"],
        "runs": {"drill": {"assembly": "tiny", "steps": 4, "relax_parts": False, "thermalise": {"time_fs": 0}}},
    },
    "elf": {"frames": 0},
    "adsorption": {"level": "own", "facets": [], "ions": []},
}


def test_dynamics_and_relaxation_at_a_calculator_of_another_package(tmp_path: Path) -> None:
    project = make_project(tmp_path, CONFIG, tiny())
    done = run(snakemake(project, "--cores", "2"))
    assert done.returncode == 0, done.stderr[-4000:]
    results = project / "results"
    assert [atoms.info["step"] for atoms in read(results / "md/drill/trajectory.traj", ":")] == list(range(5))
    assert rows(results / "charges/drill.csv") == []
    assert (results / "report.html").stat().st_size > 10_000
    # the same method through the engine of its own: the same minimum
    own = json.loads((results / "jobs/relax/isobutane.own/result.json").read_text())
    assert own["engine_version"].startswith("tblite.ase.TBLite of tblite ")
    built = read(results / "structures/isobutane.extxyz")
    built.calc = XtbCalculator(XtbLevel(engine="xtb"))
    BFGS(built, logfile=None).run(fmax=0.1)
    assert own["energy_eV"] == pytest.approx(built.get_potential_energy(), abs=5e-3)
