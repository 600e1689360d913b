"""A label means an element: by its letters, by its number, or by the longest that is present."""

from __future__ import annotations

import pytest
from ase.data import atomic_numbers

from iondrill.collect.elements import element_of


def test_an_atomic_number_and_a_symbol_in_any_letters_mean_the_same():
    for symbol, number in atomic_numbers.items():
        if number:
            assert element_of(str(number), []) == symbol
            assert element_of(symbol.lower(), []) == element_of(f"{symbol.upper()}_1b", []) == symbol


@pytest.mark.parametrize("label", ["0", "119", "1200"])
def test_a_number_of_no_element_is_left(label):
    assert element_of(label, ["H", "C"]) == label


@pytest.mark.parametrize(
    ("label", "present", "element"),
    [
        ("D", [], "H"),
        ("T1", [], "H"),
        ("Cnd", ["C"], "C"),
        ("Naq", ["N", "Na"], "Na"),
        ("Naq", ["N"], "N"),
        ("Naq", ["Q"], "Naq"),
        ("Xyz", ["Xyz"], "Xyz"),
        ("1C", ["C"], "1C"),
    ],
)
def test_letters_that_are_no_symbol_begin_with_one_that_is_present(label, present, element):
    assert element_of(label, present) == element
