"""The table of barriers: both directions over the saddle, and words where there is none."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from ase import Atoms

from iondrill.analyse.energies.barrier import (
    BARRIERS,
    PROFILE,
    VALLEY_EV,
    Barrier,
    profile,
    read_profile,
    write_profile,
)
from iondrill.engines.base import AttemptEntry, Result

DISTANCE_A = np.array([0.0, 0.7, 1.5, 2.4])


def barrier(energies_eV, status="converged", reasons=(), distance_A=DISTANCE_A, **cost):
    attempts = [AttemptEntry(reason=reason) for reason in reasons]
    known = {"level": "gfn2", "engine": "xtb", "engine_version": "0", "input_hash": "0", "attempts": attempts}
    energies = np.array(energies_eV, dtype=float)
    result = Result(status=status, **known, **cost)
    return Barrier("C100", "Na", "cave", "bridge", result, (distance_A[: len(energies)], energies))


def test_the_way_of_the_ion_is_that_of_the_last_atom():
    ions = [(0, 0, 2), (3, 4, 2), (3, 4, 14)]
    images = [Atoms("CCLi", [(k, 0, 0), (0, 2 * k, 0), ion]) for k, ion in enumerate(ions)]
    distance_A, energy_eV = profile(images, [-10.0, -9.5, -10.25])
    assert distance_A == pytest.approx([0, 5, 17])
    assert energy_eV == pytest.approx([0, 0.5, -0.25])


def test_a_path_without_energies_has_no_profile():
    distance_A, energy_eV = profile([Atoms("Li"), Atoms("Li")], [])
    assert distance_A.shape == energy_eV.shape == (0,)


def test_a_barrier_is_counted_from_each_end():
    found = BARRIERS.cells(barrier([0.0, 0.25, 0.625, 0.125], n_ionic_steps=30, n_scf_cycles=900, core_s=12.5))
    assert found["E_forward_eV"] == 0.625
    assert found["E_backward_eV"] == 0.5
    # what goes over the saddle comes to the same position: the difference of the ends
    assert found["E_forward_eV"] - found["E_backward_eV"] == 0.125
    assert (found["length_A"], found["saddle_A"]) == (2.4, 1.5)
    assert (found["facet"], found["ion"], found["path"], found["level"]) == ("C100", "Na", "cave → bridge", "gfn2")
    assert (found["n_images"], found["n_ionic_steps"], found["n_scf_cycles"], found["core_s"]) == (4, 30, 900, 12.5)
    assert found["status"] == "converged"


@pytest.mark.parametrize("shift_eV", [-7.0, 0.0, 7.0])
def test_only_differences_of_energy_count(shift_eV):
    found = BARRIERS.cells(barrier(np.array([0.0, 0.25, 0.625, 0.125]) + shift_eV))
    assert [found[key] for key in ("E_forward_eV", "E_backward_eV")] == pytest.approx([0.625, 0.5])
    assert found["status"] == "converged"


@pytest.mark.parametrize(
    ("energies_eV", "forward_eV", "backward_eV"),
    [([0.0, 0.125, 0.25, 0.5], 0.5, 0.0), ([0.0, -0.125, -0.25, -0.5], 0.0, 0.5)],
)
def test_a_path_that_only_rises_or_falls_has_no_saddle_and_says_so(energies_eV, forward_eV, backward_eV):
    found = BARRIERS.cells(barrier(energies_eV))
    assert found["status"] == "converged; no saddle between the ends"
    assert (found["E_forward_eV"], found["E_backward_eV"]) == (forward_eV, backward_eV)


@pytest.mark.parametrize("saddle", [1, 2])
def test_a_saddle_beside_an_end_is_one(saddle):
    energies_eV = [0.0, 0.1, 0.1, 0.0]
    energies_eV[saddle] = 0.3
    assert BARRIERS.cells(barrier(energies_eV))["status"] == "converged"


@pytest.mark.parametrize(
    ("inner_eV", "end_eV", "lower"),
    [
        # images lower than both ends by more than 0.02 eV
        ([-0.03, 0.5], 0.0, True),
        ([0.5, -0.03], 0.0, True),
        ([0.5, -0.01], 0.0, False),
        ([0.5, -VALLEY_EV], 0.0, False),
        ([0.5, 2 * -VALLEY_EV], 0.0, True),
        # lower than one end alone: on the downhill side to the other
        ([0.5, -0.25], -0.5, False),
        ([0.5, -0.53], -0.5, True),
        ([0.25, 0.5], 0.4, False),
    ],
)
def test_a_minimum_on_the_way_that_is_lower_than_both_ends_is_told(inner_eV, end_eV, lower):
    found = BARRIERS.cells(barrier([0.0, *inner_eV, end_eV]))
    assert ("passes a lower minimum" in found["status"]) is lower
    mirrored = BARRIERS.cells(barrier([end_eV, *reversed(inner_eV), 0.0]))
    assert ("passes a lower minimum" in mirrored["status"]) is lower


def test_a_low_end_is_no_minimum_on_the_way():
    assert BARRIERS.cells(barrier([0.0, 0.5, 0.4, -1.0]))["status"] == "converged"
    assert BARRIERS.cells(barrier([-1.0, 0.4, 0.5, 0.0]))["status"] == "converged"


def test_a_path_of_two_ends_passes_nothing():
    assert BARRIERS.cells(barrier([0.0, 0.5]))["status"] == "converged; no saddle between the ends"


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        ((), "not_converged: no reason given"),
        (("killed at step 2", "stopped", "not relaxed\n within 9  steps"), "not_converged: not relaxed within 9 steps"),
    ],
)
def test_an_unconverged_path_has_a_reason_and_no_number(reasons, words):
    found = BARRIERS.cells(barrier([], "not_converged", reasons))
    assert found["status"].replace(";", ":") == words
    assert {found[key] for key in ("E_forward_eV", "E_backward_eV", "length_A", "saddle_A", "n_images")} == {None}


def test_the_table_and_the_profile_are_read_back(tmp_path):
    rows = [barrier([0.0, 0.25, 0.625, 0.125]), barrier([], "failed")]
    BARRIERS.write(rows, tmp_path / "barriers.csv")
    with (tmp_path / "barriers.csv").open(encoding="utf-8", newline="") as file:
        header, *table = csv.reader(file)
    assert tuple(header) == BARRIERS.names
    assert [dict(zip(header, cells, strict=True))["E_backward_eV"] for cells in table] == ["0.5", ""]
    write_profile(*rows[0].profile, tmp_path / "profile.csv")
    text = (tmp_path / "profile.csv").read_text()
    assert text.splitlines()[:2] == [",".join(PROFILE.names), "0,0.0,0.0"]
    np.testing.assert_array_equal(read_profile(tmp_path / "profile.csv"), rows[0].profile)
    write_profile(*rows[1].profile, tmp_path / "none.csv")
    assert [column.shape for column in read_profile(tmp_path / "none.csv")] == [(0,), (0,)]
