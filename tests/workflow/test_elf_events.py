"""ELF and charges of a run without electrons, in the frames of its events; an event that did not happen has no map."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.io import read
from projects import make_project, rows, run, snakemake, tiny

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.workflow

OPENED_A = 0.02
RUN = {
    "assembly": "tiny",
    "relax_parts": False,
    "thermalise": {"time_fs": 0},
    "steps": 16,
    "save_every": 2,
    "temperature_K": 1500,
    # first velocities that drive the layers apart
    "seed": 4,
}
CONFIG = {
    "title": "Frames of events",
    "levels": {"gfn2": {"engine": "xtb"}, "emt": {"engine": "ase", "calculator": "EMT"}},
    "md": {
        "level": "emt",
        "run": ["drill"],
        "runs": {"drill": RUN},
        "events": {"lasting_fs": 0, "opened_by_A": OPENED_A},
    },
    "elf": {
        "level": "gfn2",
        "frames": 1,
        "events": ["layers_opened", "first_contact"],
        "spacing_A": 0.5,
        "isosurfaces": "all",
    },
    "adsorption": {"facets": [], "ions": []},
}
ENDINGS = ("npz", "png", "cividis.png", "csv", "profiles.csv", "bonds.csv", "grid.npz")


def test_events_choose_frames_and_what_did_not_happen_is_no_failure(tmp_path: Path) -> None:
    project = make_project(tmp_path, CONFIG, tiny())
    done = run(snakemake(project, "--cores", "2"))
    assert done.returncode == 0, done.stderr[-4000:]
    results = project / "results"

    gaps_A = [float(row["gap_edge_A"]) for row in rows(results / "md/drill/order_parameters.csv")]
    at = next(k for k, gap_A in enumerate(gaps_A) if gap_A > gaps_A[0] + OPENED_A)
    step = 2 * at
    assert 0 < step < 16
    assert [tuple(row.values()) for row in rows(results / "elf/drill/events.csv")] == [
        ("layers_opened", str(step), f"{step / 2}", "layers_opened"),
        ("first_contact", "", "", ""),
    ]
    for ending in ENDINGS:
        assert (results / f"elf/drill/first_contact.{ending}").stat().st_size == 0
        assert (results / f"elf/drill/layers_opened.{ending}").stat().st_size > 0
    shapes = [np.load(results / f"elf/drill/{name}.npz")["elf"].shape for name in ("16", "layers_opened")]
    assert shapes[0] == shapes[1]

    summary = rows(results / "elf/drill/summary.csv")
    assert list(dict.fromkeys(row["step"] for row in summary)) == [str(step), "16", ""]
    assert [row["pair"] for row in summary if not row["step"]] == ["no first contact"]
    apart = next(row for row in summary if (row["step"], row["pair"]) == (str(step), "between-layers"))
    start = read(results / "structures/tiny.extxyz")
    (frame,) = (atoms for atoms in read(results / "md/drill/trajectory.traj", ":") if atoms.info["step"] == step)
    lower, upper = ((start.numbers == 6) & (start.arrays["fragment"] == name) for name in ("lower", "upper"))
    nearest_A = frame.get_all_distances()[np.ix_(lower, upper)].min()
    assert float(apart["distance_A"]) == pytest.approx(nearest_A, abs=1e-6)

    # a run at EMT has no charges, its frames at GFN2 have: as many electrons as there are protons
    assert rows(results / "charges/drill.csv") == []
    charges = rows(results / "elf/drill/charges.csv")
    assert {(row["step"], row["scheme"]) for row in charges} == {(str(step), "Mulliken"), ("16", "Mulliken")}
    of_event = [float(row["charge_e"]) for row in charges if row["step"] == str(step)]
    assert sum(of_event) == pytest.approx(0, abs=1e-4)
    assert max(map(abs, of_event)) > 1e-3

    status = json.loads((results / "status.json").read_text())
    assert (status["status"], status["reasons"]) == ("converged", {})
    assert sorted(status["jobs"].values()) == ["converged"] * 3 + ["not_due"]
    page = (results / "report.html").read_text()
    assert f"layers opened: {step / 2:g} fs (step {step})" in page
    assert "first contact: did not happen in this run, no map" in page
    assert "Charges in the mapped frames of run drill" in page
    again = run(snakemake(project, "--cores", "1", "-n"))
    assert "Nothing to be done" in again.stdout + again.stderr
