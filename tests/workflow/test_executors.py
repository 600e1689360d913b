"""What the executors of LSF and HTCondor are told, in their own words: a plugin of their name writes it down."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from projects import SHEET, make_project, run, snakemake

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = """
import json
from pathlib import Path

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.settings import CommonSettings

common_settings = CommonSettings(
    non_local_exec=True, implies_no_shared_fs=False, job_deploy_sources=False, init_seconds_before_status_checks=0
)


class Executor(RemoteExecutor):
    def run_job(self, job):
        asked = {key: word for key, word in job.resources.items() if isinstance(word, (int, str))}
        Path("asked.json").write_text(json.dumps(asked | {"threads": job.threads}))
        self.report_job_submission(SubmittedJobInfo(job))
        self.report_job_error(SubmittedJobInfo(job))

    async def check_active_jobs(self, active_jobs):
        return
        yield

    def cancel_jobs(self, active_jobs):
        pass
"""


@pytest.mark.workflow
@pytest.mark.parametrize("name", ["lsf", "htcondor"])
def test_an_executor_is_asked_in_its_own_words(tmp_path: Path, name: str) -> None:
    levels: dict[str, Any] = {"gfn2": {"engine": "xtb"}, "pbe": {"engine": "cp2k", "ranks": 4}}
    config = {"levels": levels, "adsorption": {"level": "pbe", "facets": ["sheet"]}}
    project = make_project(tmp_path / "project", config, {"facets/sheet.yaml": SHEET})
    plugin = tmp_path / f"plugins/snakemake_executor_plugin_{name}/__init__.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(PLUGIN)
    record = "results/jobs/adsorption/atom.Li.pbe/result.json"
    options = ["--workflow-profile", "none", "--executor", name, "--jobs", "1"]
    options += ["--default-resources", "mem_mb=1", "runtime=1"]
    done = run(snakemake(project, *options, "--", record), PYTHONPATH=str(plugin.parents[1]))
    assert (project / "asked.json").is_file(), done.stdout + done.stderr
    asked = json.loads((project / "asked.json").read_text())
    assert asked["threads"] == 4
    assert asked["runtime"] > 1
    assert asked["mem_mb"] > 100
    if name == "lsf":
        assert (asked["cpus_per_task"], asked["mpi"]) == (4, "")
    else:
        assert asked["htcondor_request_mem_mb"] == asked["mem_mb"]
