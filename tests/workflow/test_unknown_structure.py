"""A structure that is asked for and has no recipe, or is none that has parts, is a user's mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ase.build import molecule
from projects import make_project, run, snakemake

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = {"levels": {"gfn2": {"engine": "xtb"}}, "relax": {"structures": ["methane"]}}


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("structure", "said"),
    [
        ("methan", "iondrill: config.yaml: structures (line 1): there is no recipe 'methan'; did you mean 'methane'?"),
        ("methane.gfn2", "structures/clusters/methane.xyz: is not an assembly; allowed: kind: assembly"),
    ],
)
def test_a_structure_that_cannot_be_built_ends_in_one_message(tmp_path: Path, structure: str, said: str) -> None:
    project = make_project(tmp_path, CONFIG, {"clusters/methane.xyz": molecule("CH4")})
    done = run(snakemake(project, "-n", f"results/structures/{structure}.extxyz"))
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
