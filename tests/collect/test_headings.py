"""What frames say of themselves, in the words of the programs that write them; nothing is made up in silence."""

from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
from ase.units import Hartree, Rydberg, kcal, mol
from hypothesis import given
from hypothesis import strategies as st
from scipy.constants import N_A, e, physical_constants

from iondrill.collect.branches import kept
from iondrill.collect.elements import element_of
from iondrill.collect.headings import Headings, read_comment, read_info
from iondrill.collect.remarks import Remarks
from iondrill.errors import UserError

CELL = 'Lattice="5.0 0.0 0.0 0.0 5.0 0.0 0.0 0.0 5.0"'


@pytest.mark.parametrize(
    ("comment", "step", "time_fs", "energy_eV"),
    [
        (" i =        5, time =        2.500, E =      -189.3584466458", 5, 2.5, -189.3584466458 * Hartree),
        (f"{CELL} Properties=species:S:1:pos:R:3 Step=5 Time=2.500 Energy=-189.5", 5, 2.5, -189.5 * Hartree),
        ('i="5," time="2.500," E=-189.5 pbc="F F F"', 5, 2.5, -189.5 * Hartree),  # CP2K's, through ASE
        ("Step=5 Energy=-189.5", 5, None, -189.5 * Hartree),
        ("Step=5 Time=2.5", 5, 2.5, None),
        (" i = 5, E = -189.5", 5, None, -189.5 * Hartree),  # a relaxation
        (f"{CELL} Properties=species:S:1:pos:R:3 step=5 time_fs=2.5 energy=-9412.5", 5, 2.5, -9412.5),
        ("step=5 time_ps=0.0025 E_pot[eV]=-3.5", 5, 2.5, -3.5),
        ("STEP: 5 time (ps): 0.0025 energy (Ry) = -2.0", 5, 2.5, -2 * Rydberg),
        ("# ORCA AIMD Position Step 5, t=2.50 fs, E_Pot=-154.5 Hartree, Unit is Angstrom", 5, 2.5, -154.5 * Hartree),
        ("Atoms. Timestep: 5", 5, None, None),
        ("MD iter: 5", 5, None, None),
        ("step=5 energy = -1.0 kcal/mol time=2.5 fs", 5, 2.5, -kcal / mol),
        (" energy: -5.5 gnorm: 0.1 xtb: 6.4", None, None, -5.5 * Hartree),
        ("step=5 potential=-1.5D+02 eV T=300 t: 300 K", 5, None, -150.0),
        ("timestep=0.5 whatever", None, None, None),  # of the integrator
        ("", None, None, None),
    ],
)
def test_steps_times_and_energies_in_the_words_of_each_program(comment, step, time_fs, energy_eV):
    remarks = Remarks()
    heading = read_comment(comment.encode(), remarks)
    assert heading.step == step
    assert heading.time_fs == (None if time_fs is None else pytest.approx(time_fs, rel=1e-14))
    assert heading.potential_eV == (None if energy_eV is None else pytest.approx(energy_eV, rel=1e-14))
    assert heading.cell == (CELL[9:-1] if CELL in comment else "")
    assert remarks.lines() == []


def test_units_that_are_not_said_are_remarked_on():
    remarks = Remarks()
    assert read_comment(b"step=5 time=2.5", remarks).time_fs == 2.5
    (line,) = remarks.lines()
    assert "taken as femtoseconds" in line
    for comment in (b"step=5 Energy=-189.5", b"E=-189.5", b"energy: -189.5"):
        remarks = Remarks()
        assert read_comment(comment, remarks).potential_eV is None
        (line,) = remarks.lines()
        assert "no unit that is known" in line


@pytest.mark.parametrize(
    ("unit", "in_eV"),
    [
        ("eV", 1),
        ("meV", 1e-3),
        ("Ha", physical_constants["Hartree energy in eV"][0]),
        ("Ry", physical_constants["Rydberg constant times hc in eV"][0]),
        ("kJ/mol", 1e3 / (N_A * e)),
        ("kcal/mol", 4184 / (N_A * e)),
    ],
)
def test_units_of_energy_are_those_of_codata(unit, in_eV):
    for comment in (f"energy = -2.0 {unit}", f"E_pot[{unit}] = -2.0", f"EPOT({unit.upper()}): -2.0"):
        assert read_comment(comment.encode(), Remarks()).potential_eV == pytest.approx(-2 * in_eV, rel=1e-6)


