"""A run that does not converge keeps its record, and nothing is made from it; what is made of the others goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from projects import TBLITE, make_project, rows, run, snakemake, tiny

import iondrill

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.workflow

RUN = {"assembly": "tiny", "steps": 6, "relax_parts": False, "thermalise": {"time_fs": 0}}
CONFIG = {
    "title": "One of two runs ends early",
    "levels": {
        "gfn2": {"engine": "xtb"},
        # the same method through another package
        "again": TBLITE,
        "short": {"engine": "xtb", "max_scf_cycles": 2},
    },
    "md": {
        "level": "again",
        "run": ["calm", "early"],
        "runs": {
            "calm": RUN,
            # of which the first energy is not reached
            "early": {**RUN, "level": "short"},
        },
        "verify": {"level": "gfn2", "frames": 1, "piece_atoms": 20, "whole": 1, "twin": "short"},
    },
    "elf": {"level": "gfn2", "frames": 2, "events": ["first_contact"], "difference": True},
    "adsorption": {"facets": [], "ions": []},
}


def test_what_is_made_of_the_other_run_is_there_and_snakemake_says_which_is_not(tmp_path: Path) -> None:
    project = make_project(tmp_path, CONFIG, tiny())
    done = run(snakemake(project, "--cores", "2", "--keep-going"))
    results = project / "results"
    record = json.loads((results / "jobs/md/early.short/result.json").read_text())
    assert record["status"] == "not_converged"
    assert done.returncode != 0
    assert "early" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr

    # of the one all there is, of the other nothing
    for path in ("trajectory.traj", "order_parameters.csv", "events.json", "verification.json"):
        assert (results / "md/calm" / path).stat().st_size
        assert not (results / "md/early" / path).stat().st_size
    status = json.loads((results / "status.json").read_text())["jobs"]
    ended = {name.split("/jobs/")[1]: how for name, how in status.items()}
    of_elf = {name: how for name, how in ended.items() if name.startswith("elf/early")}
    assert set(of_elf.values()) == {"not_due"}
    assert ended["elf/calm.0.gfn2/result.json"] == "converged"
    assert rows(results / "elf/calm/summary.csv")
    assert rows(results / "elf/early/summary.csv") == rows(results / "elf/early/charges.csv") == []

    # its second fit did not converge either: no event of it is called the model's, and it is no longer trusted
    verified = json.loads((results / "md/calm/verification.json").read_text())
    assert (verified["verdict"], verified["twin"]) == ("doubtful", None)
    assert any("second fit did not converge" in reason for reason in verified["reasons"])

    # side by side, the ledger, and the page
    compared = json.loads((results / "contrasts.json").read_text())
    assert compared["left_out"] == ["early"]
    assert {row["run"] for row in rows(results / "contrasts.csv")} == {"calm", ""}
    page = (results / "report.html").read_text(encoding="utf-8")
    assert record["attempts"][-1]["reason"] in page
    assert "is empty or no CSV" not in page
    assert 'id="verification"' in page
    opened = iondrill.open(results)
    assert [*opened.order] == [*opened.elf] == ["calm"]
    assert len(opened.frames("calm")) == 7
    assert run(snakemake(project, "--cores", "1", "claims")).returncode == 0
    assert (results / "claims.json").is_file()


def test_frames_without_a_wavefunction_and_parts_that_did_not_relax_leave_the_page_standing(tmp_path: Path) -> None:
    apart = {**RUN, "relax_parts": True}
    config = {
        **CONFIG,
        "relax": {"level": "short", "prerelax": None},
        "md": {"level": "gfn2", "run": ["calm", "apart"], "runs": {"calm": RUN, "apart": apart}},
        "elf": {"level": "short", "frames": 2, "difference": True},
    }
    project = make_project(tmp_path, config, tiny())
    done = run(snakemake(project, "--cores", "2", "--keep-going"))
    results = project / "results"
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
    status = json.loads((results / "status.json").read_text())["jobs"]
    ended = {name.split("/jobs/")[1].removesuffix("/result.json"): how for name, how in status.items()}
    assert ended["md/calm.gfn2"] == "converged"
    assert ended["md/apart.gfn2"] == "not_due"
    assert {how for name, how in ended.items() if name.startswith("relax/")} == {"not_converged"}
    assert {how for name, how in ended.items() if name.startswith("elf/calm.")} == {"not_converged"}
    assert {how for name, how in ended.items() if name.startswith("elf/apart.")} == {"not_due"}
    assert not [path for path in (results / "elf").glob("*/*.npz") if path.stat().st_size]
    assert rows(results / "elf/calm/summary.csv") == rows(results / "elf/calm/charges.csv") == []
    assert rows(results / "md/calm/order_parameters.csv")
    page = (results / "report.html").read_text(encoding="utf-8")
    assert json.loads((results / "jobs/elf/calm.0.short/result.json").read_text())["attempts"][-1]["reason"] in page
    assert "a part of the start structure did not converge" in page
