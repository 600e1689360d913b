"""Tables: what is written is what is read, to the last digit; nothing stays nothing; damage is named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iondrill.analyse.tables import Table, evenly, read_columns, read_rows, read_table, write_table
from iondrill.errors import UserError


def test_numbers_come_back_to_the_last_digit_and_nothing_as_nothing(tmp_path):
    rows = [(1 / 3, None, "a, b"), (-1e-300, 2, 'says "no"')]
    write_table(tmp_path / "t.csv", ("x", "y", "word"), rows)
    found = read_columns(tmp_path / "t.csv")
    assert found["x"].tolist() == [1 / 3, -1e-300]
    assert np.isnan(found["y"][0])
    assert found["y"][1] == 2
    assert found["word"].tolist() == ["a, b", 'says "no"']


def test_a_table_of_no_rows_has_its_columns(tmp_path):
    write_table(tmp_path / "t.csv", ("x", "y"), [])
    assert read_rows(tmp_path / "t.csv") == (["x", "y"], [])
    assert {name: len(column) for name, column in read_columns(tmp_path / "t.csv").items()} == {"x": 0, "y": 0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("x,y\n1,2\n3\n", r"t\.csv \(line 3\): 1 cells"),
        ("x,y\n1,2,3\n", r"\(line 2\): 3 cells"),
    ],
)
def test_a_damaged_table_is_named_with_its_line(tmp_path, text, words):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UserError, match=words):
        read_rows(tmp_path / "t.csv")


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(UserError, match=r"t\.csv: cannot be read: No such file"):
        read_rows(tmp_path / "t.csv")


def read(tmp_path, text, columns=None):
    (tmp_path / "t.csv").write_text(text)
    return read_table(tmp_path / "t.csv", columns)


def test_a_table_of_other_columns_is_refused_where_columns_are_asked_for(tmp_path):
    assert read(tmp_path, "x,y\n1,2\n").columns == ("x", "y")
    assert read(tmp_path, "x,y\n1,2\n", ["x", "y"]).rows == [{"x": "1", "y": "2"}]
    for other in (["y", "x"], ["x"], ["x", "y", "z"]):
        with pytest.raises(UserError, match=rf"line 1\): found the columns x,y; {','.join(other)}"):
            read(tmp_path, "x,y\n1,2\n", other)


def test_cells_are_numbers_nothing_or_an_error(tmp_path):
    numbers = read(tmp_path, 'x\n1e3\n""\n-0.25\n').numbers("x")
    np.testing.assert_array_equal(numbers, [1000.0, np.nan, -0.25])
    with pytest.raises(UserError, match=r"t\.csv: x: found 'high'; allowed: a number, or nothing"):
        read(tmp_path, "x\nhigh\n").numbers("x")


def test_the_rows_of_a_value_are_those_and_no_others_and_text_is_the_file(tmp_path):
    content = 'ion,note\nLi,"a, b"\nNa,\nLi,c\n'
    table = read(tmp_path, content)
    assert table.text == content
    assert table.where("ion", "Li").text == 'ion,note\nLi,"a, b"\nLi,c\n'
    assert table.where("ion", "K").text == "ion,note\n"


@given(total=st.integers(0, 300), most=st.integers(1, 60))
@example(total=9, most=1)
@example(total=9, most=2)
@example(total=9, most=9)
def test_what_is_thinned_has_as_many_as_are_allowed_and_its_ends_and_even_gaps(total, most):
    found = evenly(total, most)
    assert len(found) == min(total, most)
    assert found == sorted(set(found))
    if total > most:
        assert found[0] == 0
        gaps = np.diff(found)
        assert most == 1 or (found[-1] == total - 1 and gaps.max() - gaps.min() <= 1)
    table = Table(None, ("n",), [{"n": str(n)} for n in range(total)])
    assert table.thinned(most).numbers("n").tolist() == found
