"""What snakedeploy and the Snakemake Workflow Catalog ask of a repository, as their sources read it.

The catalog (``scripts/generate-catalog.py`` of snakemake/snakemake-workflow-catalog) takes the folder ``workflow`` for
the workflow's if it is there, wants a Snakefile in it and rules that end in ``.smk``, lints from the root, and formats
``workflow/Snakefile`` and ``workflow/rules/*.smk``. The usage is shown of a repository with ``config/README.md`` and
``.snakemake-workflow-catalog.yml``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.sourcecache import GithubFile

METHODS = {"conda", "singularity", "singularity+conda", "apptainer", "apptainer+conda"}


def test_the_catalog_finds_the_workflow(root: Path) -> None:
    words = (root / "README.md").read_text(encoding="utf-8").lower()
    assert "snakemake" in words
    assert "workflow" in words
    assert (root / "workflow/Snakefile").is_file()
    assert {path.suffix for path in (root / "workflow/rules").iterdir() if path.is_file()} == {".smk"}


def test_the_catalog_shows_how_it_is_used(root: Path) -> None:
    usage = yaml.safe_load((root / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))["usage"]
    assert usage.keys() <= {"mandatory-flags", "software-stack-deployment", "report"}
    assert usage["mandatory-flags"].keys() == {"desc", "flags"}
    methods = usage["software-stack-deployment"]
    assert methods.keys() <= METHODS
    assert any(methods.values())
    assert usage["report"] is True
    assert (root / "config/README.md").read_text(encoding="utf-8").startswith("# ")


def test_the_catalog_finds_it_formatted(root: Path) -> None:
    files = [root / "workflow/Snakefile", *(root / "workflow/rules").glob("*.smk")]
    program = Path(sys.executable).with_name("snakefmt")
    done = subprocess.run([program, "--check", *files], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def included(file: GithubFile, root: Path) -> list[str]:
    """Return the paths that a Snakefile on a git host includes, and what these include."""
    names = re.findall(r'^include: "(.+)"$', (root / file.path).read_text(encoding="utf-8"), re.MULTILINE)
    files = [file.get_basedir().join(name) for name in names]
    return [path for one in files for path in (one.path, *included(one, root))]


def test_from_a_git_host_every_included_file_is_found(root: Path) -> None:
    paths = included(GithubFile("owner/name", path="workflow/Snakefile", tag="v1"), root)
    assert paths[0] == "Snakefile"
    assert set(paths[1:]) == {f"workflow/rules/{path.name}" for path in (root / "workflow/rules").glob("*.smk")}


@pytest.mark.workflow
def test_what_snakedeploy_writes_runs(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "config", tmp_path / "config")  # links are followed, as snakedeploy does
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text(
        'from snakemake.utils import min_version\n\nmin_version("6.10.0")\n\nconfigfile: "config/config.yaml"\n\n'
        f'module iondrill:\n    snakefile: \n        "{root}/workflow/Snakefile"\n    config:\n        config\n\n'
        "use rule * from iondrill\n"
    )
    command = [Path(sys.executable).with_name("snakemake"), "-n"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "run_md" in done.stdout + done.stderr
