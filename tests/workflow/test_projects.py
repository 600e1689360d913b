"""One install, many projects: each way in; own and shipped recipes together; an install that moves."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from projects import ROOT, SHEET, make_project, rows, run, snakemake

from iondrill.cli.init import init, profiles
from iondrill.errors import UserError

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.workflow

OWN, SHIPPED = "sheet", "graphene"
CONFIG: dict[str, Any] = {
    "levels": {"gfn2": {"engine": "xtb"}},
    "adsorption": {
        "facets": [OWN, SHIPPED],
        "sites": {OWN: ["hollow"], SHIPPED: ["hollow"]},
        "fmax_eV_A": 5.0,
        "look_around_A": [],
    },
}
PROGRAM = str(Path(sys.executable).with_name("snakemake"))
INSTALLED = ("Snakefile", "config.yaml", "profiles", "pyproject.toml", "schemas", "structures", "templates", "workflow")


def planned(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """Return how many jobs of each rule a dry run plans."""
    assert done.returncode == 0, done.stderr[-4000:]
    _, found, table = (done.stdout + done.stderr).partition("\njob ")
    assert found or "Nothing to be done" in done.stdout + done.stderr
    lines = [line.split() for line in table.partition("\ntotal")[0].splitlines()[2:]]
    return {name: int(count) for name, count in lines}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project with one recipe of its own, on a path with spaces."""
    return make_project(tmp_path / "my project", CONFIG, {f"facets/{OWN}.yaml": SHEET})


OF_TABLE = {"build_structure": 2, "relax_slab": 2, "relax_adsorbate": 4, "run_atom": 2, "tabulate_adsorption": 1}
OF_BOTH = OF_TABLE | {"write_report": 1}


def test_the_snakefile_of_the_install_works_from_anywhere(project: Path, tmp_path: Path) -> None:
    command = [PROGRAM, "-n", "-s", str(ROOT / "Snakefile"), "--directory", "my project"]
    assert planned(run(command, folder=tmp_path)).items() >= OF_BOTH.items()
    command = [PROGRAM, "-n", "-s", os.path.relpath(ROOT / "workflow/Snakefile", project)]
    assert planned(run(command, folder=project)).items() >= OF_BOTH.items()


def test_configuration_files_in_any_place_and_order(project: Path, tmp_path: Path) -> None:
    fewer, elsewhere = tmp_path / "fewer facets.yaml", tmp_path / "elsewhere"
    fewer.write_text(yaml.safe_dump({"adsorption": {"facets": [OWN]}}))
    elsewhere.mkdir()
    config, directory = str(project / "config.yaml"), ["--directory", str(project)]
    start = [PROGRAM, "-n", "-s", str(ROOT / "Snakefile")]
    for words in (
        [*directory, "--configfile", "../fewer facets.yaml"],
        ["--configfile", config, "../fewer facets.yaml", *directory, "--", "all"],
    ):
        assert planned(run([*start, *words], folder=elsewhere))["relax_slab"] == 1, words
    # the last file decides, and config.yaml may be the last
    last = planned(run([*start, *directory, "--configfile", str(fewer), config], folder=elsewhere))
    assert last["relax_slab"] == 2


def test_as_modules_with_and_without_a_prefix(project: Path) -> None:
    places = {"plain": "", "inside": 'prefix: "a folder"', "instead": 'replace_prefix: {"results/": "elsewhere/"}'}
    text = 'configfile: "settings.yaml"\n'
    for name, how in places.items():
        text += f'module {name}:\n    snakefile: "{ROOT}/workflow/Snakefile"\n    config: config\n    {how}\n'
        text += f"use rule * from {name} as {name}_*\n"
    (project / "Snakefile").write_text(text)
    (project / "config.yaml").rename(project / "settings.yaml")
    tables = ["results/adsorption.csv", "a folder/results/adsorption.csv", "elsewhere/adsorption.csv"]
    jobs = planned(run([PROGRAM, "-n", *tables], folder=project))
    for name in places:
        assert jobs.items() >= {f"{name}_{rule}": count for rule, count in OF_TABLE.items()}.items()
    # what a job is told is where Snakemake looks for it
    fewer = [
        "--config",
        f"adsorption={{facets: [{OWN}], sites: {{{OWN}: [hollow]}}, ions: [Li], fmax_eV_A: 5.0, look_around_A: []}}",
    ]
    done = run([PROGRAM, "--cores", "2", tables[1], *fewer], folder=project)
    assert done.returncode == 0, done.stderr[-4000:]
    (row,) = rows(project / tables[1])
    assert (row["facet"], row["site"]) == (OWN, "hollow")
    assert float(row["height_A"]) > 1
    assert {path.name for path in project.iterdir() if path.is_dir()} == {".snakemake", "structures", "a folder"}


def test_a_mistake_in_the_configuration_of_a_module_is_named_by_its_key(project: Path) -> None:
    module = f'module iondrill:\n    snakefile: "{ROOT}/Snakefile"\n    config: config\nuse rule * from iondrill\n'
    (project / "Snakefile").write_text(f"config['levels'] = {{'gfn2': {{'engine': 'xtc'}}}}\n{module}")
    (project / "config.yaml").unlink()
    done = run([PROGRAM, "-n"], folder=project)
    assert done.returncode == 1
    assert "the module's configuration: levels.gfn2.engine: found 'xtc'" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_folder_without_configuration_is_said_in_one_line(tmp_path: Path) -> None:
    done = run(snakemake(tmp_path, "-n"))
    assert done.returncode == 1
    assert f"config.yaml: there is no such file in {tmp_path}; `iondrill init` writes one" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("snakefile", ["Snakefile", "templates/project/Snakefile"])
