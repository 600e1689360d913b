"""Declared tables: a declaration writes and reads them, headings have the unit of the name, none is left out."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from iondrill.analyse.columns import UNITS, Column, TableForm, number, text
from iondrill.analyse.forms import FORMS
from iondrill.errors import UserError
from iondrill.prepare.result_files import RESULT_FILES


class Hop(NamedTuple):
    ion: str
    energies_eV: tuple[float, ...]


HOPS = TableForm[Hop](
    "a hop",
    (
        text("ion", "which"),
        number("barrier_eV", "highest energy", lambda row: max(row.energies_eV, default=None), heading="Barrier"),
        number("n", "images", lambda row: len(row.energies_eV), hidden=True),
    ),
)


def test_what_is_written_by_a_declaration_is_read_by_it(tmp_path):
    HOPS.write([Hop("Li", (0.0, 1 / 3)), Hop("Na", ())], tmp_path / "hops.csv")
    assert (tmp_path / "hops.csv").read_text() == f"ion,barrier_eV,n\nLi,{1 / 3!r},2\nNa,,0\n"
    table = HOPS.read(tmp_path / "hops.csv")
    assert table.numbers("barrier_eV")[0] == 1 / 3
    assert [row["ion"] for row in table.rows] == ["Li", "Na"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("ion,n,barrier_eV\n", r"\(line 1\): found the columns ion,n,barrier_eV"),
        ("ion,barrier_eV,n\nLi,high,2\n", "barrier_eV: found 'high'"),
        ("ion,barrier_eV,n\nLi,0.1\n", r"\(line 2\): 2 cells"),
    ],
)
def test_a_table_of_other_columns_or_words_for_numbers_is_refused(tmp_path, content, words):
    (tmp_path / "hops.csv").write_text(content)
    with pytest.raises(UserError, match=words):
        HOPS.read(tmp_path / "hops.csv")


@pytest.mark.parametrize(
    ("name", "heading", "label"),
    [
        ("E_ads_eV", None, "E ads (eV)"),
        ("E_ads_eV", "E_ads", "E_ads (eV)"),
        ("max_force_eV_A", None, "max force (eV/Å)"),
        ("two_theta_deg", "2θ", "2θ (°)"),
        ("low", "95 % from", "95 % from"),
        ("n_A_atoms", None, "n A atoms"),
    ],
)
def test_a_heading_has_the_unit_that_the_name_ends_in(name, heading, label):
    assert Column(name, "", heading=heading).label == label


def test_the_page_leaves_hidden_columns_out():
    assert [column.name for column in HOPS.shown] == ["ion", "barrier_eV"]


def test_every_table_of_the_results_is_declared_and_every_declared_one_is_a_result():
    tables = {file.path for file in RESULT_FILES if file.path.endswith(".csv")}
    assert {path for path in FORMS if not path.startswith("jobs/")} == tables


def test_no_column_is_declared_twice_or_without_its_meaning():
    for path, form in FORMS.items():
        assert len(set(form.names)) == len(form.names), path
        assert all(column.meaning for column in form.columns), path


def test_a_column_is_shown_and_chosen_by_only_where_it_says_so():
    for column in (Column("x", ""), text("x", ""), number("x", "")):
        assert not column.hidden
        assert not column.choice
        assert (column.role, column.digits, column.get) == ("", None, None)
    assert not text("x", "").numeric
    assert number("x", "", digits=2, choice=True).choice


def test_a_cell_is_what_a_function_says_an_attribute_or_an_entry():
    hop = Hop("Li", (0.5, 2.0))
    assert HOPS.cells(hop) == {"ion": "Li", "barrier_eV": 2.0, "n": 2}
    assert text("ion", "").cell({"ion": "Na"}) == "Na"
    assert text("ion", "", lambda row: row["ion"].lower()).cell({"ion": "Na"}) == "na"


def test_a_heading_is_found_by_name_and_of_what_is_not_declared_it_is_the_name():
    assert [HOPS.label(name) for name in ("barrier_eV", "n", "height_A")] == ["Barrier (eV)", "n", "height (Å)"]


@pytest.mark.parametrize("ending", UNITS)
def test_a_unit_of_another_has_its_own_ending(ending):
    """J/m² does not end in m², nor meV in eV: what is left of the name is never a part of the unit."""
    column = Column(f"some_thing_{ending}", "")
    assert (column.unit, column.words) == (UNITS[ending], "some thing")
