"""The mutants: what is changed and what is left alone, and that every module that is named has tests."""

from __future__ import annotations

import pytest

from mutants.mutate import candidates
from mutants.sample import data, modules, sample, shares
from mutants.trial import PACKAGE, ROOT

SOURCE = '''
from __future__ import annotations
from typing import TYPE_CHECKING, cast
from functools import cache

if TYPE_CHECKING:
    LIMIT = 3

CHUNK_BYTES = 1 << 20
LEAST = 0.5


@cache
def first(a: int | None, *, b: float = 2) -> int | None:
    """Return 1 + 2."""
    if a is None or b not in (4, 5):
        raise ValueError(f"{b + 1} is wrong")
    for one, other in zip(range(3), range(4), strict=False):
        b += abs(one - other)
    print(min(a, b).reshape(-1, 3))
    return cast("int | None", a * b)
'''


def changed():
    return {mutant.diff[-1][1:].strip() for each in candidates(SOURCE).values() for mutant in each if mutant.code}


@pytest.mark.parametrize(
    "line",
    [
        "LEAST =  1.5",
        "def first(a: int | None, *, b: float =  3) -> int | None:",
        "if a is None and b not in (4, 5):",
        "if a is not None or b not in (4, 5):",
        "if a is None or b  in (4, 5):",
        "for one, other in  []:",
        "b += abs(one + other)",
        "b += (one - other)",
        "pass",
        "print(max(a, b).reshape(-1, 3))",
        "print(min(a, b).reshape(1, 3))",
        'return cast("int | None", a / b)',
    ],
)
def test_a_likely_slip_is_among_the_mutants(line):
    assert line.split() in [each.split() for each in changed()]


@pytest.mark.parametrize(
    "words",
    ["int &", "strict=True", "b - 1", "CHUNK", "LIMIT", "cache", "Return", "TYPE_CHECK", "b: float /", "- 2"],
)
def test_what_is_the_same_by_construction_is_not(words):
    assert not [line for line in changed() if words in line]


def test_a_mutant_says_what_it_changes_and_where():
    for position, several in candidates(SOURCE).items():
        for mutant in (each for each in several if each.code):
            assert len(mutant.diff) >= 2
            assert SOURCE.splitlines()[position[0] - 1] == mutant.diff[0][1:]


def test_every_module_that_is_named_is_there_and_has_tests():
    assert all([*(PACKAGE / "iondrill").glob(pattern)] for pattern in data()["modules"])
    assert all((PACKAGE / "iondrill" / name).is_file() for name in data()["tests"])
    assert [module.name for module in modules() if not module.tests] == []
    assert [test for module in modules() for test in module.tests if not (ROOT / "tests" / test).is_file()] == []


def test_a_sample_has_something_of_every_module_and_is_decided_by_its_seed(monkeypatch):
    assert shares({"a": 1000, "b": 20, "c": 2}, 100) == {"a": 98, "b": 4, "c": 2}
    few = data() | {"modules": ["collect/s*.py", "engines/external/handlers.py"]}
    monkeypatch.setattr("mutants.sample.data", lambda: few)
    chosen = [
        [(module.name, mutant.position, mutant.operator) for module, mutant in sample(1, seed)] for seed in (5, 5, 6)
    ]
    assert {name for name, *_ in chosen[0]} == {"collect/spin.py", "engines/external/handlers.py"}
    assert chosen[0] == chosen[1] != chosen[2]
