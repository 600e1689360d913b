"""The journal of a job: what a program asks for is data, and journals of older versions are read."""

from __future__ import annotations

import json

import pytest

from iondrill.engines.base import ON_THE_EDGE, AttemptEntry
from iondrill.jobs.journal import Journal, changed

OLD = {"reason": "killed", "changed": "", "wall_s": 3.0, "core_s": 6.0, "n_scf_cycles": 9}


def test_an_attempt_that_resumes_says_from_which_step(tmp_path):
    journal = Journal(tmp_path / "journal.json")
    journal.begin(7)
    assert journal.entries[-1]["step"] is None, "the first attempt resumes from nothing"
    journal.begin(7)
    first, second = json.loads((tmp_path / "journal.json").read_text())
    assert (first["reason"], second["step"]) == ("killed at step 7", 7)
    journal.remark("ALGO All")
    journal.remark("ALGO All")
    journal.end("finished", 3, notes=["Broyden 0.2"])
    assert journal.in_words()[-1] == {"reason": "finished", "changed": "continued from step 7; ALGO All; Broyden 0.2"}


@pytest.mark.parametrize(
    ("words", "step", "notes"),
    [
        ("", None, []),
        ("ALGO All", None, ["ALGO All"]),
        ("continued from step 20", 20, []),
        ("continued from step 0; 30 steps are there; B", 0, ["30 steps are there", "B"]),
    ],
)
def test_a_journal_of_an_older_version_is_read(tmp_path, words, step, notes):
    path = tmp_path / "journal.json"
    path.write_text(json.dumps([OLD, OLD | {"changed": words}]))
    journal = Journal(path)
    last = journal.entries[-1]
    assert (last["step"], last["notes"], changed(last)) == (step, notes, words)
    assert journal.cost("core_s") == 12
    journal.begin(21)
    assert Journal(path).entries == journal.entries


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[1]",
        '[{"reason": "killed"}]',
        json.dumps([OLD | {"changed": 3}]),
        json.dumps([OLD | {"wall_s": "3"}]),
    ],
)
def test_a_damaged_journal_counts_as_none(tmp_path, content):
    (tmp_path / "journal.json").write_text(content)
    assert Journal(tmp_path / "journal.json").entries == []


def test_a_step_that_is_no_number_makes_a_journal_damaged(tmp_path):
    (tmp_path / "journal.json").write_text(json.dumps([OLD | {"changed": "continued from step x"}]))
    assert Journal(tmp_path / "journal.json").entries == []


def test_a_box_that_is_too_small_is_told_by_a_code(tmp_path):
    journal = Journal(tmp_path / "journal.json")
    journal.begin()
    journal.explain("in other words", "density_on_edge")
    (entry,) = Journal(tmp_path / "journal.json").in_words()
    assert AttemptEntry.model_validate(entry).code == "density_on_edge"
    assert AttemptEntry(reason="SCF not converged").code == ""
    # records without codes said it in words
    assert AttemptEntry.model_validate({"reason": f"{ON_THE_EDGE}: enlarge it"}).code == "density_on_edge"