def test_a_snakemake_without_the_package_says_what_to_install(project: Path, tmp_path: Path, snakefile: str) -> None:
    hide = "import sys\nsys.meta_path.insert(0, type('F', (), {'find_spec': staticmethod(lambda name, *_: "
    hide += "(_ for _ in ()).throw(ModuleNotFoundError(name=name)) if name == 'iondrill' else None)}))\n"
    without = "import importlib.util, sys\nfound = importlib.util.find_spec\n"
    without += "importlib.util.find_spec = lambda name, *more: None if name == 'iondrill' else found(name, *more)\n"
    (tmp_path / "sitecustomize.py").write_text(hide + without)
    command = [PROGRAM, "-n", "-s", str(ROOT / snakefile), "--directory", str(project)]
    done = run(command, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "Snakemake's Python does not have the package iondrill" in done.stdout + done.stderr
    assert "pip install -e" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Run a project that `iondrill init` made, with an install of its own, to its report; return both folders."""
    base = tmp_path_factory.mktemp("an install")
    install, project = base / "the install", base / "my own project"
    install.mkdir()
    for name in INSTALLED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, install / name)
    init(project)
    (project / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    with (project / "Snakefile").open("a") as snakefile:  # as the comment in it says
        snakefile.write('\n\nonsuccess:\n    shell("cp {log:q} told")\n')
    (project / "structures/facets").mkdir()
    (project / f"structures/facets/{OWN}.yaml").write_text(yaml.safe_dump(SHEET))
    done = run([PROGRAM, "--cores", "2"], folder=project, PYTHONPATH=str(install / "workflow"))
    assert done.returncode == 0, done.stderr[-4000:]
    return install, project


def test_own_and_shipped_facets_in_one_report(finished: tuple[Path, Path]) -> None:
    _, project = finished
    assert {row["facet"] for row in rows(project / "results/adsorption.csv")} == {OWN, SHIPPED}
    page = (project / "results/report.html").read_text()
    assert OWN in page
    assert "steps (100%) done" in (project / "told").read_text()
    assert SHIPPED in page


def test_the_record_says_which_recipe_and_what_it_held(finished: tuple[Path, Path]) -> None:
    install, project = finished
    for name, folder, version in ((OWN, project, ""), (SHIPPED, install, "0.1.0")):
        (origin,) = json.loads((project / f"results/structures/{name}.json").read_text())["made_from"]
        assert (origin["file"], origin["install"]) == (f"structures/facets/{name}.yaml", version)
        assert origin["sha256"] == hashlib.sha256((folder / origin["file"]).read_bytes()).hexdigest()


def test_an_install_that_has_moved_recomputes_nothing(finished: tuple[Path, Path]) -> None:
    install, project = finished
    moved = install.rename(install.with_name("moved elsewhere"))
    for path in moved.rglob("*"):
        os.utime(path, follow_symlinks=False)
    here = {"PYTHONPATH": str(moved / "workflow")}
    assert planned(run([PROGRAM, "-n"], folder=project, **here)) == {}
    recipe = moved / f"structures/facets/{SHIPPED}.yaml"
    recipe.write_text(recipe.read_text().replace("vacuum_A: 20", "vacuum_A: 21"))
    again = planned(run([PROGRAM, "-n"], folder=project, **here))
    assert again["build_structure"] == 1
    assert again["relax_adsorbate"] == 2
    script = moved / "workflow/scripts/build_structure.py"
    script.write_text(script.read_text() + "# looks at more\n")
    assert planned(run([PROGRAM, "-n"], folder=project, **here))["build_structure"] == 2
    levels = moved / "workflow/iondrill/config/levels.py"
    levels.write_text(levels.read_text().replace("revision: ClassVar[int] = 1", "revision: ClassVar[int] = 2"))
    assert planned(run([PROGRAM, "-n"], folder=project, **here)).items() >= OF_TABLE.items()


def test_an_environment_of_conda_gets_the_package_of_the_install(tmp_path: Path) -> None:
    script = ROOT / "workflow/envs/iondrill.post-deploy.sh"
    (tmp_path / "python").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "python").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = run(["bash", str(script)], PATH=path, IONDRILL_INSTALL=str(ROOT))
    assert done.returncode == 0
    assert done.stdout.split()[:3] == ["-m", "pip", "install"]
    assert done.stdout.split()[-2:] == ["--editable", str(ROOT)]
    done = run(["bash", str(script)], PATH=path, IONDRILL_INSTALL=str(tmp_path))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"iondrill: --sdm conda needs the clone of iondrill; there is none at '{tmp_path}'\n"


def test_init_replaces_nothing(tmp_path: Path) -> None:
    assert {"default", "slurm", "cluster-generic"} <= set(profiles())
    written = init(tmp_path / "new", "slurm")
    assert all(path.is_file() for path in written)
    with pytest.raises(UserError, match="exists already"):
        init(tmp_path / "new")
    with pytest.raises(UserError, match="there is no profile 'slrum'; did you mean 'slurm'"):
        init(tmp_path / "other", "slrum")
    assert not (tmp_path / "other").exists()
    assert "executor: slurm" in (tmp_path / "new/profiles/default/profile.v9+.yaml").read_text()
