"""A barrier through Snakemake: its two ends are the slabs with an ion of the adsorption energies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from projects import make_project, rows, run, snakemake

from faultdrill.projects import C100

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.workflow

CONFIG: dict[str, Any] = {
    # warm electrons: one solution of the SCF along the path
    "levels": {"gfn2": {"engine": "xtb", "electronic_temperature_K": 2500}},
    "adsorption": {"facets": ["thin-100"], "ions": ["Li"], "sites": ["cave", "pedestal"], "fmax_eV_A": 0.1},
    "barriers": {
        "level": "gfn2",
        "facets": ["thin-100"],
        "ions": ["Li"],
        "paths": [["cave", "pedestal"]],
        "images": 1,
        "fmax_eV_A": 0.3,
    },
}


def test_a_barrier_there_and_back_differs_by_the_two_adsorption_energies(tmp_path: Path) -> None:
    project = make_project(tmp_path, CONFIG, {"facets/thin-100.yaml": C100})
    done = run(snakemake(project, "--cores", "1", "results/barriers.csv", "results/adsorption.csv"))
    assert done.returncode == 0, done.stderr[-4000:]

    (barrier,) = rows(tmp_path / "results/barriers.csv")
    ends = {row["site"]: row for row in rows(tmp_path / "results/adsorption.csv")}
    assert {row["status"] for row in (barrier, *ends.values())} == {"converged"}
    forward_eV, backward_eV = (float(barrier[f"E_{way}_eV"]) for way in ("forward", "backward"))
    E_ads_eV = {site: float(row["E_ads_eV"]) for site, row in ends.items()}
    assert min(forward_eV, backward_eV) > -1e-6
    assert abs(E_ads_eV["pedestal"] - E_ads_eV["cave"]) > 0.01
    assert forward_eV - backward_eV == pytest.approx(E_ads_eV["pedestal"] - E_ads_eV["cave"], abs=1e-3)
    # the ends of the path are the slabs of the table: no second relaxation of either
    jobs = sorted(path.name for path in (tmp_path / "results/jobs/adsorption").iterdir())
    assert jobs == ["atom.Li.gfn2", "thin-100.Li-cave.gfn2", "thin-100.Li-pedestal.gfn2", "thin-100.clean.gfn2"]
