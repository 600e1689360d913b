"""Charges from CP2K's output: tables that CP2K 2023.1 wrote, added up by fragment, and every kind of damage."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.analyse.charges import fragment_charges
from iondrill.engines.cp2k.charges import FORMATS, read_charges
from iondrill.errors import UserError

DATA = Path(__file__).parents[1] / "data" / "charges"
CLOSED, OPEN = DATA / "c2h2li2.out", DATA / "c2h2li.out"
LAYERS = {CLOSED: ["lower", "upper", "lower", "upper", "ion", "ion"], OPEN: ["lower", "upper", "lower", "upper", "ion"]}
BOTH = pytest.mark.parametrize("scheme", sorted(FORMATS))


@BOTH
@pytest.mark.parametrize(("path", "symbols", "n_tables"), [(CLOSED, "CCHHLiLi", 1), (OPEN, "CCHHLi", 2)])
def test_a_table_for_each_scf(path, symbols, n_tables, scheme):
    tables = list(read_charges(path, scheme))
    assert len(tables) == n_tables
    for table in tables:
        assert "".join(table.symbols) == symbols
        assert table.printed_e.shape == (len(table.symbols),)


@BOTH
def test_spin_of_a_doublet_and_none_of_a_closed_shell(scheme):
    (closed,) = read_charges(CLOSED, scheme)
    assert closed.spin is None
    for table in read_charges(OPEN, scheme):
        assert table.spin.sum() == pytest.approx(1, abs=5e-3)


@BOTH
@pytest.mark.parametrize("path", [CLOSED, OPEN])
def test_net_charge_is_the_nuclear_charge_less_the_population(path, scheme):
    # from the text itself: the columns of populations stand between those of kind and charge
    valence = {"C": 4, "H": 1, "Li": 3}
    lines = path.read_text().splitlines()
    for table in read_charges(path, scheme):
        start = int(table.source.rpartition(" ")[2].rstrip(")"))
        rows = [line.split() for line in lines[start:] if line[:8].strip().isdigit()][: len(table.symbols)]
        first = 3 if scheme == "Mulliken" else 4
        population = [sum(float(word) for word in row[first : first + (1 if path == CLOSED else 2)]) for row in rows]
        expected = np.array([valence[symbol] for symbol in table.symbols]) - population
        np.testing.assert_allclose(table.printed_e, expected, atol=2.1 * FORMATS[scheme].precision_e)


@BOTH
@pytest.mark.parametrize("path", [CLOSED, OPEN])
def test_fragments_add_up_to_the_total_charge(path, scheme):
    for table in read_charges(path, scheme):
        charges = table.charges_e(0)
        np.testing.assert_allclose(charges, table.printed_e, atol=FORMATS[scheme].precision_e)
        rows = list(
            fragment_charges(7, 3.5, charges, LAYERS[path], scheme=scheme, total_charge_e=0, source=table.source)
        )
        assert [row.fragment for row in rows] == ["ion", "upper", "lower"]
        assert {row.scheme for row in rows} == {scheme}
        assert sum(row.charge_e for row in rows) == pytest.approx(0, abs=1e-3)
        ion = [k for k, name in enumerate(LAYERS[path]) if name == "ion"]
        assert rows[0].charge_e == pytest.approx(charges[ion].sum())
        # H counts to its layer
        assert rows[2].charge_e == pytest.approx(charges[[0, 2]].sum())


def test_both_schemes_agree_that_lithium_gives_electrons_away():
    for scheme in FORMATS:
        for path in (CLOSED, OPEN):
            *_, table = read_charges(path, scheme)
            assert all(q > 0 for q, symbol in zip(table.printed_e, table.symbols, strict=True) if symbol == "Li")


@BOTH
def test_another_total_charge_is_refused(scheme):
    (table,) = read_charges(CLOSED, scheme)
    with pytest.raises(UserError, match=r"c2h2li2\.out .*add up to.*allowed: 1 e"):
        table.charges_e(1)


def test_a_log_without_tables_has_none(tmp_path):
    (tmp_path / "none.out").write_text("SCF run converged\n")
    assert list(read_charges(tmp_path / "none.out", "Mulliken")) == []
    with pytest.raises(UserError, match=r"missing\.out.*cannot be read"):
        list(read_charges(tmp_path / "missing.out", "Mulliken"))


@BOTH
@pytest.mark.parametrize("path", [CLOSED, OPEN])
def test_every_cut_within_a_table_is_refused(tmp_path, path, scheme):
    text = path.read_text()
    title = text.index(FORMATS[scheme].title)
    end = text.index("!---", title)
    whole = list(read_charges(path, scheme))
    for kept in range(title + len(FORMATS[scheme].title), end, 7):
        (tmp_path / "cut.out").write_text(text[:kept])
        with pytest.raises(UserError, match=rf"cut\.out \({scheme} table at line \d+\)"):
            list(read_charges(tmp_path / "cut.out", scheme))
    (tmp_path / "cut.out").write_text(text[: end + 5])
    (first,) = read_charges(tmp_path / "cut.out", scheme)
    np.testing.assert_array_equal(first.printed_e, whole[0].printed_e)


@BOTH
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_a_row_that_is_lost_or_scribbled_on_is_refused(tmp_path_factory, scheme, data):
    path = data.draw(st.sampled_from([CLOSED, OPEN]))
    text = path.read_text()
    start = text.index(FORMATS[scheme].title)
    lines = text[start:].splitlines()
    rows = [k for k, line in enumerate(lines[:12]) if line[:8].strip().isdigit()]
    row = data.draw(st.sampled_from(rows))
    junk = data.draw(st.sampled_from(["", "   ******", "NaN", "  1 C 1", "-0.5"]))
    lines[row] = lines[row][: len(lines[row]) - len(junk)] + junk if junk else ""
    damaged = tmp_path_factory.getbasetemp() / "damaged.out"
    damaged.write_text(text[:start] + "\n".join(lines))
    with pytest.raises(UserError, match=r"damaged\.out"):
        list(read_charges(damaged, scheme))
