"""Runs are compared with a level that is trusted on their own frames: a wrong model is refused, a right one is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.calculators.emt import EMT
from ase.io import read
from projects import TBLITE, make_project, rows, run, snakemake, tiny

from iondrill.config.levels import XtbLevel
from iondrill.engines.xtb.calculator import XtbCalculator

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.workflow

RUN = {"assembly": "tiny", "steps": 6, "relax_parts": False, "thermalise": {"time_fs": 0}, "launch_m_s": 500}
CONFIG = {
    "title": "Runs beside a level that is trusted",
    "levels": {
        "gfn2": {"engine": "xtb"},
        # the same method through another package
        "again": TBLITE,
        "emt": {"engine": "ase", "calculator": "EMT"},
    },
    "md": {
        "run": ["wrong", "right"],
        "runs": {"wrong": {**RUN, "level": "emt"}, "right": {**RUN, "level": "again"}},
        "verify": {"level": "gfn2", "frames": 2, "piece_atoms": 20, "whole": 1, "twin": "emt"},
    },
    "elf": {"frames": 0},
    "adsorption": {"facets": [], "ions": []},
}


def test_a_wrong_model_is_refused_and_the_same_method_is_trusted(tmp_path: Path) -> None:
    project = make_project(tmp_path, CONFIG, tiny())
    done = run(snakemake(project, "--cores", "2"))
    assert done.returncode == 0, done.stderr[-4000:]
    md = project / "results/md"
    wrong, right = (json.loads((md / name / "verification.json").read_text()) for name in ("wrong", "right"))
    assert (wrong["verdict"], right["verdict"]) == ("refused", "trusted")
    assert wrong["reference"] == right["reference"] == "gfn2"
    assert right["frames_compared"] == 2
    # two programs of one method; a piece feels what was cut off
    assert right["force_rmse_eV_A"] < 1e-4
    assert right["force_rms_eV_A"] > 0.1
    assert 0 < right["cutting"]["force_rmse_eV_A"] < right["force_rms_eV_A"]

    # repeated at the second fit, from the same start: nothing happens in 3 fs
    assert wrong["twin"] is None
    assert right["twin"]["level"] == "emt"
    assert [one["event"] for one in right["twin"]["events"]] == [
        "first_contact",
        "layers_opened",
        "bonded",
        "ion_expelled",
    ]
    assert not any(one["step"] or one["twin_step"] for one in right["twin"]["events"])
    first, second = (
        read(path, "0")
        for path in (md / "right/trajectory.traj", project / "results/verify/right/twin/trajectory.traj")
    )
    assert second.positions == pytest.approx(first.positions)
    assert second.get_velocities() == pytest.approx(first.get_velocities())
    jobs = json.loads((project / "results/status.json").read_text())["jobs"]
    assert jobs["results/jobs/md/right.emt/result.json"] == "converged"

    # by hand, for the wrong one: the same frame, both calculators
    of_frames = rows(md / "wrong/verified_frames.csv")
    assert [(row["slot"], row["cut"]) for row in of_frames] == [("0", "piece"), ("1", "piece"), ("0", "whole")]
    frame = read(project / "results/verify/wrong/0.whole.extxyz")
    trajectory = read(md / "wrong/trajectory.traj", ":")
    (same,) = (atoms for atoms in trajectory if atoms.info["step"] == int(of_frames[2]["step"]))
    assert frame.positions == pytest.approx(same.positions, abs=1e-7)
    forces = []
    for calculator in (EMT(), XtbCalculator(XtbLevel(engine="xtb"))):
        frame.calc = calculator
        forces.append(frame.get_forces())
    rmse = float(np.sqrt(np.mean((forces[0] - forces[1]) ** 2)))
    assert float(of_frames[2]["force_rmse_eV_A"]) == pytest.approx(rmse, rel=1e-3)
    (all_whole,) = (row for row in rows(md / "wrong/verification.csv") if (row["cut"], row["part"]) == ("whole", "all"))
    assert float(all_whole["force_rmse_eV_A"]) == pytest.approx(rmse, rel=1e-3)

    # nothing of the refused run is told as a result
    contrasts = json.loads((project / "results/contrasts.json").read_text())
    assert contrasts["left_out"] == ["wrong"]
    page = (project / "results/report.html").read_text()
    assert "Run wrong, one trajectory of 3 fs: refused, 2 of 2 frames against GFN2-xTB" in page
    assert "too large for its numbers to be results, so none is shown" in page
    assert "Verification: trusted, 2 of 2 frames against GFN2-xTB" in page
    assert "Repeated at EMT (emt), no event is in both runs." in page
    # and all of it is there when nothing has changed
    again = run(snakemake(project, "--cores", "1", "-n"))
    assert "Nothing to be done" in again.stdout + again.stderr
