"""Charges of fragments: they add up, or there are none."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.analyse.dynamics.charges import CHARGES, fragment_charges
from iondrill.errors import UserError

LABELS = np.array(["lower", "nd", "upper", "ion", "nd", "lower"])


def rows_of(charges, labels=LABELS, total=0.0, step=20):
    return list(fragment_charges(step, 10.0, charges, labels, scheme="Mulliken", total_charge_e=total, source="q.bin"))


def test_the_table(tmp_path):
    CHARGES.write(rows_of([0.25, -0.5, -0.75, 0.875, 0.0, 0.125]), tmp_path / "charges" / "drill.csv")
    text = (tmp_path / "charges" / "drill.csv").read_text()
    assert text == (
        "step,time_fs,fragment,scheme,charge_e\n"
        "20,10.0,nd,Mulliken,-0.5\n20,10.0,ion,Mulliken,0.875\n"
        "20,10.0,upper,Mulliken,-0.75\n20,10.0,lower,Mulliken,0.375\n"
    )


@given(
    charges=st.lists(st.floats(-2, 2), min_size=6, max_size=6),
    order=st.permutations(range(6)),
    total=st.integers(-2, 2),
)
def test_fragments_add_up_in_any_order_of_atoms(charges, order, total):
    charges = np.array(charges)
    charges[0] += total - charges.sum()
    rows, again = rows_of(charges, total=total), rows_of(charges[order], LABELS[order], total=total)
    assert [row.fragment for row in rows] == ["nd", "ion", "upper", "lower"]
    assert sum(row.charge_e for row in rows) == pytest.approx(total, abs=1e-9)
    assert [row.charge_e for row in again] == pytest.approx([row.charge_e for row in rows], abs=1e-12)


@given(error=st.floats(-3, 3), total=st.integers(-1, 1))
def test_lost_electrons_are_refused(error, total):
    charges = np.array([0.3, -0.2, 0.1, -0.2, 0.5, total - 0.5 + error])
    if abs(error) < 0.99e-3:
        assert len(rows_of(charges, total=total)) == 4
    elif abs(error) > 1.01e-3:
        with pytest.raises(UserError, match=r"q.bin: step 20: the Mulliken charges add up to .* allowed: "):
            rows_of(charges, total=total)


def test_charges_that_are_no_numbers_are_refused():
    with pytest.raises(UserError, match=r"add up to nan"):
        rows_of([0.0, np.nan, 0, 0, 0, 0])


def test_a_control_has_no_rows_for_what_is_not_there():
    assert [row.fragment for row in rows_of([0.5, -0.5], np.array(["lower", "upper"]))] == ["upper", "lower"]


def test_every_atom_belongs_somewhere():
    with pytest.raises(UserError, match=r"q.bin: fragment slab; allowed: nd, ion, above, upper, lower, below"):
        rows_of([0.0, 0.0], np.array(["slab", "nd"]))
    with pytest.raises(UserError, match=r"step 20: 5 charges; the structure has 6 atoms"):
        rows_of([0.0] * 5)


def test_a_failed_frame_leaves_the_old_table(tmp_path):
    (tmp_path / "drill.csv").write_text("old")
    frames = [[0.0] * 6, [1.0] * 6]
    rows = (row for step, charges in enumerate(frames) for row in rows_of(charges, step=step))
    with pytest.raises(UserError, match="step 1"):
        CHARGES.write(rows, tmp_path / "drill.csv")
    assert (tmp_path / "drill.csv").read_text() == "old"


def test_digits_survive(tmp_path):
    CHARGES.write(rows_of([1 / 3, 0, -1 / 3, 0, 0, 0]), tmp_path / "q.csv")
    with (tmp_path / "q.csv").open() as file:
        found = {row["fragment"]: float(row["charge_e"]) for row in csv.DictReader(file)}
    assert found == {"nd": 0, "ion": 0, "upper": -1 / 3, "lower": 1 / 3}
