"""Of several multiplicities the lowest in energy is kept, and none that did not converge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.collect.spin import keep_lowest
from iondrill.engines.base import AttemptEntry, Result


def record(energy_eV, status="converged"):
    return Result(
        status=status,
        level="gfn2",
        engine="xtb",
        engine_version="1",
        energy_eV=energy_eV,
        max_force_eV_A=None if energy_eV is None else 0.01,
        wall_s=3,
        core_s=3,
        attempts=[AttemptEntry(reason="finished" if status == "converged" else "SCF not converged")],
        input_hash="0",
    )


@given(st.dictionaries(st.integers(1, 9), st.none() | st.floats(-1e4, 0), min_size=1))
def test_the_lowest_that_converged_wins(energies):
    results = {m: record(e, "converged" if e is not None else "not_converged") for m, e in energies.items()}
    kept, multiplicity = keep_lowest(results)
    known = [e for e in energies.values() if e is not None]
    assert kept.energy_eV == min(known, default=None)
    assert kept.multiplicity == multiplicity
    assert (kept.status == "converged") == bool(known)
    assert {state.multiplicity: state.energy_eV for state in kept.spin_states} == energies
    assert sum(state.kept for state in kept.spin_states) == bool(known)
    assert kept.core_s == kept.wall_s == 0, "paid by the jobs of the multiplicities"


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [("failed", "failed", "failed"), ("failed", "not_converged", "not_converged")],
)
def test_if_none_converged_the_status_says_so(first, second, together):
    kept, multiplicity = keep_lowest({1: record(None, first), 3: record(None, second)})
    assert (kept.status, kept.energy_eV, kept.max_force_eV_A, multiplicity) == (together, None, None, None)
    assert "no multiplicity converged" in kept.attempts[-1].reason
    assert "SCF not converged" in kept.attempts[-1].reason


def test_the_reason_says_of_each_multiplicity_what_became_of_it():
    reasons = [AttemptEntry(reason="killed"), AttemptEntry(reason="stopped"), AttemptEntry(reason="disk full")]
    lost = record(None, "failed").model_copy(update={"attempts": reasons})
    never = record(None, "not_converged").model_copy(update={"attempts": []})
    kept, multiplicity = keep_lowest({1: lost, 3: record(-2.5), 5: never, 7: record(-2.25)})
    assert multiplicity == 3
    (entry,) = kept.attempts
    assert entry.reason == (
        "multiplicity 3 kept (multiplicity 1: failed, disk full; multiplicity 3: -2.500000 eV; "
        "multiplicity 5: not_converged; multiplicity 7: -2.250000 eV)"
    )
    assert [state.kept for state in kept.spin_states] == [False, True, False, False]
    assert kept.max_force_eV_A == 0.01
