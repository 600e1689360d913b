"""A real Slurm runs the workflow: to the results of a local run, through cancelled jobs and a killed driver."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from ase.build import molecule
from ase.io import read, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from faultdrill.slurm import Slurm

pytestmark = [pytest.mark.workflow, pytest.mark.slurm, pytest.mark.xdist_group("slurm")]

STEPS = 150
CONFIG: dict[str, Any] = {
    "levels": {"gfn2": {"engine": "xtb"}},
    "relax": {"fmax_eV_A": 0.1},
    "md": {
        "run": ["drill"],
        "runs": {"drill": {"assembly": "drill", "steps": STEPS, "fix": "none", "relax_parts": False}},
    },
    "elf": {"frames": 0},
}
ASSEMBLY = {"kind": "assembly", "cluster": "drop", "flake": "pair", "tip": "atom"}
TARGET = "results/md/drill/trajectory.traj"
RECORD = "results/jobs/md/drill.gfn2/result.json"


def make_project(folder: Path) -> Path:
    """Write a configuration and recipes: isobutane before the edge of two benzenes on each other."""
    recipes = folder / "structures"
    for name in ("clusters", "flakes", "assemblies", "facets"):
        (recipes / name).mkdir(parents=True)
    write(recipes / "clusters/drop.xyz", molecule("isobutane"))
    lower, upper = molecule("C6H6"), molecule("C6H6")
    upper.positions[:, 2] += 3.7
    pair = lower + upper
    pair.set_array("fragment", np.array(["lower"] * 12 + ["upper"] * 12, dtype="U10"))
    write(recipes / "flakes/pair.extxyz", pair)
    (recipes / "assemblies/drill.yaml").write_text(yaml.safe_dump(ASSEMBLY))
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    return folder


@pytest.fixture(scope="module")
def command(root: Path) -> Callable[..., list[str]]:
    """Return the command line of Snakemake in a project."""
    program = str(Path(sys.executable).with_name("snakemake"))
    return lambda project, *more: [program, "-s", str(root / "Snakefile"), "-d", str(project), *more]


@pytest.fixture(scope="module")
def submitted(root: Path) -> list[str]:
    """Return the options that submit to Slurm: the shipped profile, and no accounting here."""
    return [
        "--workflow-profile",
        str(root / "workflow/profiles/slurm"),
        "--slurm-no-account",
        "--slurm-status-command=squeue",
        "--slurm-init-seconds-before-status-checks=2",
        "--seconds-between-status-checks=2",
        "--latency-wait=5",
        "--default-resources",
        "mem_mb=1000",
        "runtime=10",
    ]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, command: Callable[..., list[str]]) -> Path:
    """Return a project that was run without Slurm."""
    project = make_project(tmp_path_factory.mktemp("local"))
    run(command(project, "--cores", "2", TARGET), dict(os.environ, OMP_NUM_THREADS="1"))
    return project


def run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def wait_for(event: Callable[[], object]) -> None:
    until = time.monotonic() + 180
    while not event():
        assert time.monotonic() < until
        time.sleep(0.05)


def n_bytes(project: Path) -> int:
    """Return how much of the frames is written."""
    return sum(path.stat().st_size for path in project.glob("results/jobs/md/drill.gfn2/state/*/frames.bin"))


def check_same(project: Path, local: Path) -> None:
    """Assert that the frames are those of the local run, digit for digit."""
    ours, theirs = read(project / TARGET, ":"), read(local / TARGET, ":")
    assert [atoms.info["step"] for atoms in ours] == list(range(STEPS + 1))
    assert all(np.array_equal(a.positions, b.positions) for a, b in zip(ours, theirs, strict=True))


def attempts(project: Path) -> list[str]:
    return [attempt["reason"] for attempt in json.loads((project / RECORD).read_text())["attempts"]]


def test_a_cancelled_job_is_submitted_again_and_goes_on(
    slurm: Slurm, local: Path, tmp_path: Path, command: Callable[..., list[str]], submitted: list[str]
) -> None:
    project = make_project(tmp_path / "project")
    driver = subprocess.Popen(
        command(project, TARGET, *submitted),
        env=slurm.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(lambda: n_bytes(project) > 20_000 or driver.poll() is not None)
    slurm.command("scancel", *slurm.jobs())
    said, _ = driver.communicate(timeout=300)
    assert driver.returncode == 0, said[-4000:]
    first, second = attempts(project)
    assert first.startswith("killed at step")
    assert second == "finished"
    check_same(project, local)


def test_a_killed_driver_leaves_one_copy_of_each_job(
    slurm: Slurm, local: Path, tmp_path: Path, command: Callable[..., list[str]], submitted: list[str]
) -> None:
    """Start again while the orphan still runs: the second copy waits for its folder, and nothing is computed twice."""
    project = make_project(tmp_path / "project")
    driver = subprocess.Popen(
        command(project, TARGET, *submitted),
        env=slurm.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(lambda: n_bytes(project) > 10_000 or driver.poll() is not None)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    assert slurm.jobs(), "the job has gone with its driver"
    run(command(project, "--unlock", "--cores", "1"), slurm.environment)
    run(command(project, TARGET, *submitted), slurm.environment)
    check_same(project, local)
    assert attempts(project)[-1] == "finished"
