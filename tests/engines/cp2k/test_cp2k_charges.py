"""Charges from CP2K's output: tables that CP2K 2023.1 wrote, added up by fragment, and every kind of damage."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.analyse.dynamics.charges import fragment_charges
from iondrill.engines.cp2k.charges import FORMATS
from iondrill.engines.cp2k.output import Log
from iondrill.errors import UserError

DATA = Path(__file__).parents[2] / "data" / "charges"
CLOSED, OPEN = DATA / "c2h2li2.out", DATA / "c2h2li.out"
LAYERS = {CLOSED: ["lower", "upper", "lower", "upper", "ion", "ion"], OPEN: ["lower", "upper", "lower", "upper", "ion"]}
ENERGY = "\n ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]:   -1.0\n"
BOTH = pytest.mark.parametrize("scheme", sorted(FORMATS))


def tables(path, scheme):
    return [scf.tables[scheme] for scf in Log.read(path).scf]


def damaged(text, scheme):
    """Return what is said of the first table of a damaged log."""
    log = Log()
    log.feed(text)
    with pytest.raises(UserError) as error:
        log.scf[0].charges_e(scheme, [*"CCHH", "Li", *["Li"] * text.count("     6 ")], 0)
    return str(error.value)


@BOTH
@pytest.mark.parametrize(("path", "symbols", "n_tables"), [(CLOSED, "CCHHLiLi", 1), (OPEN, "CCHHLi", 2)])
def test_a_table_for_each_scf(path, symbols, n_tables, scheme):
    found = tables(path, scheme)
    assert len(found) == n_tables
    for table in found:
        assert "".join(table.symbols) == symbols
        assert len(table.printed_e) == len(table.symbols)


@BOTH
def test_spin_of_a_doublet_and_none_of_a_closed_shell(scheme):
    (closed,) = tables(CLOSED, scheme)
    assert closed.spin is None
    for table in tables(OPEN, scheme):
        assert sum(table.spin) == pytest.approx(1, abs=5e-3)


@BOTH
@pytest.mark.parametrize("path", [CLOSED, OPEN])
def test_net_charge_is_the_nuclear_charge_less_the_population(path, scheme):
    # from the text itself: the columns of populations are between those of kind and charge
    valence = {"C": 4, "H": 1, "Li": 3}
    lines = path.read_text().splitlines()
    starts = [k + 1 for k, line in enumerate(lines) if line.strip() == FORMATS[scheme].title]
    for start, table in zip(starts, tables(path, scheme), strict=True):
        rows = [line.split() for line in lines[start:] if line[:8].strip().isdigit()][: len(table.symbols)]
        first = 3 if scheme == "Mulliken" else 4
        population = [sum(float(word) for word in row[first : first + (1 if path == CLOSED else 2)]) for row in rows]
        expected = np.array([valence[symbol] for symbol in table.symbols]) - population
        np.testing.assert_allclose(table.printed_e, expected, atol=2.1 * FORMATS[scheme].precision_e)


@BOTH
@pytest.mark.parametrize("path", [CLOSED, OPEN])
def test_fragments_add_up_to_the_total_charge(path, scheme):
    for table in tables(path, scheme):
        charges = table.charges_e(table.symbols, 0)
        np.testing.assert_allclose(charges, table.printed_e, atol=FORMATS[scheme].precision_e)
        rows = list(fragment_charges(7, 3.5, charges, LAYERS[path], scheme=scheme, total_charge_e=0, source=path))
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
            *_, table = tables(path, scheme)
            assert all(q > 0 for q, symbol in zip(table.printed_e, table.symbols, strict=True) if symbol == "Li")


@BOTH
def test_charges_of_another_system_are_refused(scheme):
    (scf,) = Log.read(CLOSED).scf
    with pytest.raises(UserError, match=r"add up to.*allowed: 1 e"):
        scf.charges_e(scheme, ["C", "C", "H", "H", "Li", "Li"], 1)
    with pytest.raises(UserError, match="6 other atoms"):
        scf.charges_e(scheme, ["C", "C", "H", "H", "Li", "Na"], 0)


def test_a_log_without_tables_says_so():
    assert (
        damaged("  *** SCF run converged in 9 steps ***\n" + ENERGY, "Mulliken") == "Mulliken charges: the log has none"
    )


@BOTH
@pytest.mark.parametrize("path", [CLOSED, OPEN])
def test_every_cut_within_a_table_is_told_and_the_energy_is_not_lost(path, scheme):
    text = path.read_text()
    title = text.index(FORMATS[scheme].title)
    end = text.index("!---", title)
    for kept in range(title + len(FORMATS[scheme].title) + 1, end - 1, 7):
        assert damaged(text[:kept] + ENERGY, scheme).startswith(f"{scheme} charges: ")
    whole, log = tables(path, scheme), Log()
    log.feed(text[: end + 5] + ENERGY)
    assert log.scf[0].tables[scheme] == whole[0]


@BOTH
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_a_row_that_is_lost_or_scribbled_on_is_told(scheme, data):
    path = data.draw(st.sampled_from([CLOSED, OPEN]))
    text = path.read_text()
    start = text.index(FORMATS[scheme].title)
    lines = text[start:].splitlines()
    rows = [k for k, line in enumerate(lines[:12]) if line[:8].strip().isdigit()]
    row = data.draw(st.sampled_from(rows))
    junk = data.draw(st.sampled_from(["", "   ******", "NaN", "  1 C 1", "-0.5"]))
    lines[row] = lines[row][: len(lines[row]) - len(junk)] + junk if junk else ""
    assert damaged(text[:start] + "\n".join(lines) + "\n", scheme).startswith(f"{scheme} charges: ")
