"""Names are typeset for readers, and nothing of a user becomes markup."""

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.report.names import as_written, site_in_words, typeset


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("C100-2x1", "C(100)-2×1"),
        ("C111-2x1-pandey", "C(111)-2×1 Pandey"),
        ("C110-1x1-H", "C(110)-1×1 H"),
        ("nd75-c3v", "ND75 (C3v)"),
        ("nd35", "ND35"),
        ("drill-nd35-li", "drill-nd35-li"),
        ("graphene", "graphene"),
    ],
)
def test_recipes_are_written_as_people_write_them(name, written):
    assert as_written(name) == written


def test_symbols_have_their_index_and_names_are_whole_words():
    text = "C100-2x1: E_ads at cave; C100-2x1-thin, jobs/C100-2x1.Li-cave"
    expected = "C(100)-2×1: E<sub>ads</sub> at cave; C100-2x1-thin, jobs/C100-2x1.Li-cave"
    assert typeset(text, ["C100-2x1"]) == expected
    assert site_in_words("valley-bridge") == "valley bridge"


@given(st.text(max_size=40), st.lists(st.text(min_size=1, max_size=5), max_size=3))
def test_no_text_becomes_markup(text, names):
    found = str(typeset(text, names)).replace("<sub>", "").replace("</sub>", "")
    assert "<" not in found
    if not names and "E_" not in text and "E ads" not in text:
        assert unescape(found) == unescape(text) or unescape(found) == text
