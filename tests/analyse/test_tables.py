"""Tables: what is written is what is read, to the last digit; nothing stays nothing; damage is named."""

from __future__ import annotations

import numpy as np
import pytest

from iondrill.analyse.tables import read_columns, read_rows, write_table
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
