"""The first screen: the ledger of claims answers where there is one, and a long run is thinned around its events."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.errors import UserError
from iondrill.report.page.build import render
from iondrill.report.sections.first import first_screen, main_run
from iondrill.report.sections.ledger import Entry, read_ledger
from iondrill.report.sections.player import thinned
from iondrill.report.sections.still import decisive

CLAIMS = [
    {"id": "a1", "claim": "it opens", "verdict": "not shown", "sentence": "No opening in 20 fs.", "level": "gfn2"},
    {
        "id": "a2",
        "claim": "Li binds",
        "verdict": "supported",
        "sentence": "Li binds to C100-2x1 with E_ads = −1.9 eV [−2.1, −1.7].",
        "level": "gfn2",
        "verification": "trusted against PBE-D3",
        "figure": None,
        "data": "adsorption.csv",
        "command": "snakemake adsorption",
        "more": 1,
    },
]


def test_the_first_decided_claim_answers_and_all_are_counted(folder):
    folder.text("claims.json", json.dumps({"claims": CLAIMS, "made_by": "x"}))
    results = folder.read()
    claims = read_ledger(folder.results)
    answer = first_screen(results, claims, {}, [], None).answer
    assert (answer.text, answer.verdict) == (CLAIMS[1]["sentence"], "supported")
    assert answer.sure == "2 claims: 1 supported, 0 refuted, 1 not shown."
    assert answer.badge.says == "trusted against PBE-D3"
    page = render(results)
    assert '<section id="claims">' in page
    assert "it opens" in page, "what is claimed stands beside each verdict"
    assert "Li binds to C(100)-2×1 with E<sub>ads</sub> = −1.9 eV" in page
    assert '<a href="adsorption.csv">adsorption.csv</a>' in page


@pytest.mark.parametrize(("decided", "asks"), [(False, True), (True, False)])
def test_where_the_question_is_open_the_next_step_is_to_ask_it(folder, decided, asks):
    of_question = [CLAIMS[0] | {"command": "snakemake claims"}, *([CLAIMS[1]] if decided else [])]
    folder.text("claims.json", json.dumps({"claims": of_question}))
    steps = first_screen(folder.read(), read_ledger(folder.results), {}, [], None).steps
    assert ("snakemake claims" in [step.code for step in steps]) == asks


def test_a_reason_repeats_neither_verdict_nor_command():
    command = "snakemake -- claims"
    said = f"Not shown: needs density-functional theory: `{command}`."
    entry = Entry(id="c", claim="charge flows", verdict="not shown", sentence=said, command=command)
    assert entry.why == "Needs density-functional theory."


def test_a_claim_about_something_else_does_not_answer_the_question(folder):
    claims = [CLAIMS[0], CLAIMS[1] | {"id": "i"}]
    folder.text("claims.json", json.dumps({"claims": claims}))
    results = folder.read()
    answer = first_screen(results, read_ledger(folder.results), {}, [], None).answer
    assert answer.text == first_screen(results, [], {}, [], None).answer.text
    assert answer.sure.endswith("2 claims: 1 supported, 0 refuted, 1 not shown.")


@pytest.mark.parametrize("content", ["", "[]", '{"claims": [{"id": "a"}]}', '{"claims": ["a"]}'])
def test_a_ledger_that_cannot_be_read_is_named(folder, content):
    folder.text("claims.json", content)
    with pytest.raises(UserError, match=r"claims\.json: cannot be read"):
        read_ledger(folder.results)
    assert "claims.json" in render(folder.read())


def test_without_a_ledger_the_main_run_answers(folder):
    results = folder.read()
    assert read_ledger(folder.results) == []
    assert main_run(results).name == "drill"  # the control has no nanodiamond
    assert "no events were looked for" in first_screen(results, [], {}, [], None).answer.text
    moment = decisive(main_run(results), None)
    assert (moment.row, moment.words) == (20, "the tip is furthest in, 1.00 Å before the edge")


@given(st.integers(2, 3000), st.integers(4, 300), st.lists(st.floats(0, 3000, allow_nan=False), max_size=4))
def test_a_thinned_run_keeps_its_ends_and_what_is_around_its_events(n, most, events_fs):
    times_fs = np.arange(n, dtype=float)
    kept = thinned(times_fs, most, events_fs)
    assert kept == sorted(set(kept))
    assert len(kept) == min(n, most)
    assert (kept[0], kept[-1]) == (0, n - 1)
    if len(events_fs) <= most // 4:
        assert {int(np.abs(times_fs - at).argmin()) for at in events_fs} <= set(kept)
    # no gap is longer than twice that of half as many frames, evenly spaced
    assert max(np.diff(kept), default=0) <= 2 * np.ceil((n - 1) / (max(2, most // 2) - 1)) or n <= most


@pytest.mark.parametrize("all_runs", [False, True])
def test_a_refused_run_is_named_with_its_reason_and_another_one_answers(folder, all_runs):
    names = [run.name for run in folder.read().runs]
    assert len(names) > 1
    folder.config["levels"] |= {"dft": {"engine": "xtb", "accuracy": 0.1}}
    folder.config["md"]["verify"] = {"level": "dft"}
    refused = {
        "verdict": "refused",
        "reasons": ["Li (whole): force error 0.5 eV/Å of a force of 0.6", "a second one"],
        "criteria": {},
        "level": "gfn2",
        "reference": "dft",
        "titles": {"gfn2": "GFN2", "dft": "PBE-D3"},
        "frames_compared": 9,
        "frames_chosen": 9,
        "force_rmse_eV_A": 0.5,
        "force_rms_eV_A": 1.0,
        "largest_grade": None,
        "frames_graded": 0,
        "cutting": None,
        "twin": None,
    }
    for name in names:
        trusted = {} if all_runs or name == names[0] else {"verdict": "trusted", "reasons": []}
        folder.text(f"md/{name}/verification.json", json.dumps(refused | trusted))
    answer = first_screen(folder.read(), [], {}, [], None).answer
    assert answer.sure.count("was refused") == 1
    assert f"Run {names[0]} (" in answer.sure
    assert refused["reasons"][0] in answer.sure
    assert refused["reasons"][1] not in answer.sure
    assert answer.text.startswith("No answer: the error of the level") == all_runs
    assert names[0] not in answer.text
