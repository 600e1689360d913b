"""A layout takes the same numbers as words do, from every frame that keeps to it, and knows one that does not."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.collect.layout import Columns, Layout


def rows(block, columns):
    """Return symbols and coordinates as words; None where there are no such words."""
    try:
        words = [line.split() for line in block.decode().splitlines()]
        numbers = [[float(word) for word in row[columns.position : columns.position + 3]] for row in words]
        return [row[columns.symbol] for row in words], np.reshape(numbers, (-1, 3)).tolist()
    except (ValueError, IndexError):
        return None


def decoded(layout, blocks):
    assert all(len(block) == layout.size for block in blocks)
    text = np.frombuffer(b"".join(blocks), np.uint8)
    return layout.decode(text, np.arange(len(blocks)) * layout.size)


FORMS = {
    "{:>3s}{:12.5f}{:12.5f}{:12.5f}\n": (Columns(), 0),
    "{:>2s} {:8.2f} {:9.2f} {:10.2f}  1 x\r\n": (Columns(), 0),
    "7 b {1:9.3f}{2:9.3f}{3:9.3f} {0:2s}\n": (Columns(5, 2), 3),
    "{1:8.3f}{2:8.3f}{3:8.3f} {0:>2s} 5\n": (Columns(3, 0), 0),
}
"""Lines of an atom, where their words are, and the first character that counts."""


@pytest.mark.parametrize("form", FORMS)
def test_a_frame_with_any_one_character_changed_is_taken_as_words_say_or_not_at_all(form):
    columns, first = FORMS[form]
    atoms = [("C", 1.5, -22.25, 0), ("Li", -3, 40, -5.125)]
    block = "".join(form.format(*atom) for atom in atoms).encode()
    layout = Layout.learn(block, columns)
    changes = [(k, bytes([c])) for k in range(len(block)) for c in b" 07-+.ex\t/:" if k % (len(block) // 2) >= first]
    values, keeps = decoded(layout, [block[:k] + c + block[k + 1 :] for k, c in changes])
    symbols, _ = rows(block, columns)
    for (k, c), found, kept in zip(changes, values.tolist(), keeps, strict=True):
        if kept:
            assert rows(block[:k] + c + block[k + 1 :], columns) == (symbols, found), (k, c)
        else:  # a digit for another in a number is no other layout
            assert not (k in layout.fields and c.isdigit() and block[k : k + 1].isdigit()), (k, c)


@settings(max_examples=60)
@given(
    st.integers(1, 9),
    st.integers(1, 8),
    st.lists(st.lists(st.integers(-(10**15), 10**15), min_size=6, max_size=6), min_size=1, max_size=4),
)
def test_numbers_of_up_to_fifteen_digits_are_the_nearest_ones(decimals, before, frames):
    """From ±0.1 to as many digits before the point as there are columns, one of which is for the sign."""
    most, width = 10 ** min(before + decimals, 15), before + decimals + 3

    def block(numbers):
        words = [f"{'-' * (n < 0)}{abs(n) % most / 10**decimals:.{decimals}f}".rjust(width) for n in numbers]
        return "".join(f"C{''.join(words[k : k + 3])}\n" for k in (0, 3)).encode()

    blocks = [block(frame) for frame in frames]
    layout = Layout.learn(block([0] * 6), Columns())
    values, keeps = decoded(layout, blocks)
    assert keeps.all()
    assert values.tolist() == [rows(each, Columns())[1] for each in blocks]


def test_a_digit_among_the_blanks_before_a_number_is_none_of_its_own():
    first, other = b"C   0.50   0.50   0.50\n", b"C   -.50 1 0.50   0.50\n"
    assert decoded(Layout.learn(first, Columns()), [first, other])[1].tolist() == [True, False]


@pytest.mark.parametrize(("digits", "kept"), [(15, True), (16, False)])
def test_more_than_fifteen_digits_are_left_to_words(digits, kept):
    def block(number):
        return f"C{number:19.2f}   1.00   1.00\n".encode()

    first = f"C{1.0:19.2f}{1.0:19.2f}{1.0:19.2f}\n".encode()
    layout = Layout.learn(first, Columns())
    number = b"1" * (digits - 2) + b".11"
    other = b"C" + number.rjust(19) + first[20:]
    values, keeps = decoded(layout, [first, other])
    assert keeps.tolist() == [True, kept]
    if kept:
        assert values[1, 0, 0] == float(number)


@pytest.mark.parametrize(
    "line", ["C 1.0 2.0 3.00", "C 1 2 3", "C 1. 2. 3.", "C 1.0e1 2.0e1 3.0e1", "C .5 .5 .5", "C x.0 1.0 1.0", "C a b c"]
)
def test_numbers_of_other_forms_have_no_layout(line):
    assert Layout.learn(f"{line}\n".encode(), Columns()) is None


def test_a_layout_says_where_a_frame_ends_and_how_many_decimals_there_are():
    layout = Layout.learn(b"C  1.25  2.25  3.25\nLi 1.25 -2.25  3.25\n", Columns())
    assert (layout.size, layout.decimals) == (40, 2)
    # ends of numbers, as deep as the narrowest gap
    assert layout.fields[:, :, -1].tolist() == [[6, 12, 18], [26, 32, 38]]
    assert layout.fields.shape == (2, 3, 5)
    assert np.array_equal(np.diff(layout.fields), np.ones((2, 3, 4)))


@pytest.mark.parametrize(
    ("comment", "columns"),
    [
        ("nothing", (0, 1)),
        ("Properties=species:S:1:pos:R:3", (0, 1)),
        ('a=1 Properties="id:I:1:pos:R:3:species:S:1" b=2', (4, 1)),
        ("Properties=forces:R:3:Species:S:1:POS:R:3:charge:R:1", (3, 4)),
        ("Properties=pos:R:3:Z:I:1", (0, 0)),
        ("Properties=id:I:x:species:S:1:pos:R:3", (1, 2)),
        ("Properties=species:S:1:charge:R:1", (0, 1)),
    ],
)
def test_a_comment_declares_the_columns(comment, columns):
    assert Columns.of(comment.encode()) == Columns(*columns)
    assert re.search("Properties", comment) or columns == (0, 1)
