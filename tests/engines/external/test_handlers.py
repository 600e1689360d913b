"""Endings that every program has in common, one rule at a time, on logs that say what a test lets them say."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from iondrill.engines.external.handlers import (
    Ending,
    disk_full,
    finished,
    incomplete,
    judge,
    killed,
    not_launched,
    scf_not_converged,
)
from iondrill.jobs.job import Relax, Static

GOOD = {
    "program": "P",
    "version": "P 1",
    "scf": [1, 2],
    "n_sound": 2,
    "ended": True,
    "relaxed": False,
    "unconverged": False,
}
RELAX = Relax(fmax_eV_A=0.01, max_steps=2)


class Crashing(Ending):
    """An ending of a program that says how it crashes."""

    crashes = ("SIGSEGV", "Fortran runtime error")


def ending(*, said="", status=0, task=None, missing="", free_bytes=1 << 30, **log):
    return Crashing(SimpleNamespace(**GOOD | log), said, status, task or Static(), missing, free_bytes)


def test_what_is_whole_is_done():
    assert finished(ending()) == ("done", "finished")


@pytest.mark.parametrize(
    "lack",
    [
        {"ended": False},
        {"scf": [], "n_sound": 0},
        {"n_sound": 1},
        {"missing": "forces"},
        {"task": RELAX, "relaxed": False},
    ],
)
def test_what_lacks_anything_is_not(lack):
    assert finished(ending(**lack)) is None


def test_a_relaxation_is_done_where_it_says_so():
    assert finished(ending(task=RELAX, relaxed=True)).action == "done"


@pytest.mark.parametrize(
    ("case", "full"),
    [
        ({"said": "x\nwrite: No space left on device"}, True),
        ({"said": "Disk quota exceeded"}, True),
        ({"ended": False, "free_bytes": 1048575}, True),
        ({"ended": False, "free_bytes": 1048576}, False),
        ({"ended": True, "free_bytes": 0}, False),
        ({"ended": False}, False),
    ],
)
def test_a_disk_is_full_below_a_mebibyte_or_where_it_is_said(case, full):
    assert (disk_full(ending(**case)) == ("refuse", "the disk is full")) is full


@pytest.mark.parametrize(("unconverged", "action"), [(True, "climb"), (False, None)])
def test_an_scf_that_ran_out_of_cycles_climbs(unconverged, action):
    found = scf_not_converged(ending(unconverged=unconverged))
    assert (found.action if found else None) == action


SILENT = {"version": "", "scf": [], "ended": False}


@pytest.mark.parametrize(
    ("case", "action"),
    [
        ({"status": 1}, "again"),
        ({"status": 126}, "refuse"),
        ({"status": 127}, "refuse"),
        ({"status": 125}, "again"),
        ({"status": 128}, "again"),
        ({"status": 1, "said": "There are not enough slots available"}, "refuse"),
        ({"status": 0}, None),
        ({"status": None}, None),
        ({"status": 1, "version": "P 1"}, None),
        ({"status": 1, "scf": [1]}, None),
    ],
)
def test_a_program_that_says_nothing_was_not_started(case, action):
    found = not_launched(ending(**SILENT | case))
    assert (found.action if found else None) == action


def test_the_first_three_lines_of_what_was_said_are_told():
    said = "----\n  one \n\n== * --\ntwo\nthree\nfour\n"
    found = not_launched(ending(**SILENT, status=127, said=said))
    assert found.reason == "P did not start (exit status 127): one | two | three"
    long = not_launched(ending(**SILENT, status=127, said="x" * 999))
    assert long.reason.endswith(": " + "x" * 300)


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        ({}, ("again", "killed")),
        ({"status": 137}, ("again", "killed")),
        ({"status": None}, ("again", "killed")),
        ({"status": 0}, ("again", "killed")),
        ({"status": -9}, ("again", "killed by signal 9")),
        ({"status": -1}, ("again", "killed by signal 1")),
        ({"said": "Fortran runtime error", "scf": []}, ("fresh", "crashed before the first energy")),
        ({"said": "Fortran runtime error"}, ("again", "killed")),
        ({"said": "nothing of it", "scf": []}, ("again", "killed")),
    ],
)
def test_a_log_that_stops_without_a_word_was_killed(case, verdict):
    assert killed(ending(ended=False, **case)) == verdict
    assert killed(ending(**case)) is None


def test_the_rest_is_incomplete_and_says_what_is_missing():
    assert incomplete(ending(missing="frames")) == ("again", "incomplete: frames")
    assert incomplete(ending()) == ("again", "incomplete: no energy that can be used")


def test_the_first_rule_that_knows_an_ending_decides():
    rules = [finished, disk_full, killed, incomplete]
    assert judge(ending(), rules).action == "done"
    assert judge(ending(ended=False, free_bytes=0), rules).action == "refuse"
    assert judge(ending(ended=False), rules).reason == "killed"
    assert judge(ending(missing="x"), rules).reason == "incomplete: x"


def test_what_was_said_is_told_by_its_first_line_that_holds_a_phrase():
    found = ending(said="a\n | two words |\t\nlast words")
    assert found.tells("words") == "two words"
    assert found.tells("nothing", "last") == "last words"
    assert found.tells("nothing") == ""
