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


@pytest.mark.parametrize(
    "word",
    [
        *UNKIND[1:5],
        "x; touch gotcha; true",
        "a&b",
        "a>b",
        "a b",
        "a\nb",
        "-x",
        "~/x",
        "{config}",
        'a"b',
        "a\\b",
        "",
        "g*",
    ],
)
def test_what_snakemake_puts_into_a_shell_unquoted_holds_nothing_that_it_would_act_on(
    tmp_path: Path, word: str
) -> None:
    path = tmp_path / "config.yaml"
    for key, value in (("modules.1", {"modules": ["cp2k", word]}), ("container", {"container": word})):
        path.write_text(yaml.safe_dump({"levels": {"gfn2": {"engine": "xtb"}}, "software": value}))
        with pytest.raises(UserError) as caught:
            check_config(read_documents(path))
        (problem,) = caught.value.problems
        assert f"software.{key} (line " in problem.where
        assert problem.allowed.startswith("allowed: letters, digits and . _ / + : @ =")
        assert len(str(problem).splitlines()) == 1


def test_modules_and_images_as_people_name_them(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    modules = ["cp2k/2023.1", "gcc-12.2_x+y", "GCCcore/.12.3.0", "/apps/modules/vasp/6.4", "openmpi@4.1", "a:b/1=2"]
    for image in (
        "docker://ghcr.io/me/iondrill:1.0",
        "docker://debian@sha256:0f3a",
        "oras://host:5000/a/b:latest",
        "library://me/x",
        "/images/iondrill-1.0.sif",
        "../images/iondrill.sif",
        "https://example.org/~me/a%20b.sif",
    ):
        software = {"modules": modules, "container": image}
        path.write_text(yaml.safe_dump({"levels": {"gfn2": {"engine": "xtb"}}, "software": software}))
        config = check_config(read_documents(path))
        assert (config.software.modules, config.software.container) == (modules, image)


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
