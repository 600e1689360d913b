"""The live view of docs/running-on-a-cluster.md: what a run tells snkmt. It comes with the extra `live` alone."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from ase.build import molecule
from projects import make_project, run, snakemake

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("snakemake_logger_plugin_snkmt", reason="not installed: pip install -e '.[live]'")


@pytest.mark.workflow
def test_a_run_is_seen_in_the_live_view(tmp_path: Path) -> None:
    config = {"levels": {"gfn2": {"engine": "xtb"}}, "relax": {"structures": ["methane"]}}
    project = make_project(tmp_path / "project", config, {"clusters/methane.xyz": molecule("CH4")})
    view = {"XDG_DATA_HOME": str(tmp_path)}
    done = run(
        snakemake(project, "--cores", "1", "--logger", "snkmt", "--", "results/structures/methane.extxyz"), **view
    )
    assert done.returncode == 0, done.stderr[-4000:]
    with sqlite3.connect(tmp_path / "snkmt/snkmt.db") as seen:
        assert seen.execute("select status from workflows").fetchall() == [("SUCCESS",)]
        assert seen.execute("select message, status from jobs").fetchall() == [("Build methane", "SUCCESS")]
