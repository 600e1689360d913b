"""Numbers many at once: each is the one that Python reads, and what programs write is never read one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.analyse.density import digits
from iondrill.analyse.density.digits import decode, number


def characters(words):
    return np.array([np.frombuffer(word.encode(), np.uint8) for word in words])


@pytest.mark.parametrize("letter", ["E", "e"])
@pytest.mark.parametrize(("width", "decimals"), [(13, 5), (14, 6), (18, 11), (12, 4), (24, 14)])
def test_what_programs_write_is_read_at_once_and_right(monkeypatch, letter, width, decimals):
    """Mantissas from 0. to 9., every exponent of two digits, both signs: as float has them, and none one by one."""
    monkeypatch.setattr(digits, "number", lambda word: pytest.fail(f"{word} was read alone"))
    random = np.random.default_rng(width)
    values = [*(random.uniform(-10, 10, 400) * 10.0 ** random.integers(-99, 99, 400)), 0.0, 1.0, -1.0, 9.999e99, 1e-99]
    words = [f"{value:{width}.{decimals}{letter}}" for value in values]
    words = [word for word in words if word[-4] == letter]
    fortran = [f"{'-' if word.strip()[0] == '-' else ''}0.{word[-4 - decimals : -4]}{word[-4:]}" for word in words]
    words += [word.rjust(width) for word in fortran]
    assert len(words) > 700
    found = decode(characters(words))
    expected = np.array([float(word) for word in words])
    # powers of ten to 10^22 are exact, and what is made with them is the nearest number
    near = (abs(expected) < 1e7) & (abs(expected) > 1e-7)
    assert found[near].tolist() == expected[near].tolist()
    np.testing.assert_allclose(found, expected, rtol=3e-16)
    assert (np.signbit(found) == [word.strip()[0] == "-" for word in words]).all()


def test_a_leading_zero_may_be_left_out(monkeypatch):
    monkeypatch.setattr(digits, "number", lambda word: pytest.fail(f"{word} was read alone"))
    words = ["   .12345E+02", "  -.12345E-02"[:13], "   .00000E+00"]
    assert decode(characters(words)[:1]).tolist() == [12.345]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("  0.12345E-05", 0.12345e-5),
        (" -0.12345D-05", -0.12345e-5),
        ("  0.12345-100", 0.12345e-100),
        (" -0.12345+100", -0.12345e100),
        ("  12345.67890", 12345.6789),
        ("        12345", 12345),
        ("  1234.5E-005", 1234.5e-5),
        ("+0.12345E-005", 0.12345e-5),
        ("1 0.12345E-05", np.nan),
        (" x0.12345E-05", np.nan),
        ("  0.12x45E-05", np.nan),
        ("  0.12345E*05", np.nan),
        ("  0.12345F-05", np.nan),
        ("  0.12345E-x5", np.nan),
        ("  0.12345E-5x", np.nan),
        ("  a.12345E-05", np.nan),
        ("  0,12345E-05", np.nan),
        ("*************", np.nan),
        ("             ", np.nan),
        ("          nan", np.nan),
        ("          inf", np.inf),
    ],
)
def test_a_word_of_another_kind_among_others_is_itself_or_no_number(word, value):
    plain = ["  0.50000E+01", " -0.25000E-01"]
    for words in ([word], [plain[0], word, plain[1]], [word, *plain]):
        found = dict(zip(words, decode(characters(words)).tolist(), strict=True))
        assert found[word] == value or (np.isnan(value) and np.isnan(found[word]))
        assert all(found[each] == float(each) for each in plain if each in found)


@given(st.lists(st.text("0123456789.+-eED *", min_size=13, max_size=13), min_size=1, max_size=5))
def test_many_are_as_one_by_one(words):
    expected = [number(word.encode()) for word in words]
    np.testing.assert_allclose(decode(characters(words)), expected, rtol=3e-16)


def test_the_shape_is_kept():
    words = characters(["  0.10000E+01", "  0.20000E+01", "  0.30000E+01", "  0.40000E+01"]).reshape(2, 2, 13)
    assert decode(words).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("position", range(13))
def test_no_character_beside_the_digits_passes_for_one(position):
    """Those just before 0 and just after 9 are / and :."""
    for character in "/:":
        word = "  0.12345E-05"
        damaged = word[:position] + character + word[position + 1 :]
        found = decode(characters([word, damaged]))
        assert found[0] == 0.12345e-5
        assert np.isnan(found[1])
