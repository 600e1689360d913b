"""A drill of real CP2K at PBE-D3: through Slurm, killed and out of time, it ends as an uninterrupted local run does."""

from __future__ import annotations

import json
import random
import shutil
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase.build import molecule
from ase.io import read
from ase.units import Hartree
from projects import PBE_D3, make_project, rows, run, snakemake, stacked, start

from faultdrill.runs import SUBMITTED
from iondrill.jobs.frames import Frames

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from faultdrill.slurm import Slurm

pytestmark = [pytest.mark.workflow, pytest.mark.cp2k, pytest.mark.slurm]

STEPS = 4
RUN = {"assembly": "drill", "steps": STEPS, "relax_parts": False, "thermalise": {"time_fs": 0.5}}
CONFIG: dict[str, Any] = {
    "levels": {
        "gfn2": {"engine": "xtb"},
        "pbe-d3": PBE_D3 | {"cutoff_Ry": 70},
    },
    "relax": {"fmax_eV_A": 0.1},
    "md": {"level": "pbe-d3", "run": ["drill"], "runs": {"drill": RUN}},
    "elf": {"level": "pbe-d3", "frames": 1, "spacing_A": 0.25},
}
TRAJECTORY = "results/md/drill/trajectory.traj"


STRUCTURES = {
    "clusters/drop.xyz": molecule("CH4"),
    "flakes/pair.extxyz": stacked("C3H4_C2v", flat=False, gap_A=3.4),
    "assemblies/drill.yaml": {
        "kind": "assembly",
        "cluster": "drop",
        "flake": "pair",
        "tip": "atom",
        "distance_A": 2.5,
        "box": {"vacuum_A": 8},
    },
}
"""19 atoms: methane before the edge of two cyclopropenes on each other."""


def command(project: Path, *more: str) -> list[str]:
    return snakemake(project, "--cores", "2", *more)


def job(project: Path) -> Path:
    return project / "results/jobs/md/drill.pbe-d3"


def n_frames(project: Path) -> int:
    logs = [path for path in job(project).glob("state/*/frames.bin") if path.stat().st_size > 1024]
    return max((len(Frames(path, stride=1)) for path in logs), default=0)


def wait_for(process: subprocess.Popen[str], event: Callable[[], object]) -> None:
    until = time.monotonic() + 600
    while not event():
        assert process.poll() is None, process.communicate()[0][-4000:]
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose default target was made without a disturbance."""
    project = make_project(tmp_path_factory.mktemp("uninterrupted"), CONFIG, STRUCTURES)
    done = run(command(project))
    assert done.returncode == 0, done.stderr[-4000:]
    return project


def test_the_drill_gives_charges_maps_and_a_page(uninterrupted: Path) -> None:
    results = uninterrupted / "results"
    charges = rows(results / "charges/drill.csv")
    assert {row["scheme"] for row in charges} == {"Hirshfeld"}
    for step in range(STEPS + 1):
        of_fragments = [float(row["charge_e"]) for row in charges if int(row["step"]) == step]
        assert len(of_fragments) > 2
        assert abs(sum(of_fragments)) < 1e-3
    with np.load(results / f"elf/drill/{STEPS}.npz") as maps:
        assert 0 <= maps["elf"].min() < maps["elf"].max() <= 1
    contacts = {row["pair"]: float(row["elf_midpoint"]) for row in rows(results / "elf/drill/summary.csv")}
    assert contacts["flake-sigma"] > 0.85
    assert "PBE-D3(BJ)" in (results / "report.html").read_text()


def test_through_slurm_killed_and_out_of_time(uninterrupted: Path, slurm: Slurm, tmp_path: Path) -> None:
    """CP2K forgets its extrapolation at a restart: EPS_SCF 1e-7 leaves far less open than what is allowed here."""
    project = tmp_path / "disturbed"
    shutil.copytree(uninterrupted, project, ignore=shutil.ignore_patterns("md", "elf", "charges", "report.html"))
    assert not job(project).exists()
    submit = snakemake(project, TRAJECTORY, *SUBMITTED, "--retries", "0")

    started = start(submit, **slurm.environment)
    enough = random.randint(1, 2)  # noqa: S311
    wait_for(started, lambda: n_frames(project) >= enough)
    time.sleep(random.uniform(0, 1))  # noqa: S311
    slurm.command("scancel", "--signal=KILL", "--full", *slurm.jobs())
    started.communicate(timeout=600)
    assert started.returncode != 0
    assert 1 <= n_frames(project) <= STEPS
    assert not (job(project) / "result.json").exists()

    done = run(submit, **slurm.environment, IONDRILL_WALLTIME_s="5")
    assert done.returncode != 0
    assert "stopped at the wall time" in done.stdout + done.stderr

    done = run(submit, **slurm.environment)
    assert done.returncode == 0, done.stderr[-4000:]
    attempts = json.loads((job(project) / "result.json").read_text())["attempts"]
    reasons = [attempt["reason"].partition(" at step")[0] for attempt in attempts]
    assert reasons == ["killed", "stopped at the wall time", "finished"]

    ours, theirs = (read(each / TRAJECTORY, ":") for each in (project, uninterrupted))
    assert [atoms.info["step"] for atoms in ours] == list(range(STEPS + 1))
    for a, b in zip(ours, theirs, strict=True):
        assert np.abs(a.positions - b.positions).max() < 1e-5
        assert abs(a.get_potential_energy() - b.get_potential_energy()) < 1e-7 * Hartree
