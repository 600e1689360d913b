"""An event that one of two fits has alone is called the model's wherever the page names it, and is no result."""

from __future__ import annotations

import json

import numpy as np
import pytest

from iondrill.report.data import told_order
from iondrill.report.page.build import render
from iondrill.report.sections.highlights import highlights

GAP = "gap at the edge, run drill"


@pytest.fixture
def repeated(folder):
    """Return the results of runs that were repeated at a second fit, from what each event did there."""
    levels = {"reference": {"engine": "xtb", "accuracy": 0.1}, "second": {"engine": "xtb", "accuracy": 0.5}}
    folder.config["levels"] |= levels
    folder.config["md"]["verify"] = {"level": "reference", "twin": "second"}
    folder.config["elf"] = {"frames": 3, "events": ["layers_opened"]}
    event = {"event": "layers_opened", "step": 20, "time_fs": 10.0, "until_fs": 20.0, "atoms": []}
    content = {
        "criteria": {"lasting_fs": 5, "opened_by_A": 1, "start_gap_A": 3.7},
        "watched_fs": 20,
        "events": [event],
    }
    record = {
        "verdict": "trusted",
        "reasons": [],
        "criteria": {},
        "level": "gfn2",
        "reference": "reference",
        "titles": dict.fromkeys(folder.config["levels"], "GFN2-xTB"),
        "frames_compared": 4,
        "frames_chosen": 4,
        "force_rmse_eV_A": 0.1,
        "force_rms_eV_A": 1.0,
        "largest_grade": None,
        "frames_graded": 0,
        "cutting": None,
    }

    def read(twin_step):
        opened = {"event": "layers_opened", "step": 20, "time_fs": 10.0, "twin_step": twin_step, "twin_time_fs": None}
        for run in ("drill", "control"):
            folder.text(f"md/{run}/events.json", json.dumps(content))
            folder.text(f"elf/{run}/events.csv", "event,step,time_fs,frame\nlayers_opened,20,10.0,20\n")
            twin = {"level": "second", "events": [opened]} if run == "drill" else None
            folder.text(f"md/{run}/verification.json", json.dumps(record | {"twin": twin}))
        return folder.read()

    return read


@pytest.mark.parametrize(("twin_step", "models"), [(None, True), (36, False)])
def test_an_event_of_the_model_is_marked_and_is_no_result(repeated, twin_step, models):
    results = repeated(twin_step)
    page = render(results).replace("&#39;", "'")
    marks = page.count("layers opened (the model's)")
    # in the answer, with the picture of that moment and in its words, in the table of events, in what is said of mapped
    # frames, under the map of the frame
    assert marks == (6 if models else 0)
    assert ("in one alone, so the model's, and not told as a result: layers opened" in page) == models
    assert ("in both runs: layers opened" in page) == (not models)
    drill = next(run for run in results.runs if run.name == "drill")
    assert np.isnan(told_order(drill).numbers("gap_edge_A")).all() == models
    assert np.isfinite(drill.order.numbers("gap_edge_A")).all()
    told = [each.what for each in highlights(results)]
    assert any(what.startswith(GAP) for what in told) == (not models)
    assert any(what.startswith("bonds of nanodiamond and flake, run drill") for what in told)
    # of the other run, of which nothing is the model's, all is told
    assert any(what.startswith("gap at the edge, run control") for what in told)
