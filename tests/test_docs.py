"""What README and docs say of the repository is there: files, pages, targets, and what jobs ask for."""

from __future__ import annotations

import re
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from iondrill.cli import parser
from iondrill.cli.docs import generated
from iondrill.config.project import read_config
from iondrill.engines.requests import request
from iondrill.geometry.io import write_structure
from iondrill.geometry.registry import build
from iondrill.jobs.name import JobId
from iondrill.jobs.size import read_size
from iondrill.prepare.plan import Plan

FOLDERS = (
    ".ci",
    "benchmarks",
    "docs",
    "examples",
    "profiles",
    "schemas",
    "structures",
    "templates",
    "tests",
    "tools",
    "workflow",
)
BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s#]+)[^)\s]*\)")
INLINE = re.compile(r"`([^`\n]+)`")
REQUEST = re.compile(r"^\| (?P<job>[^|]+) \| (?P<GB>[\d.]+) GB, ", re.MULTILINE)
RUNS = {
    "PBE-D3, dynamics of the paper's 225 atoms in 50 Å, 300 Ry, 16 ranks": "paper.pbe-d3-md",
    "the same in the fitted box": "fitted-box.pbe-d3-md",
    "the same in 50 Å with sodium, 600 Ry": "na.pbe-d3-md-na",
}


def pages(root: Path) -> dict[Path, str]:
    """Return the text of each page, code blocks left out, by its path."""
    paths = [
        root / "README.md",
        root / "CONTRIBUTING.md",
        root / "CHANGELOG.md",
        root / "config/README.md",
        root / "examples/README.md",
        *sorted((root / "docs").glob("*.md")),
    ]
    return {path: BLOCK.sub("", path.read_text(encoding="utf-8")) for path in paths}


def links(path: Path, text: str) -> list[Path]:
    """Return the files that a page links to."""
    return [(path.parent / link).resolve() for link in LINK.findall(text) if "://" not in link]


def cited(root: Path, text: str) -> list[Path]:
    """Return the paths in backticks that begin with a folder of the repository; of a command its first word."""
    words = (code.split()[0] for code in INLINE.findall(text) if code.strip())
    return [root / word for word in words if "/" in word and word.partition("/")[0] in FOLDERS and "<" not in word]


def test_every_file_that_is_cited_exists(root: Path) -> None:
    found = 0
    for path, text in pages(root).items():
        # what a page lets its reader write is not shipped
        written = re.findall(r"^# (structures/\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        named = [*links(path, text), *cited(root, text)]
        missing = [str(each) for each in named if not each.exists() and str(each.relative_to(root)) not in written]
        assert not missing, path
        found += len(named)
    assert found > 50


def test_every_page_is_linked_from_another(root: Path) -> None:
    texts = pages(root)
    linked = {link for path, text in texts.items() for link in links(path, text) if link != path}
    assert {path for path in texts if path.parent.name == "docs"} <= linked


def test_every_page_is_on_the_site(root: Path) -> None:
    def pages_of(entries: list[dict[str, Any]]) -> list[str]:
        inside = (inner for entry in entries for inner in entry.values())
        return [page for one in inside for page in (pages_of(one) if isinstance(one, list) else [one])]

    settings = yaml.safe_load((root / "mkdocs.yml").read_text(encoding="utf-8"))
    shown = pages_of(settings["nav"])
    assert len(shown) == len(set(shown))
    assert set(shown) == {path.name for path in (root / "docs").glob("*.md")}
    assert settings["strict"] is True


def test_the_readme_is_short(root: Path) -> None:
    assert len((root / "README.md").read_text(encoding="utf-8").splitlines()) <= 90


def test_the_citation_is_of_this_version(root: Path) -> None:
    cited = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(cited["version"]) == version("iondrill")
    assert cited.keys() >= {"cff-version", "message", "title", "authors", "license"}
    assert "10.1002/eem2.12749" in [one["doi"] for one in cited["references"]]


def test_the_readme_names_every_target(root: Path) -> None:
    (targets,) = re.findall(r"^# Targets: all \(default\), (.*)\.$", (root / "Snakefile").read_text(), re.MULTILINE)
    readme = (root / "README.md").read_text(encoding="utf-8")
    calls = set(re.findall(r"`snakemake (?:--cores 1 )?(\w+)`", readme))
    assert set(targets.split(", ")) <= calls


def test_every_target_that_is_cited_is_in_the_makefile(root: Path) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (root / "Makefile").read_text(), re.MULTILINE))
    others = [root / name for name in (".pre-commit-config.yaml", ".ci/run", "Makefile", "pyproject.toml")]
    sources = [path for folder in ("tests", "tools", "workflow") for path in (root / folder).rglob("*.py")]
    found = 0
    for path in [*pages(root), *others, *sources]:
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"`make ([a-z][\w-]*)", text))
        if path.suffix in {"", ".md"}:  # commands on lines of their own
            named |= set(re.findall(r"^(?: {4,})?make ([a-z][\w-]*)", text, re.MULTILINE))
        assert named <= targets, path
        found += len(named)
    assert found > 10


def test_the_hooks_run_what_is_there_on_the_files_that_are_there(root: Path) -> None:
    hooks = yaml.safe_load((root / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    paths = [*root.iterdir(), *(path for folder in FOLDERS for path in (root / folder).rglob("*"))]
    files = [str(path.relative_to(root)) for path in paths if path.is_file()]
    for hook in hooks:
        assert shutil.which(hook["entry"].split()[0], path=Path(sys.executable).parent), hook["id"]
        for pattern in re.split(r"\n\s+\|", hook.get("files", "").removeprefix("(?x)^(").removesuffix(")$\n")):
            assert any(re.search(pattern.strip(), path) for path in files), (hook["id"], pattern)
    (reference,) = (hook["files"] for hook in hooks if hook["id"] == "reference")
    sources = ["pyproject.toml", "structures/crystals/Li-bcc.yaml", "workflow/iondrill/geometry/surfaces/lattices.yaml"]
    for path in [*sources, *(str(path.relative_to(root)) for path in generated(root, parser()))]:
        assert re.search(reference, path), path


@pytest.mark.parametrize("words", RUNS)
def test_the_papers_runs_ask_for_what_the_page_says(root: Path, tmp_path: Path, words: str) -> None:
    plan = Plan(read_config(root / "config.yaml", root / "examples/paper.yaml"))
    job = plan.job(JobId.parse("md", RUNS[words]))
    if cutoff := re.search(r"(\d+) Ry", words):
        assert job.level.cutoff_Ry == float(cutoff[1])
    assert job.level.ranks == 16
    structure = tmp_path / "start.extxyz"
    # the box of the relaxed parts, which the run has, is a few tenths of an Å from that of the parts as built
    write_structure(build(plan.md.assembly(RUNS[words].partition(".")[0]), root / "structures"), structure)
    text = (root / "docs/running-on-a-cluster.md").read_text(encoding="utf-8")
    said = {match["job"]: match["GB"] for match in REQUEST.finditer(text)}
    assert float(said[words]) == pytest.approx(request(job, read_size(structure)).mem_mb / 1000, abs=0.6)
