"""Ladders: jobs with k-points have a ladder of their own, and one entry is enough for a ladder."""

from __future__ import annotations

import pytest

from iondrill.config.base import Strict
from iondrill.config.levels import Cp2kLevel, XtbLevel
from iondrill.engines.external.ladder import Ladder, fallbacks
from iondrill.errors import UserError
from iondrill.jobs.job import Job, Static


class Fallback(Strict):
    """An entry with nothing but a name."""

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
def test_slabs_and_crystals_have_the_ladder_of_k_points(ladder, kind, expected):
    ladder("isolated: [{name: a}]\nsampled: [{name: b}, {name: c}]\n")
    assert [fallback.name for fallback in fallbacks(Ladder[Fallback], "p", of(kind))] == expected


@pytest.mark.parametrize(
    ("kind", "asks", "expected"),
    [("cluster", True, ["f"]), ("atom", True, ["f"]), ("slab", True, ["b"]), ("cluster", False, ["a"])],
)
def test_clusters_and_atoms_may_have_fractional_occupations_from_the_start(ladder, kind, asks, expected):
    ladder("isolated: [{name: a}]\nsampled: [{name: b}]\nfractional: [{name: f}]\n")
    level = Cp2kLevel(engine="cp2k").model_copy(update={"fractional": asks})
    job = of(kind).model_copy(update={"level": level})
    assert [fallback.name for fallback in fallbacks(Ladder[Fallback], "p", job)] == expected


def test_a_ladder_without_entries_is_refused(ladder):
    ladder("isolated: []\nsampled: [{name: b}]\n")
    with pytest.raises(UserError, match="isolated"):
        fallbacks(Ladder[Fallback], "p", of("cluster"))
