"""What of a run counts: its first frame, its second half, and the fragments that it has."""

from __future__ import annotations

import numpy as np
import pytest

from iondrill.analyse.dynamics.cases import Case, Measure, charge_series, measure


def test_the_second_half_counts_from_its_middle_frame_on():
    (found,) = measure({"gap_edge_A": np.array([1.0, 9.0, 9.0, 2.0, 4.0, 6.0])}, {}).values()
    assert (found.start, found.late, found.change) == (1.0, 4.0, 3.0)
    # of an odd number the middle one is late
    (found,) = measure({"gap_edge_A": np.array([1.0, 9.0, 2.0, 4.0, 6.0])}, {}).values()
    assert found.late == 4.0
    assert np.isnan(found.error)


def test_the_error_is_that_of_the_second_half():
    late = np.tile([0.0, 1.0], 6)
    (found,) = measure({"x": np.concatenate([np.zeros(12), late])}, {}).values()
    assert found.error == pytest.approx(late.std(ddof=1) / np.sqrt(12))


def test_what_has_gaps_or_no_frames_is_left_out():
    assert measure({"a": np.array([1.0, np.nan]), "b": np.array([]), "c": np.array([1.0])}, {}).keys() == {"c"}


def test_the_charge_of_the_flake_is_that_of_both_layers(tmp_path):
    rows = ["step,time_fs,fragment,scheme,charge_e"]
    for step in range(3):
        rows += [f"{step},0,{name},M,{q + step}" for name, q in (("upper", 0.5), ("lower", 0.25), ("nd", -1.0))]
    (tmp_path / "q.csv").write_text("\n".join(rows) + "\n")
    found = charge_series(tmp_path / "q.csv")
    assert {name: values.tolist() for name, values in found.items()} == {
        "charge_nd_e": [-1, 0, 1],
        "charge_flake_e": [0.75, 2.75, 4.75],
    }


def test_a_case_has_the_changes_of_those_runs_that_have_the_quantity():
    case = Case("a", "gfn2", {}, {"s1": {"x": Measure(1, 3, 0.1)}, "s2": {}, "s3": {"x": Measure(2, 1, 0.2)}})
    assert case.sample("x") == ((2, -1), (0.1, 0.2))
    assert case.sample("y") is None
