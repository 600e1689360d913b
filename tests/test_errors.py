"""Problems are one line each, survive process pools, and suggest what was meant."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.errors import Problem, UserError, nearest

problems = st.builds(Problem, where=st.text(), found=st.text(), allowed=st.text())


def test_a_problem_reads_as_a_sentence():
    assert str(Problem("config.yaml: seed (line 3)", "found -1", "allowed: 0 or more")) == (
        "config.yaml: seed (line 3): found -1; allowed: 0 or more"
    )
    assert str(Problem("config.yaml", "cannot be read")) == "config.yaml: cannot be read"


@given(st.lists(problems, min_size=1, max_size=4))
def test_an_error_survives_pickling(found):
    error = pickle.loads(pickle.dumps(UserError(*found)))  # noqa: S301
    assert error.problems == tuple(found)
    assert str(error) == "\n".join(map(str, found))


def test_an_error_needs_a_problem():
    with pytest.raises(ValueError, match="at least one"):
        UserError()


@given(st.sampled_from(["steps", "temperature_K", "engine"]), st.integers(0, 20), st.sampled_from("qxz"))
def test_one_letter_too_many_is_understood(word, position, letter):
    wrong = word[:position] + letter + word[position:]
    assert nearest(wrong, ["steps", "temperature_K", "engine"]) == f"did you mean '{word}'?"


@given(st.text(max_size=5), st.sets(st.text(st.characters(categories=["Nd"]), min_size=8, max_size=9), max_size=4))
def test_else_everything_allowed_is_listed(word, allowed):
    hint = nearest(word, allowed)
    if not hint.startswith("did you mean"):
        assert all(other in hint for other in allowed)
        assert allowed or hint == "allowed: nothing"
