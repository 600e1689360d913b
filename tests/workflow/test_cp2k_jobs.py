"""Small jobs of real CP2K through Snakemake: two ranks through Slurm, and an SCF that cannot converge."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest
from ase.build import molecule
from ase.units import Hartree
from projects import PBE_D3, make_project, rows, run, snakemake, start

from faultdrill.projects import MPIRUN
from faultdrill.runs import SUBMITTED

if TYPE_CHECKING:
    from pathlib import Path

    from faultdrill.slurm import Slurm

pytestmark = [pytest.mark.workflow, pytest.mark.cp2k]


@pytest.mark.slurm
def test_two_ranks_through_slurm_find_what_one_finds_here(slurm: Slurm, tmp_path: Path) -> None:
    # each wait of one rank for the other must not become a wait for other tests
    ranks = {"ranks": 2, "launcher": [*MPIRUN[:-1], "{ranks}", "nice", "-n", "-10"]}
    records = {}
    for name, more in {"here": {}, "there": ranks}.items():
        levels = {"gfn2": {"engine": "xtb"}, "pbe-d3": PBE_D3 | more}
        config = {"levels": levels, "relax": {"level": "pbe-d3", "structures": ["pair"], "fmax_eV_A": 1.0}}
        project = make_project(tmp_path / name, config, {"clusters/pair.extxyz": molecule("H2", cell=[7, 7, 7])})
        record = "results/jobs/relax/pair.pbe-d3/result.json"
        started = start(snakemake(project, record, *(SUBMITTED if more else ["--cores", "1"])), **slurm.environment)
        if more:
            while started.poll() is None and not list(project.glob("results/jobs/*/*/state/*/attempt-001/job.out")):
                time.sleep(0.1)
            assert slurm.command("squeue", "--noheader", "--format=%C").split() == ["2"], "a core for each rank"
        said, _ = started.communicate(timeout=600)
        assert started.returncode == 0, said[-4000:]
        records[name] = json.loads((project / record).read_text())
    here, there = records["here"], records["there"]
    output = next((tmp_path / "there").glob("results/jobs/*/*/state/*/attempt-001/job.out")).read_text()
    assert re.search(r"Total number of message passing processes +2$", output, re.MULTILINE)
    assert re.search(r"Number of threads for this process +1$", output, re.MULTILINE)
    assert here["status"] == there["status"] == "converged"
    assert abs(here["energy_eV"] - there["energy_eV"]) < 1e-6 * Hartree


def test_what_cannot_converge_is_said_and_gives_no_number(tmp_path: Path) -> None:
    stuck = {**PBE_D3, "cutoff_Ry": 80, "max_scf_cycles": 1}
    levels = {"gfn2": {"engine": "xtb"}, "stuck": stuck}
    config = {"levels": levels, "relax": {"level": "stuck", "structures": ["drop"]}}
    project = make_project(tmp_path, config, {"clusters/drop.extxyz": molecule("CH4", cell=[8, 8, 8])})
    done = run(snakemake(project, "--cores", "2"))
    assert done.returncode != 0
    results = project / "results"
    path = results / "jobs/relax/drop.stuck/result.json"
    assert path.is_file(), (done.stdout + done.stderr)[-8000:]
    record = json.loads(path.read_text())
    assert record["status"] == "not_converged"
    assert record["energy_eV"] is record["max_force_eV_A"] is None
    tried = [attempt["changed"] for attempt in record["attempts"]]
    assert len(set(tried)) == len(tried) == 4, "every entry of the ladder was tried"
    assert not any(rows(table) for table in results.glob("**/*.csv")), "no number in any table"
    first, then, *_ = (results / "report.html").read_text().split("</section>")
    assert "1 of 2 jobs did not converge" in first
    assert "drop.stuck" in then, "what did not converge comes next"
