"""Measured tables: units by the heading, one message for all that is wrong, and no traceback for any text."""

from __future__ import annotations

import csv
import io
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iondrill.config.load import load
from iondrill.echem.series import UNITS, Headings, headings, read_series
from iondrill.errors import UserError

ROOT = Path(__file__).parents[2]
LAND = ROOT / "tests/data/echem/land.xlsx"
KNOWN = load(Headings, ROOT / "workflow/iondrill/echem/columns.yaml").root
CHOICES = [(quantity, unit, name) for quantity, units in KNOWN.items() for unit in units for name in units[unit]]
NUMBERS = st.floats(-1e12, 1e12, allow_nan=False)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return tmp_path_factory.mktemp("series") / "table.csv"


@given(st.data())
def test_every_heading_gives_its_quantity_in_our_unit(table, data):
    quantity, unit, name = data.draw(st.sampled_from(CHOICES))
    values = data.draw(st.lists(NUMBERS, min_size=1, max_size=5))
    spelled = data.draw(st.sampled_from([name, name.upper(), name.replace("_", " "), f" {name}"]))
    others = data.draw(st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=3))
    header = [*(f"other {i} {other}" for i, other in enumerate(others)), spelled]
    out = io.StringIO()
    csv.writer(out).writerows([header, *([*others, repr(value)] for value in values)])
    table.write_bytes(out.getvalue().encode())
    (found,) = read_series(table, (quantity,)).values()
    assert np.allclose(found, np.array(values) * UNITS[unit], rtol=1e-15, atol=0)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.binary(max_size=80), st.text(alphabet='time_s,current_A"\n0123.eE-+nif \0', max_size=80)))
def test_any_text_is_read_or_refused_in_one_message(table, content):
    table.write_bytes(content if isinstance(content, bytes) else content.encode())
    with suppress(UserError):
        found = read_series(table, ("time_s",), ("current_A",))
        assert "time_s" in found
        assert all(np.isfinite(values).all() and len(values) for values in found.values())


def test_units_that_look_alike_once_case_is_left_out_are_not_mixed():
    plain = {name.lower().replace("_", "").replace(" ", "") for _, _, name in CHOICES}
    meanings = {
        (name.lower().replace("_", "").replace(" ", ""), quantity, UNITS[unit]) for quantity, unit, name in CHOICES
    }
    assert len(meanings) == len(plain) == len(headings())


def test_all_mistakes_are_said_at_once(table):
    table.write_text("time_s,current,note\n0,1,a\nx,1,b\nnan,1,c\n")
    with pytest.raises(UserError) as error:
        read_series(table, ("time_s", "current_A"))
    said = str(error.value).replace(str(table), "T").splitlines()
    assert said[0].startswith("T (line 1): no column current_A among time_s, current, note; allowed: current_A, ")
    assert said[1:] == [
        "T: time_s (line 3): found 'x'; allowed: a finite number",
        "T: time_s (line 4): found 'nan'; allowed: a finite number",
    ]


def test_one_quantity_stands_in_one_column(table):
    table.write_text("time_s,Time(h)\n0,1\n")
    with pytest.raises(UserError, match=r"time_s and Time\(h\) are both time_s"):
        read_series(table, ("time_s",))
    table.write_text("time_s\n")
    with pytest.raises(UserError, match="has no rows"):
        read_series(table, ("time_s",))
    table.write_text("\ufefftime_s\n1\n", encoding="utf-8")
    assert read_series(table, ("time_s",))["time_s"].tolist() == [1.0]


def test_a_workbook_in_the_layout_of_the_papers_tester():
    # two sheets of records, the second without a header; navani 0.1.22 reads the same numbers from this file
    found = read_series(LAND, ("time_s", "current_A", "potential_V"))
    assert found["time_s"].tolist() == [10.0 * i for i in range(24)]
    assert found["current_A"].tolist() == [0.0] * 6 + [-0.25e-3] * 12 + [0.0] * 6
    assert found["potential_V"][[0, 6, 11, 12, 23]].tolist() == [3.0, 2.968377, 2.92254, 2.916334, 2.95]


def test_a_workbook_needs_the_extra(monkeypatch, tmp_path):
    (tmp_path / "broken.xlsx").write_text("no workbook")
    with pytest.raises(UserError, match="cannot be read as a workbook"):
        read_series(tmp_path / "broken.xlsx", ("time_s",))
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(UserError, match=r"pip install iondrill\[cyclers\]"):
        read_series(LAND, ("time_s",))
