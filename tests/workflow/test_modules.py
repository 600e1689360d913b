"""`--sdm env-modules` with a real `module`: what a module brings is there for a job, and not without it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from ase.build import molecule
from projects import PBE_D3, make_project, run, snakemake

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.workflow, pytest.mark.cp2k, pytest.mark.modules]

RECORD = "results/jobs/relax/pair.pbe-d3/result.json"
INIT = "/usr/share/modules/init/bash"


def test_a_program_is_found_by_the_module_that_brings_it(tmp_path: Path) -> None:
    tools, modules = tmp_path / "tools", tmp_path / "modules/chemistry"
    for folder in (tools, modules):
        folder.mkdir(parents=True)
    (tools / "cp2k-of-the-module").symlink_to(str(shutil.which("cp2k.psmp")))
    (modules / "9.1").write_text(f"#%Module\nprepend-path PATH {tools}\n")
    level = PBE_D3 | {"launcher": [], "command": ["cp2k-of-the-module"]}
    config = {
        "levels": {"gfn2": {"engine": "xtb"}, "pbe-d3": level},
        "relax": {"level": "pbe-d3", "structures": ["pair"], "fmax_eV_A": 1.0},
        "software": {"modules": ["chemistry/9.1"]},
    }
    project = make_project(tmp_path / "project", config, {"clusters/pair.extxyz": molecule("H2", cell=[7, 7, 7])})
    command, here = snakemake(project, RECORD, "--cores", "1"), {"BASH_ENV": INIT, "MODULEPATH": str(modules.parent)}

    done = run(command, **here)
    assert done.returncode != 0
    assert "cp2k-of-the-module is not on the PATH" in done.stdout + done.stderr
    assert not (project / RECORD).exists()

    done = run([*command, "--sdm", "env-modules"], **here)
    assert done.returncode == 0, done.stderr[-4000:]
    assert json.loads((project / RECORD).read_text())["status"] == "converged"