@pytest.mark.parametrize(("unit", "in_fs"), [("fs", 1), ("ps", 1e3), ("ns", 1e6)])
def test_units_of_time_are_powers_of_a_thousand(unit, in_fs):
    for comment in (f"t={2.5 / in_fs} {unit}", f"time_{unit}={2.5 / in_fs}", f"Time ({unit}): {2.5 / in_fs}"):
        assert read_comment(comment.encode(), Remarks()).time_fs == pytest.approx(2.5, rel=1e-12)


def test_the_energy_of_a_calculator_goes_before_that_of_the_info():
    info = {"step": 5, "energy": -1.0}
    assert read_info(info, None, Remarks()) == (5, None, -1.0, "")
    assert read_info(info, -2.0, Remarks()) == (5, None, -2.0, "")


@given(st.text())
def test_any_comment_leaves_numbers_or_a_message(text):
    headings = Headings("run.xyz", Remarks())
    with contextlib.suppress(UserError):  # of a step that is no whole number
        headings.add_comment(text.encode("utf-8", "replace"))
        columns, _ = headings.columns()
        assert columns["step"].dtype == np.int64
        assert not any(np.isinf(values).any() for values in columns.values())


def gathered(*comments):
    remarks = Remarks()
    headings = Headings("run.xyz", remarks)
    for comment in comments:
        headings.add_comment(comment.encode())
    return *headings.columns(), remarks.lines()


@pytest.mark.parametrize("odd", ["NaN", "-inf", "Infinity", "********************", "1.0.0", "-"])
def test_what_is_no_number_leaves_its_frame_alone_empty(odd):
    good = " i = {}, time = {}, E = {}"
    columns, keep, lines = gathered(good.format(1, 0.5, -1), good.format(2, 1.0, odd), good.format(3, odd, -3))
    assert keep.all()
    assert columns["step"].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(columns["time_fs"], [0.5, 1.0, math.nan])
    np.testing.assert_allclose(columns["potential_eV"], [-Hartree, math.nan, -3 * Hartree])
    assert lines == [
        "the time is not a number: left empty (frame 3)",
        "the energy is not a number: left empty (frame 2)",
    ]
    with pytest.raises(UserError, match=r"run.xyz, frame 2: its step is no whole number: 'i = "):
        gathered(good.format(1, 0.5, -1), good.format(odd, 1.0, -1))


def test_what_only_some_frames_say():
    columns, _, lines = gathered("step=1 time_fs=1 energy=-1", "step=2", "step=3 time_fs=3 energy=-3")
    np.testing.assert_array_equal(columns["potential_eV"], [-1, math.nan, -3])
    assert lines == ["the time is not said: left empty (frame 2)", "the energy is not said: left empty (frame 2)"]
    with pytest.raises(UserError, match=r"run.xyz, frame 2: its comment does not say the step, as others do"):
        gathered("step=1", "", "step=3")
    columns, _, lines = gathered("", "")
    assert list(columns) == ["step"]
    assert [line.split(":")[0] for line in lines] == [
        "its frames do not say their step",
        "its frames do not say their time",
        "its frames do not say their energy",
    ]
    with pytest.raises(UserError, match=r"frame 1: its Lattice is '1 2 3'; needed: nine numbers"):
        gathered('Lattice="1 2 3"')


def test_cells_belong_to_their_frames():
    other = CELL.replace("5.0", "6.0")
    columns, _, _ = gathered("step=1", f"step=2 {CELL}", "step=3", f"step=4 {other}", f"step=5 {CELL}")
    for cell, length in zip(columns["cell_A"], (0, 5, 0, 6, 5), strict=True):
        assert np.array_equal(cell, length * np.eye(3))
    with pytest.raises(UserError, match=r"frame 3: its Lattice is '1 0 0 0 1 0 0 0 x'; needed: nine numbers"):
        gathered(CELL, CELL, 'Lattice="1 0 0 0 1 0 0 0 x"')


