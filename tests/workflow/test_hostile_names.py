"""Folders, names and texts that a shell would act on: they run as they are, or are refused; nothing is executed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from projects import run, snakemake

from faultdrill.projects import PROJECTS
from iondrill.config.project import check_config, read_documents
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


PROGRAM = """\
#!/bin/sh
printf '%s\\n' "$0" "$@" . >> "$SAID"
case "$*" in *--version*) echo ' CP2K version 2024.1';; *) exit 1;; esac
"""


def test_a_run_in_a_folder_of_an_unkind_name(tmp_path: Path, root: Path) -> None:
    """By rules that start a shell and one that does not; also results, recipes, title and program have such names."""
    project = PROJECTS["short"].make(tmp_path / 'it\'s a $(touch gotcha); `touch gotcha` "ü"')
    words = ["cp2k.psmp; touch gotcha", "$(touch gotcha)", "'; touch gotcha; '"]
    program = tmp_path / "bin" / words[0]
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    config = yaml.safe_load((project / "config.yaml").read_text())
    config["title"] = "'; touch gotcha; $(touch gotcha) {wildcards} <b> ü"
    config["results"] = "out'; touch gotcha; $(touch gotcha) `touch gotcha` \"ü"
    config["structures"] = "recipes '; touch gotcha; $(touch gotcha)"
    (project / "structures").rename(project / config["structures"])
    config["adsorption"]["fmax_eV_A"] = 1.0
    config["levels"]["pbe-d3"] |= {"launcher": [], "command": words}
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    jobs = Path(config["results"]) / "jobs/adsorption"
    names = ("atom.Li.gfn2", "tiny-100.clean.gfn2", "tiny-100.Li-cave.gfn2")
    asked = [str(jobs / name / "result.json") for name in (*names, "tiny-100.clean.pbe-d3")]
    said, path = tmp_path / "said", f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    command = snakemake(project, "--cores", "1", "--keep-going", *asked)
    done = run(command, project, PATH=path, SAID=str(said))
    for name in names:
        record = project / jobs / name / "result.json"
        assert record.is_file(), (done.stdout + done.stderr)[-3000:]
        assert json.loads(record.read_text())["status"] == "converged"
    # the program alone was started, with its words as written there; its failure ends in a message
    assert done.returncode != 0
    assert "CP2K did not start (exit status 1)" in done.stderr
    assert "Traceback" not in done.stderr
    starts = [start.split("\n") for start in said.read_text().removesuffix("\n.\n").split("\n.\n")]
    assert {start[0] for start in starts} == {str(program)}
    assert [str(program), *words[1:], "-i", "job.inp", "-o", "job.out"] in starts
    assert not list(tmp_path.rglob("gotcha*"))
    assert not (root / "gotcha").exists()
