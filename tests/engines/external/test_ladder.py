"""Ladders: jobs with k-points have rungs of their own, and a ladder of one rung is one."""

from __future__ import annotations

import pytest

from iondrill.config.base import Strict
from iondrill.config.levels import XtbLevel
from iondrill.engines.external.ladder import Ladder, rungs
from iondrill.errors import UserError
from iondrill.jobs.job import Job, Static


class Rung(Strict):
    """A way to drive an SCF that has a name alone."""

    name: str


def of(kind):
    return Job(stage="elf", name="a.b", level_name="b", level=XtbLevel(engine="xtb"), task=Static(), kind=kind)


@pytest.fixture
def ladder(tmp_path, monkeypatch):
    """Return what writes the ladder of a program."""
    monkeypatch.setattr("iondrill.engines.external.ladder.template_folder", lambda program: tmp_path / program)
    (tmp_path / "p").mkdir()
    return (tmp_path / "p/scf_ladder.yaml").write_text


@pytest.mark.parametrize(
    ("kind", "expected"), [("cluster", ["a"]), ("atom", ["a"]), ("slab", ["b", "c"]), ("crystal", ["b", "c"])]
)
def test_slabs_and_crystals_have_the_rungs_of_k_points(ladder, kind, expected):
    ladder("isolated: [{name: a}]\nsampled: [{name: b}, {name: c}]\n")
    assert [rung.name for rung in rungs(Ladder[Rung], "p", of(kind))] == expected


def test_a_ladder_without_rungs_is_refused(ladder):
    ladder("isolated: []\nsampled: [{name: b}]\n")
    with pytest.raises(UserError, match="isolated"):
        rungs(Ladder[Rung], "p", of("cluster"))
