"""Remarks: said once, in order, with the frames or steps that they are true of, five of them by number."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iondrill.collect.remarks import Remarks


def test_each_is_said_once_and_in_the_order_in_which_it_came():
    remarks = Remarks()
    remarks.add("second to none")
    remarks.add("odd", frame=0)
    remarks.add("second to none")
    remarks.add("late", step=0)
    remarks.add("odd", frame=7)
    remarks.add("late", step=20)
    assert remarks.lines() == ["second to none", "odd (frames 1, 8)", "late (steps 0, 20)"]


@given(st.integers(1, 12))
def test_five_are_named_and_the_others_counted(n):
    remarks = Remarks()
    for frame in range(n):
        remarks.add("odd", frame=frame)
    (line,) = remarks.lines()
    more = {True: f" and {n - 5} more", False: ""}[n > 5]
    assert line == f"odd (frame{'s' if n > 1 else ''} " + ", ".join("12345"[:n]) + f"{more})"
