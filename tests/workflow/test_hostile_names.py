"""Folders, names and texts that a shell would act on: they run as they are, or are refused; nothing is executed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from faultdrill.projects import PROJECTS
from iondrill.config.load import check_config, read_documents
from iondrill.errors import UserError

pytestmark = pytest.mark.workflow

UNKIND = [
    "a b",
    "'; touch gotcha; '",
    "$(touch gotcha)",
    "`touch gotcha`",
    "a|touch gotcha",
    "../up",
    "Diamant-ü",
    "-n",
]


@pytest.mark.parametrize("name", UNKIND)
def test_names_that_become_paths_are_refused(tmp_path: Path, name: str) -> None:
    for content in (
        {"md": {"run": [name], "runs": {name: {"assembly": "drill"}}}},
        {"md": {"run": ["drill"], "runs": {"drill": {"assembly": name}}}},
        {"adsorption": {"facets": [name], "ions": ["Li"]}},
        {"levels": {name: {"engine": "xtb"}}, "relax": {"level": name}},
    ):
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump({"levels": {"gfn2": {"engine": "xtb"}}, **content}))
        with pytest.raises(UserError, match="allowed"):
            check_config(read_documents(path))


def test_a_run_in_a_folder_of_an_unkind_name(tmp_path: Path, root: Path) -> None:
    """With an unkind title, and commands whose words are passed on as they are."""
    project = PROJECTS["short"].make(tmp_path / 'it\'s a $(touch gotcha); `touch gotcha` "ü"')
    config = yaml.safe_load((project / "config.yaml").read_text())
    config["title"] = "'; touch gotcha; $(touch gotcha) {wildcards} <b> ü"
    config["levels"]["pbe-d3"]["command"] = ["cp2k.psmp; touch gotcha"]
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    record = "results/jobs/adsorption/atom.Li.gfn2/result.json"
    command = [str(Path(sys.executable).with_name("snakemake")), record, "-s", str(root / "Snakefile"), "--cores", "1"]
    done = subprocess.run(
        command, cwd=project, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert json.loads((project / record).read_text())["status"] == "converged"
    assert not list(tmp_path.rglob("gotcha*"))
    assert not (root / "gotcha").exists()
