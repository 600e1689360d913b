"""`iondrill status` as a user runs it, on results of which a part is done: an entry for each job, no traceback."""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.build import molecule
from projects import make_project

from iondrill.config.levels import XtbLevel
from iondrill.config.project import read_config
from iondrill.engines.execute import execute
from iondrill.jobs.job import Job, Relax
from iondrill.jobs.journal import Journal
from iondrill.prepare.plan import Plan
from iondrill.prepare.published import published

if TYPE_CHECKING:
    from iondrill.config.models import Config

COMMAND = Path(sysconfig.get_path("scripts")) / "iondrill"
CONFIG = {"levels": {"gfn2": {"engine": "xtb"}}, "relax": {"structures": ["done", "stopped", "failed", "waiting"]}}
WALL_TIME = "stopped at the wall time"
UNCONVERGED = "300 steps were not enough"


def status(project: Path, *arguments: str, returncode: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [COMMAND, "status", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        encoding="utf-8",
    )
    assert done.returncode == returncode, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def read_config_in(project: Path) -> Config:
    """Read a configuration whose results are named from its folder."""
    return read_config(project / "config.yaml").model_copy(update={"structures": str(project / "structures")})


def by_name(project: Path) -> dict[str, dict[str, object]]:
    found = json.loads(status(project, "--json").stdout)
    jobs = {entry["name"]: entry for entry in found}
    assert len(jobs) == len(found), "one entry for each job"
    return jobs


def relax(project: Path, name: str) -> Path:
    """Relax methane for real, with the log that Snakemake would keep, and return the job's folder."""
    folder = project / f"results/jobs/relax/{name}.gfn2"
    job = Job(
        stage="relax",
        name=f"{name}.gfn2",
        level_name="gfn2",
        level=XtbLevel(engine="xtb"),
        task=Relax(fmax_eV_A=0.05, max_steps=50),
        kind="cluster",
    )
    atoms = molecule("CH4")
    atoms.set_array("fragment", np.full(len(atoms), "nd"))
    execute(job.model_dump(mode="json"), atoms, folder / "result.json", folder / "relaxed.extxyz")
    log = project / f"results/logs/relax/{name}.gfn2.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a job that is done, one that stopped, one that failed and one that waits."""
    names = CONFIG["relax"]["structures"]
    made = make_project(
        tmp_path_factory.mktemp("half") / "project",
        CONFIG,
        {f"clusters/{name}.xyz": molecule("CH4") for name in names},
    )
    relax(made, "done")
    stopped = relax(made, "stopped")
    (stopped / "result.json").unlink()
    (state,) = (stopped / "state").iterdir()
    Journal(state / "journal.json").explain(WALL_TIME)
    failed = relax(made, "failed") / "result.json"
    record = json.loads(failed.read_text())
    record |= {"status": "not_converged", "energy_eV": None, "attempts": [{"reason": UNCONVERGED, "changed": ""}]}
    failed.write_text(json.dumps(record))
    return made


def test_json_has_an_entry_for_each_job_with_its_state(project: Path) -> None:
    jobs = by_name(project)
    assert {name: job["state"] for name, job in jobs.items()} == {
        "done.gfn2": "converged",
        "stopped.gfn2": "stopped",
        "failed.gfn2": "not_converged",
        "waiting.gfn2": "waiting",
    }
    assert {job["stage"] for job in jobs.values()} == {"relax"}
    assert {name: job["attempt"] for name, job in jobs.items() if "failed" not in name} == {
        "done.gfn2": 1,
        "stopped.gfn2": 1,
        "waiting.gfn2": 0,
    }
    for name, job in jobs.items():
        assert str(job["log"]).endswith(f"logs/relax/{name}.log") == (name != "waiting.gfn2"), name
    assert jobs["waiting.gfn2"]["log"] == ""
    assert WALL_TIME in str(jobs["stopped.gfn2"]["reason"])
    assert jobs["failed.gfn2"]["reason"] == UNCONVERGED


def test_the_table_has_a_line_for_each_job_and_counts_the_states(project: Path) -> None:
    first, head, *lines = status(project).stdout.splitlines()
    for word in ("stage", "job", "state", "attempt", "log"):
        assert word in head.split()
    assert sorted(line.split()[1] for line in lines) == sorted(by_name(project))
    (stopped,) = (line for line in lines if "stopped.gfn2" in line)
    assert WALL_TIME in stopped
    assert first == "4 jobs: 1 waiting, 1 stopped, 1 converged, 1 not converged"


def test_only_some_states_are_listed_and_all_are_counted(project: Path) -> None:
    first, _, line = status(project, "--only", "failed,running").stdout.splitlines()
    assert first.startswith("4 jobs: ")
    assert "failed.gfn2" in line
    assert status(project, "--only", "running").stdout == f"{first}\n"
    (found,) = json.loads(status(project, "--only", "stopped", "--json").stdout)
    assert found["name"] == "stopped.gfn2"
    wrong = status(project, "--only", "faild", returncode=1)
    assert wrong.stderr == "iondrill: --only: there is no state 'faild'; did you mean 'failed'?\n"


def test_a_record_that_is_gone_and_any_other_file_of_a_finished_run_are_told(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    (copy / "config.yaml").write_text("levels: {gfn2: {engine: xtb}}\nrelax: {structures: [done]}\n")
    for name in ("stopped", "failed"):
        shutil.rmtree(copy / f"results/jobs/relax/{name}.gfn2")
    plan = Plan(read_config_in(copy))
    for path in published(plan):
        if not (copy / path).exists():
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            (copy / path).touch()
    assert "missing" not in status(copy).stdout

    relaxed = copy / "results/jobs/relax/done.gfn2/relaxed.extxyz"
    for path in (relaxed, copy / "results/report.html", copy / "results/structures/done.json"):
        kept = path.read_bytes()
        path.unlink()
        lines = [line for line in status(copy).stdout.splitlines() if line.startswith("missing: ")]
        assert lines == [f"missing: {path.relative_to(copy)}; `snakemake` makes it"]
        path.write_bytes(kept)

    relaxed.with_name("result.json").unlink()
    assert by_name(copy)["done.gfn2"]["state"] == "record_missing"
    assert "result.json" in status(copy).stdout.partition("missing: ")[2]


def test_nothing_is_written_and_all_wait_before_anything_ran(tmp_path: Path) -> None:
    fresh = make_project(tmp_path / "fresh", CONFIG, {"clusters/done.xyz": molecule("CH4")})
    (fresh / "config.yaml").write_text("levels: {gfn2: {engine: xtb}}\nrelax: {structures: [done]}\n")
    before = sorted(fresh.rglob("*"))
    assert [job["state"] for job in by_name(fresh).values()] == ["waiting"]
    assert sorted(fresh.rglob("*")) == before


def test_a_job_that_the_configuration_no_longer_names_is_listed_too(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    (copy / "more.yaml").write_text("relax: {structures: [waiting]}\n")
    arguments = ("--configfile", "config.yaml", "more.yaml", "--json")
    found = json.loads(status(copy, *arguments).stdout)
    assert sorted(entry["name"] for entry in found) == sorted(by_name(copy))


def test_a_damaged_record_is_told_and_the_others_stand(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    (copy / "results/jobs/relax/done.gfn2/result.json").write_text("{")
    jobs = by_name(copy)
    assert jobs["done.gfn2"]["state"] == "unreadable"
    assert "result.json" in str(jobs["done.gfn2"]["reason"])
    assert jobs["stopped.gfn2"]["state"] == "stopped"


def test_a_wrong_configuration_ends_in_one_line(tmp_path: Path) -> None:
    done = status(tmp_path, returncode=1)
    assert done.stdout == ""
    assert done.stderr.startswith("iondrill: config.yaml: there is no such file in ")
    assert done.stderr.count("\n") == 1
