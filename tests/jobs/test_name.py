"""Names of jobs: what is written is read back, and nothing else is a name."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.config.base import Event
from iondrill.jobs.name import ATOM, CLEAN, JobId, StageName, Subject, parse_structure_name, structure_name

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
SITES = st.text(LETTERS, min_size=1, max_size=10).filter(lambda site: site != CLEAN)
NAMES = st.text(LETTERS + "ABCXYZ+_", min_size=1, max_size=12).filter(lambda name: name[0].isalnum() and name != ATOM)
IONS = st.sampled_from(["Li", "Na", "K"])
STRUCTURES = NAMES.map(Subject)
FILLINGS = st.tuples(NAMES, IONS, st.integers(1, 16), SITES).map(Subject._make)
CLEAN_FACETS = STRUCTURES.map(lambda subject: subject.clean)
ATOMS = IONS.map(lambda ion: Subject(ATOM, ion))
SUBJECTS = st.one_of(FILLINGS, CLEAN_FACETS, ATOMS)


def jobs(stage: StageName, subjects: st.SearchStrategy[Subject], **fields: Any) -> st.SearchStrategy[JobId]:
    return st.fixed_dictionaries({"subject": subjects, "level": NAMES, **fields}).map(
        lambda given: JobId(stage=stage, **given)
    )


JOBS = st.one_of(
    jobs("relax", STRUCTURES, spin=st.none() | st.integers(1, 9)),
    jobs("md", STRUCTURES),
    jobs("elf", STRUCTURES, step=st.integers(0, 10**6), part=st.sampled_from(["", "nd", "rest"])),
    jobs("elf", STRUCTURES, event=st.sampled_from(get_args(Event)), part=st.sampled_from(["", "nd", "rest"])),
    jobs("adsorption", SUBJECTS),
    jobs("intercalation", STRUCTURES, variant=st.from_regex(r"a\d{3,4}c\d{3,4}", fullmatch=True)),
    jobs("barriers", st.tuples(NAMES, IONS, st.just(1), SITES).map(Subject._make), end=SITES),
    jobs("convergence", SUBJECTS, variant=st.sampled_from(["own", "cutoff_Ry-300", "kpoints-2x2x1", "vacuum_A-12_5"])),
)


@given(JOBS)
def test_a_name_is_read_back_as_it_was_made(job: JobId) -> None:
    assert JobId.parse(job.stage, job.name) == job
    assert job.name == f"{job.stem}.{job.level}"


@given(SUBJECTS)
def test_a_subject_is_read_back_as_it_was_made(subject: Subject) -> None:
    assert Subject.parse(subject.name) == subject
    assert (subject.recipe is None) == subject.is_atom
    assert subject.clean.clean == subject.clean
    assert not subject.clean.ion


@given(NAMES, st.none() | NAMES)
def test_the_name_of_a_structure_is_read_back(recipe: str, level: str | None) -> None:
    assert parse_structure_name(structure_name(recipe, level)) == (recipe, level)


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        ("elf", "drill.gfn2"),
        ("elf", "drill.10.head.gfn2"),
        ("relax", "nd29.s2.gfn2"),
        ("intercalation", "LiC6.gfn2"),
        ("barriers", "C100.Li-cave.gfn2"),
        ("adsorption", "C100.lithium-cave.gfn2"),
        ("md", "../drill.gfn2"),
        ("dance", "drill.gfn2"),
    ],
)
def test_what_is_no_name_is_refused(stage: str, name: str) -> None:
    with pytest.raises(ValueError, match="names no job"):
        JobId.parse(stage, name)
