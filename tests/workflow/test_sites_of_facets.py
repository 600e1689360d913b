"""Which sites each facet gets decides what the report holds: no figure of energies where no site is filled."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from projects import ROOT, run, snakemake

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.workflow
@pytest.mark.parametrize(("sites", "jobs"), [("[cave]", 1), ("[]", 0)])
def test_the_report_has_energies_where_sites_are_filled(tmp_path: Path, sites: str, jobs: int) -> None:
    shutil.copy(ROOT / "config.yaml", tmp_path)
    (tmp_path / "structures").symlink_to(ROOT / "structures")
    filled = f"adsorption: {{sites: {{C100-2x1: {sites}, C111-2x1-pandey: []}}}}\n"
    (tmp_path / "sites.yaml").write_text(filled)
    planned = run(snakemake(tmp_path, "-n", "--configfile", "sites.yaml"), folder=tmp_path)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert planned.stdout.count("Relax C100-2x1, C111-2x1-pandey and all ions on all sites") == jobs
    figure = run(snakemake(tmp_path, "results/figures/adsorption.svg", "-n", "--configfile", "sites.yaml"), tmp_path)
    assert (figure.returncode == 0) == bool(jobs), figure.stderr