def test_a_time_that_stands_still_is_none():
    columns, _, lines = gathered("step=1 time_fs=5", "step=2 time_fs=5")
    assert "time_fs" not in columns
    assert "all its frames have the same time: left empty" in lines
    columns, _, lines = gathered("step=1 time_fs=5")
    assert columns["time_fs"].tolist() == [5]
    assert not any("same time" in line for line in lines)


def test_what_ase_holds_of_a_frame_is_taken_like_a_comment():
    headings = Headings("run.traj", Remarks())
    headings.add_info({"step": 3, "time_fs": 1.5}, -2.0)
    headings.add_info({"step": 4, "time_fs": 2.0, "energy": -3.0}, None)
    columns, keep = headings.columns()
    assert {name: values.tolist() for name, values in columns.items()} == {
        "step": [3, 4],
        "time_fs": [1.5, 2.0],
        "potential_eV": [-2.0, -3.0],
    }
    assert keep.tolist() == [True, True]
    with pytest.raises(UserError, match=r"run.traj, frame 3: its step is no whole number: 'step = x'"):
        headings.add_info({"step": "x"}, None)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([0, 100, 200, 300, 100, 200, 300, 400], [0, 4, 5, 6, 7]),
        ([0, 100, 200, 200, 300], [0, 1, 3, 4]),
        ([0, 0, 100], [1, 2]),
        # a branch with steps of its own is given up with all of them
        ([0, 100, 200, 300, 150, 250, 350], [0, 1, 4, 5, 6]),
        ([0, 10, 20, 10, 20, 15, 25], [0, 3, 5, 6]),
        ([5], [0]),
    ],
)
def test_the_last_branch_counts_where_steps_go_back(steps, expected):
    steps = np.array(steps)
    remarks = Remarks()
    assert np.flatnonzero(kept(len(steps), steps, steps / 2, "run", remarks)).tolist() == expected
    (line,) = remarks.lines() or [""]
    assert ("its steps go back" in line) == (len(expected) < len(steps))
    # without steps, by the time
    assert np.flatnonzero(kept(len(steps), None, steps / 2, "run", Remarks())).tolist() == expected


@pytest.mark.parametrize(
    ("steps", "times", "frame"),
    [
        ([0, 100, 200, 0, 100], [0, 50, 100, 150, 200], 4),  # the count starts again
        ([100, 200, 0, 100], None, 3),
        ([0, 100, 200, 300], [0, 50, 0, 50], 3),  # the time does, the step does not
        ([0, 100, 200, 100, 200], [0, 50, 100, 150, 200], 4),  # the step goes back, the time continues
    ],
)
def test_frames_in_no_order_are_refused_by_name(steps, times, frame):
    times = None if times is None else np.array(times, dtype=float)
    with pytest.raises(UserError, match=rf"^run, frame {frame}: "):
        kept(len(steps), np.array(steps), times, "run", Remarks())


@pytest.mark.parametrize(
    ("labels", "element"),
    [
        (["C", "c", "C1", "Cnd", "C-2", "6"], "C"),
        (["Li", "LI", "Li_b", "li3"], "Li"),
        (["H", "H_nd", "Hed", "D"], "H"),
        (["Co1"], "Co"),
        (["Na_1"], "Na"),
        (["CA"], "Ca"),
    ],
)
def test_labels_stand_for_elements(labels, element):
    assert {element_of(label, ["C", "H", "Li"]) for label in labels} == {element}


def test_the_longest_element_that_is_present_counts():
    assert element_of("Naq", ["N", "Na"]) == "Na"
    assert element_of("Naq", ["N", "C"]) == "N"


@pytest.mark.parametrize("label", ["?", "Xx", "0", "999", ""])
def test_a_label_that_stands_for_none_is_left(label):
    assert element_of(label, ["C", "H", "Li"]) == label
