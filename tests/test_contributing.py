"""The lists of files in CONTRIBUTING.md are those that a change touches."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from iondrill.analyse.forms import FORMS
from iondrill.config.project import read_config
from iondrill.engines.registry import ENGINES
from iondrill.prepare.plan import Plan

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "workflow/iondrill"
ROW = re.compile(r"^\| `(?P<file>[^`]+)` \| .* \|(?P<condition>.*)\|$", re.MULTILINE)
STAGES = tuple(Plan(read_config(ROOT / "config.yaml")).stages)
FACETS = tuple(path.stem for path in (ROOT / "structures/facets").glob("*.yaml"))
OTHER_MEANINGS = {
    "config/cp2k_elements.py": {"cp2k"},  # what the program's data files hold
    "config/consistency.py": {"verify"},  # a section of `md`
    "potential/card.py": {"ase"},  # the package
    "publish/crate.py": {"ase"},
    "publish/energies.py": {"adsorption"},  # whose energies are published
    "geometry/checks.py": {"vasp"},  # ASE's name of the format POSCAR
    "config/levels.py": {"relax", "md"},  # tasks of that name
    "jobs/job.py": {"relax", "md"},
    "collect/progress.py": {"relax", "md"},
    "engines/cp2k/engine.py": {"relax", "md", "elf"},  # what its settings are for
    "prepare/recipe_keys.py": {"md"},  # a section of the configuration
    "report/data.py": {"relax", "md", "elf", "adsorption"},  # folders of results
    "notebook/opened.py": {"md", "elf"},  # folders of results
    "prepare/estimates.py": {"convergence"},
    "report/page/build.py": {"elf", "adsorption"},  # parts of the page
    "report/sections/made.py": {"ase", "md"},  # the package, and the ending of a file
    "report/sections/highlights.py": {"adsorption"},
    "report/sections/elf.py": {"elf"},  # folders and columns
    "report/sections/first.py": {"adsorption"},  # the section of the page
    "report/sections/site_pictures.py": {"adsorption"},  # the jobs that are drawn
    "workflow/rules/common.smk": {"elf"},  # which job a single point takes its wavefunction from
    "prepare/stages/barriers.py": {"adsorption"},  # its ends are relaxed in that stage
    "prepare/stages/base.py": {"adsorption"},  # so are free atoms
    "prepare/stages/verify.py": {"md"},  # runs are repeated in that stage
    "prepare/stages/sweeps.py": {"convergence"},  # the studies of that stage
    "analyse/elf/check.py": {"elf"},  # the stage whose jobs it imitates
    "analyse/elf/grid.py": {"elf"},  # arrays and columns
    "analyse/elf/lines.py": {"elf"},
    "analyse/elf/map.py": {"elf"},
    "engines/ase/calculator.py": {"free_energy"},  # a result of ASE's calculators
    "engines/ase/learned.py": {"free_energy"},
    "engines/embedded/neb.py": {"free_energy"},
    "engines/embedded/relax.py": {"free_energy"},
    "engines/xtb/calculator.py": {"free_energy"},
    "engines/xtb/wavefunction.py": {"shells"},  # of a basis
    "analyse/claims/ledger.py": {"free_energy"},  # a kind of test
    "analyse/claims/verdict.py": {"free_energy"},
}
"""Where an engine's or a stage's name means something else, or names a stage that other stages build on."""


class Listed(NamedTuple):
    """A file that a kind of change touches."""

    pattern: str
    always: bool

    def paths(self, name: str) -> list[Path]:
        """Return the files that the pattern matches when something of this name is added."""
        pattern = re.sub(r"<(?!script)\w+>", name, self.pattern).replace("<script>", "*").rstrip("/")
        base = PACKAGE if (PACKAGE / pattern.partition("/")[0]).exists() else ROOT
        return list(base.glob(pattern))


def listed(kind: str) -> list[Listed]:
    """Return the files that a section of the page lists."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^### {re.escape(kind)}$(.*?)(?=^##)", text, re.MULTILINE | re.DOTALL)
    return [Listed(row["file"], not row["condition"].strip()) for row in ROW.finditer(section)]


@cache
def package_files() -> dict[str, str]:
    """Return the text of each file of package and workflow."""
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "workflow/rules").glob("*.smk"), ROOT / "Snakefile"]
    names = ((file, file.relative_to(PACKAGE if PACKAGE in file.parents else ROOT)) for file in files)
    return {name.as_posix(): file.read_text(encoding="utf-8") for file, name in names}


@cache
def naming(words: str) -> set[str]:
    """Return the files of package and workflow in which a text is a literal of its own, and names no Python package."""
    literal = re.compile(rf"""(?<!\bversion\()(["']){re.escape(words)}\1""")
    return {name for name, text in package_files().items() if literal.search(text)}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("An engine", tuple(ENGINES)),
        ("A stage", STAGES),
        ("An analysis with a figure", ("diffraction",)),
        ("A column of adsorption.csv", ("",)),
        ("A facet, a cluster, a flake", FACETS),
        ("A key of config.yaml", ("",)),
    ],
)
def test_every_file_of_a_list_is_there_for_all_that_exist(kind, names):
    assert names
    files = listed(kind)
    assert any(file.always for file in files)
    for file in files:
        there = [name for name in names if file.paths(name)]
        assert there == list(names) if file.always else there, file.pattern


@pytest.mark.parametrize(("kind", "names"), [("An engine", tuple(ENGINES)), ("A stage", STAGES)])
def test_no_file_outside_the_list_names_an_engine_or_a_stage(kind, names):
    for name in names:
        allowed = {path.relative_to(ROOT).as_posix() for file in listed(kind) for path in file.paths(name)}
        allowed |= {path.removeprefix("workflow/iondrill/") for path in allowed}
        own = f"engines/{name}/"
        found = {file for file in naming(name) if not file.startswith(own)}
        others = {file for file, meanings in OTHER_MEANINGS.items() if name in meanings}
        assert found - others <= allowed, name


def test_a_name_has_another_meaning_only_where_it_is_found():
    for file, names in OTHER_MEANINGS.items():
        assert names <= {name for name in (*ENGINES, *STAGES) if file in naming(name)}, file


def test_no_file_of_the_package_names_a_facet():
    assert len(FACETS) > 10
    assert {name: naming(name) for name in FACETS if naming(name)} == {}


def test_the_file_of_a_column_of_adsorption_is_that_which_declares_them():
    (file,) = (path for one in listed("A column of adsorption.csv") for path in one.paths(""))
    module = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
    assert import_module(module).ADSORPTION is FORMS["adsorption.csv"]
    assert "ADSORPTION = TableForm" in file.read_text(encoding="utf-8")


def test_the_files_that_tell_of_an_analysis_are_those_of_its_list():
    listed_files = {path for file in listed("An analysis with a figure") for path in file.paths("diffraction")}
    files = [path for suffix in ("py", "smk", "rst") for path in (ROOT / "workflow").rglob(f"*.{suffix}")]
    tell = {path for path in [*files, ROOT / "Snakefile"] if "diffract" in path.read_text(encoding="utf-8").lower()}
    measured = {path for path in tell if PACKAGE / "echem" in path.parents}  # what it says of measurements
    assert measured < tell
    assert tell - measured <= listed_files
