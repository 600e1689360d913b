"""A drill of real CP2K at PBE-D3 through Snakemake: killed and stopped in every way, it ends as a calm run does."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
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
from ase.units import Hartree

from iondrill.prepare.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.workflow, pytest.mark.cp2k]

STEPS = 10
MPIRUN = ["mpirun", "--allow-run-as-root", "--bind-to", "none", "-n", "1"]
CONFIG: dict[str, Any] = {
    "levels": {
        "gfn2": {"engine": "xtb"},
        # a coarse grid: what is compared was computed on the same one
        "pbe-d3": {
            "engine": "cp2k",
            "cutoff_Ry": 120,
            "rel_cutoff_Ry": 30,
            "eps_scf": 1e-7,
            "launcher": MPIRUN,
        },
    },
    "relax": {"fmax_eV_A": 0.1},
    "md": {"level": "pbe-d3", "run": ["drill"], "runs": {"drill": {"assembly": "drill", "steps": STEPS}}},
    "elf": {"level": "pbe-d3", "frames": 1, "spacing_A": 0.25},
}
ASSEMBLY = {"kind": "assembly", "cluster": "drop", "flake": "pair", "tip": "atom", "box": {"vacuum_A": 8}}
TRAJECTORY = "results/md/drill/trajectory.traj"


def make_project(folder: Path) -> Path:
    """Write a configuration, and recipes of 19 atoms: methane before the edge of two cyclopropenes on each other."""
    recipes = folder / "structures"
    for name in ("clusters", "flakes", "assemblies", "facets"):
        (recipes / name).mkdir(parents=True)
    write(recipes / "clusters/drop.xyz", molecule("CH4"))
    lower, upper = molecule("C3H4_C2v"), molecule("C3H4_C2v")
    for each in (lower, upper):
        each.rotate(90, "y")  # flat
    upper.positions[:, 2] += 3.7
    pair = lower + upper
    pair.set_array("fragment", np.array(["lower"] * 7 + ["upper"] * 7, dtype="U10"))
    write(recipes / "flakes/pair.extxyz", pair)
    (recipes / "assemblies/drill.yaml").write_text(yaml.safe_dump(ASSEMBLY))
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    return folder


@pytest.fixture(scope="module")
def command(root: Path) -> Callable[..., list[str]]:
    """Return the command line of Snakemake in a project."""
    program = str(Path(sys.executable).with_name("snakemake"))
    return lambda project, *more: [program, "-s", str(root / "Snakefile"), "-d", str(project), "--cores", "2", *more]


def run(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def job(project: Path) -> Path:
    return project / "results/jobs/md/drill.pbe-d3"


def n_frames(project: Path) -> int:
    logs = [path for path in job(project).glob("state/*/frames.bin") if path.stat().st_size > 1024]
    return max((len(Frames(path, stride=1)) for path in logs), default=0)


class Started:
    """Snakemake at work in the background."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def wait_for(self, event: Callable[[], object]) -> None:
        until = time.monotonic() + 300
        while not event():
            assert self.process.poll() is None, self.process.communicate()[0][-4000:]
            assert time.monotonic() < until
            time.sleep(0.1)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, command: Callable[..., list[str]]) -> Path:
    """Return a project whose default target was made without a disturbance."""
    project = make_project(tmp_path_factory.mktemp("calm"))
    done = run(command(project))
    assert done.returncode == 0, done.stderr[-4000:]
    return project


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_drill_gives_charges_maps_and_a_page(calm: Path) -> None:
    results = calm / "results"
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


def test_killed_out_of_time_and_told_to_stop(calm: Path, tmp_path: Path, command: Callable[..., list[str]]) -> None:
    """CP2K forgets its extrapolation at a restart: EPS_SCF 1e-7 leaves far less open than what is allowed here."""
    project = tmp_path / "disturbed"
    shutil.copytree(calm, project, ignore=shutil.ignore_patterns("md", "elf", "charges", "report.html"))
    assert not job(project).exists()

    started = Started(command(project, TRAJECTORY))
    enough = random.randint(1, 4)  # noqa: S311
    started.wait_for(lambda: n_frames(project) >= enough)
    time.sleep(random.uniform(0, 2))  # noqa: S311
    os.killpg(started.process.pid, signal.SIGKILL)
    started.process.communicate()
    assert 1 <= n_frames(project) <= STEPS
    assert not (job(project) / "result.json").exists()
    assert run(command(project, "--unlock")).returncode == 0

    done = run(command(project, TRAJECTORY), IONDRILL_WALLTIME_s="12")
    assert done.returncode != 0
    assert "stopped at the wall time" in done.stdout + done.stderr

    started = Started(command(project, TRAJECTORY))
    started.wait_for(lambda: list(job(project).glob("state/*/attempt-003/launcher.out")))
    (job(project) / "EXIT").touch()
    said, _ = started.process.communicate(timeout=300)
    assert started.process.returncode != 0
    assert "stopped by an EXIT file" in said

    done = run(command(project, TRAJECTORY))
    assert done.returncode == 0, done.stderr[-4000:]
    attempts = json.loads((job(project) / "result.json").read_text())["attempts"]
    reasons = [attempt["reason"].partition(" at step")[0] for attempt in attempts]
    assert reasons == ["killed", "stopped at the wall time", "stopped by an EXIT file", "finished"]

    ours, theirs = (read(each / TRAJECTORY, ":") for each in (project, calm))
    assert [atoms.info["step"] for atoms in ours] == list(range(STEPS + 1))
    for a, b in zip(ours, theirs, strict=True):
        assert np.abs(a.positions - b.positions).max() < 1e-5
        assert abs(a.get_potential_energy() - b.get_potential_energy()) < 1e-7 * Hartree


def test_what_cannot_converge_is_said_and_gives_no_number(tmp_path: Path, command: Callable[..., list[str]]) -> None:
    project = make_project(tmp_path)
    stuck = {**CONFIG["levels"]["pbe-d3"], "cutoff_Ry": 80, "max_scf_cycles": 1}
    config = CONFIG | {
        "levels": {"gfn2": {"engine": "xtb"}, "stuck": stuck},
        "relax": {"level": "stuck", "structures": ["drop"]},
        "md": {"level": "stuck", "run": ["drill"], "runs": {"drill": {"assembly": "drill", "steps": 2}}},
        "elf": {"level": "stuck", "frames": 1},
    }
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    done = run(command(project))
    assert done.returncode != 0
    results = project / "results"
    record = json.loads((results / "jobs/relax/drop.stuck/result.json").read_text())
    assert record["status"] == "not_converged"
    assert record["energy_eV"] is record["max_force_eV_A"] is None
    rungs = [attempt["changed"] for attempt in record["attempts"]]
    assert len(set(rungs)) == len(rungs) == 4, "every rung of the ladder was tried"
    assert not any(rows(table) for table in results.glob("**/*.csv")), "no number in any table"
    assert "drop.stuck" in (results / "report.html").read_text().partition("</section>")[0]
