"""Wrapped trajectories and starts are joined by the cell, or refused by frame; no box changes an order parameter."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms
from scipy.spatial.transform import Rotation

from iondrill.analyse.dynamics.order import geometry
from iondrill.analyse.dynamics.orientation import laid_out
from iondrill.analyse.dynamics.unwrap import Unwrapping, whole_start
from iondrill.collect.remarks import Remarks
from iondrill.errors import UserError
from iondrill.geometry.registry import build
from iondrill.geometry.selection import select

CELLS = {
    "cubic": np.diag([33.0, 33.0, 33.0]),
    "oblique": np.array([[34.0, 0, 0], [14.0, 33.0, 0], [-11.0, 9.0, 31.0]]),
    "left-handed": np.array([[0, 33.0, 0], [34.0, 0, 0], [5.0, 9.0, 31.0]]),
    "rod": np.diag([30.0, 0, 0]),
    "rod aslant": np.array([[18.0, 24.0, 0], [0, 0, 0], [0, 0, 0]]),
}


@pytest.fixture(scope="module")
def start(recipes):
    return build("drill-nd29-li", recipes)


def wrapped(positions, cell):
    """Put every atom into the cell, by fractional coordinates between 0 and 1."""
    there = cell.any(axis=1)
    full = cell + np.diag(~there)
    return positions - np.floor(positions @ np.linalg.inv(full)) * there @ cell


def drifting(atoms, n=12):
    """Return frames of a whole that drifts and turns, with an ion that leaves it and a nanodiamond that comes on."""
    random, frames = np.random.default_rng(2), []
    ion, nd = (np.flatnonzero(atoms.arrays["fragment"] == name) for name in ("ion", "nd"))
    centre = atoms.positions.mean(axis=0)
    for k in range(n):
        moved = atoms.positions + random.normal(scale=0.05, size=(len(atoms), 3))
        moved[ion[0], 2] += 1.5 * k
        moved[nd, 0] += 0.1 * k
        turn = Rotation.from_rotvec(np.array([0.1, 0.05, 0.2]) * k)
        frames.append(turn.apply(moved - centre) + centre + np.array([4.0, -3.0, 2.0]) * k)
    return np.array(frames)


def unwrap(atoms, positions, remarks=None, **columns):
    chunk = {"positions_A": positions, "step": 10 * np.arange(len(positions)), **columns}
    unwrapping = Unwrapping(atoms, select(atoms, atoms.positions), "run.xyz", remarks or Remarks())
    slices = [part for part in (slice(5), slice(5, 7), slice(7, 8), slice(8, None)) if len(positions[part])]
    parts = [{name: values[part] for name, values in chunk.items()} for part in slices]
    return np.concatenate([part["positions_A"] for part in unwrapping.over(parts)])


def same_order_parameters(atoms, found, expected):
    selection = select(atoms, atoms.positions)
    ours, theirs = geometry(found, selection), geometry(expected, selection)
    for name, values in theirs.columns.items():
        np.testing.assert_allclose(ours.columns[name], values, atol=1e-8, err_msg=name)
    assert theirs.columns["ions_expelled"].max() == 1


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("said_by", ["frames", "start"])
def test_wrapped_frames_have_the_order_parameters_of_whole_ones(start, cell, said_by):
    vectors, expected = CELLS[cell], drifting(start)
    positions = wrapped(expected, vectors)
    assert np.abs(positions - expected).max() > 20
    atoms, remarks = start.copy(), Remarks()
    columns = {"cell_A": np.array([vectors] * len(expected))} if said_by == "frames" else {}
    atoms.set_cell(np.diag([50.0, 50, 50]) if said_by == "frames" else vectors)
    same_order_parameters(atoms, unwrap(atoms, positions, remarks, **columns), expected)
    (line,) = remarks.lines()
    assert "wrapped into the cell: joined (step" in line


def test_whole_frames_stay_as_they_are(start):
    expected, remarks = drifting(start), Remarks()
    flat = np.array([[40.0, 0, 0], [20.0, 0, 0], [0, 0, 40.0]])  # two vectors along one line make no cell
    for cell in (np.zeros((3, 3)), np.diag([40.0, 40, 40]), np.diag([90.0, 0, 0]), flat, flat[[0, 1]].repeat(2, 0)[1:]):
        atoms = start.copy()
        atoms.set_cell(cell)
        assert np.array_equal(unwrap(atoms, expected, remarks), expected)
    assert remarks.lines() == []


def test_what_no_cell_explains_is_refused_by_frame(start):
    expected, cell = drifting(start), CELLS["cubic"]
    positions = wrapped(expected, cell)
    first = np.flatnonzero(np.abs(positions - expected).max(axis=(1, 2)) > 1)[0]
    cut = np.concatenate([expected[:first], positions[first:]])
    bare = start.copy()
    bare.set_cell(None)
    with pytest.raises(UserError, match=rf"^run.xyz, step {10 * first}: atom \d+ .* and no cell is known"):
        unwrap(bare, cut)
    other = start.copy()
    other.set_cell(np.diag([20.0, 20, 20]) * 1.25)
    with pytest.raises(UserError, match=rf"^run.xyz, step {10 * first}: atom \d+ .*which its cell does not explain"):
        unwrap(other, cut)
    with pytest.raises(UserError, match=r"^run.xyz, step 0: the bonds of the flake are 1.8[89] times as long"):
        unwrap(bare, expected * 1.8897)


def test_a_start_that_is_wrapped_is_joined(start):
    cell, remarks = CELLS["oblique"], Remarks()
    torn = start.copy()
    torn.set_cell(cell)
    expected = start.positions
    torn.positions = wrapped(expected - expected.mean(axis=0), cell)
    joined = whole_start(torn, remarks)
    offset = joined.positions - expected
    np.testing.assert_allclose(offset, offset[[0]].repeat(len(offset), axis=0), atol=1e-9)
    (line,) = remarks.lines()
    assert "joined" in line
    # in a tight box of its own it is whole already
    tight = start.copy()
    tight.center(vacuum=1.0)
    assert whole_start(tight, remarks) is tight


def pair(apart_A, through_A, fragment, second="C"):
    """Return a C at the origin and an atom beside it, farther by one way than by that through the cell's side."""
    atoms = Atoms(["C", second], [[0, 0, 0], [apart_A, 0, 0]], cell=[apart_A + through_A, 50, 50])
    atoms.set_array("fragment", np.array(fragment))
    atoms.set_constraint(FixAtoms([1]))
    return atoms


@pytest.mark.parametrize("fragment", [("nd", "nd"), ("lower", "lower"), ("upper", "upper")])
@pytest.mark.parametrize(
    ("apart_A", "through_A", "wrapped"), [(3.1, 2.9, True), (2.9, 1.9, False), (3.1, 3.05, False), (9.0, 1.4, True)]
)
def test_a_fragment_in_parts_more_than_3_A_apart_is_torn_if_the_cell_joins_them(fragment, apart_A, through_A, wrapped):
    start, remarks = pair(apart_A, through_A, fragment), Remarks()
    joined = whole_start(start, remarks)
    assert joined.get_distance(0, 1) == pytest.approx(through_A if wrapped else apart_A)
    assert (joined is start) is not wrapped
    assert len(remarks.lines()) == wrapped


@pytest.mark.parametrize(
    ("apart_A", "through_A", "wrapped"),
    [(12.1, 7.9, True), (11.9, 7.9, False), (12.1, 8.1, False), (8.5, 3.0, False), (40.0, 2.0, True)],
)
def test_an_ion_more_than_12_A_from_all_else_was_wrapped_if_it_is_within_8_A_by_the_cell(apart_A, through_A, wrapped):
    start = pair(apart_A, through_A, ("lower", "ion"), "Li")
    assert whole_start(start, Remarks()).get_distance(0, 1) == pytest.approx(through_A if wrapped else apart_A)


def test_of_a_start_whose_fragments_are_not_known_none_is_torn():
    start = pair(9.0, 1.4, ("nd", "nd"))
    del start.arrays["fragment"]
    assert whole_start(start, Remarks()) is start
    start = pair(9.0, 1.4, ("nd", "nd"))
    start.set_cell(None)
    assert whole_start(start, Remarks()) is start


def jumping(start, atom, by_A, frame, *, fs=1.0, cell_A=200.0):
    """Unwrap frames of a start at rest, in which an atom moves along z, once, `fs` after the frame before."""
    positions = np.repeat(start.positions[None], 7, axis=0)
    positions[frame:, atom, 2] += by_A
    times = 50 * np.arange(7.0) + np.where(np.arange(7) >= frame, fs - 50.0, 0)
    atoms = start.copy()
    atoms.set_cell([cell_A] * 3)
    found = unwrap(atoms, positions, time_fs=times)
    assert np.array_equal(found, positions)


@pytest.mark.parametrize("frame", [3, 5], ids=["within a chunk", "between two"])
@pytest.mark.parametrize(
    ("fs", "cell_A", "limit_A"), [(1, 200, 10), (150, 200, 15), (250, 200, 25), (150, 0, 10), (99, 200, 10)]
)
def test_an_ion_moves_10_A_or_a_tenth_per_fs_and_no_farther(start, frame, fs, cell_A, limit_A):
    """How long it had counts only where a cell would explain what is farther."""
    ion = np.flatnonzero(start.arrays["fragment"] == "ion")[0]
    jumping(start, ion, limit_A - 0.1, frame, fs=fs, cell_A=cell_A)
    where = rf"step {10 * frame}: atom {ion} \(Li, .* is {limit_A}.1 Å from where it was in the frame before"
    with pytest.raises(UserError, match=where):
        jumping(start, ion, limit_A + 0.1, frame, fs=fs, cell_A=cell_A)


def test_the_first_frame_may_be_twice_as_far_from_the_start(start):
    ion = np.flatnonzero(start.arrays["fragment"] == "ion")[0]
    jumping(start, ion, 19.9, 0)
    with pytest.raises(UserError, match=r"is 20.1 Å from where it was in the start, as seen from the flake"):
        jumping(start, ion, 20.1, 0)


def test_carbon_of_the_flake_moves_6_A_and_is_named_before_what_is_less_far_beyond_its_limit(start):
    """Of some hundred C one moves the centre by less than a tenth of an Å."""
    ion, carbon = (np.flatnonzero(start.arrays["fragment"] == name)[0] for name in ("ion", "upper"))
    jumping(start, carbon, 5.5, 3)
    with pytest.raises(UserError, match=rf"atom {carbon} \(C, .* in the frame before"):
        jumping(start, carbon, 6.5, 3)
    with pytest.raises(UserError, match=rf"atom {carbon} \(C"):
        jumping(start, [ion, carbon], [12.0, 9.0], 3)


@pytest.mark.parametrize("ratio", [0.79, 0.81, 1.24, 1.26])
def test_bonds_a_fifth_shorter_or_a_quarter_longer_have_another_unit(start, ratio):
    centre = start.positions.mean(axis=0)
    scaled = ((start.positions - centre) * ratio + centre)[None].repeat(6, axis=0)
    if 0.8 < ratio < 1.25:
        assert np.array_equal(unwrap(start, scaled), scaled)
    else:
        with pytest.raises(UserError, match=rf"step 0: the bonds of the flake are {ratio} times as long"):
            unwrap(start, scaled)


@pytest.mark.parametrize("said_by", ["frames", "start"])
def test_a_cell_that_grows_and_little_drift(start, said_by):
    """Little moves from frame to frame, but what is wrapped; what was joined stays so in the frames that follow."""
    grows = said_by == "frames"
    cells = np.array([np.diag([30.0, 31, 32]) * (1 + 0.001 * k * grows) for k in range(12)])
    expected = start.positions + np.arange(12.0)[:, None, None] * [0.3, -0.4, 0.2]
    atoms, remarks = start.copy(), Remarks()
    atoms.set_cell(np.diag([70.0, 70, 70]) if grows else cells[0])
    positions = np.array([wrapped(frame, cell) for frame, cell in zip(expected, cells, strict=True)])
    found = unwrap(atoms, positions, remarks, **({"cell_A": cells} if grows else {}))
    relative, wanted = found - found[:, :1], expected - expected[:, :1]
    np.testing.assert_allclose(relative, wanted, atol=1e-9)


def test_each_frame_was_wrapped_into_a_cell_of_its_own(start):
    """Sides between 30 and 60 Å by chance: what is joined by the cell of another frame is elsewhere."""
    cells = np.random.default_rng(4).uniform(30, 60, (12, 3))[:, :, None] * np.eye(3)
    expected = drifting(start)
    positions = np.array([wrapped(frame, cell) for frame, cell in zip(expected, cells, strict=True)])
    same_order_parameters(start, unwrap(start, positions, cell_A=cells), expected)


def test_what_was_wrapped_at_the_start_stays_joined_while_nothing_jumps(start):
    """Over chunks in which nothing crosses a face; then an ion does, within a chunk, and what was joined stays so."""
    atoms, cell = start.copy(), np.diag([33.0, 34.0, 35.0])
    atoms.set_cell(cell)
    expected = np.repeat(start.positions[None], 12, axis=0)
    ion = np.flatnonzero(start.arrays["fragment"] == "ion")[0]
    expected[:, ion, 2] += 0.5 * np.arange(12)
    # the ion is below the upper face until the tenth frame
    offset = np.array([1.0, 17.0, 34.9]) - expected[9, ion]
    positions = wrapped(expected + offset, cell)
    jumps = np.abs(np.diff(positions, axis=0)).max(axis=(1, 2)) > 3
    assert np.flatnonzero(jumps).tolist() == [9]
    assert np.abs(positions[0] - positions[0, ion] - expected[0] + expected[0, ion]).max() > 20
    before = positions.copy()
    found = unwrap(atoms, positions)
    np.testing.assert_allclose(found - found[:, :1], expected - expected[:, :1], atol=1e-9)
    assert np.array_equal(positions, before)


def test_no_cell_is_too_thin(start):
    """Along z a cell of 3.7 Å, a single layer and its gap: what is wrapped moves by little more than 3 Å."""
    atoms = start[start.arrays["fragment"] == "lower"]
    atoms.positions += np.random.default_rng(1).normal(scale=0.1, size=atoms.positions.shape)
    expected = atoms.positions + np.arange(24.0)[:, None, None] * [0, 0, 0.2]
    atoms.set_cell(np.diag([0, 0, 3.7]))
    found = unwrap(atoms, wrapped(expected, atoms.cell.array))
    np.testing.assert_allclose(found - found[:, :1], expected - expected[:, :1], atol=1e-9)


@pytest.mark.parametrize(
    "turn",
    [
        Rotation.from_euler("z", 180, degrees=True),
        Rotation.from_euler("x", 90, degrees=True),
        Rotation.from_euler("y", -90, degrees=True),
        Rotation.from_euler("z", 10, degrees=True),
        *Rotation.random(5, random_state=3),
    ],
    ids=["z180", "x90", "y-90", "z10", *"12345"],
)
def test_a_start_in_any_orientation_gives_the_same_numbers(start, turn):
    centre = start.positions.mean(axis=0)
    turned, remarks = start.copy(), Remarks()
    turned.positions = turn.apply(start.positions - centre) + centre
    frames = drifting(start)
    laid = laid_out(turned, remarks)
    same = geometry(frames, select(laid, laid.positions)).columns
    for name, values in geometry(frames, select(start, start.positions)).columns.items():
        np.testing.assert_allclose(same[name], values, atol=1e-6, err_msg=name)
    (line,) = remarks.lines()
    assert f"turned by {np.degrees(turn.magnitude()):.1f}°" in line


@pytest.mark.parametrize("name", ["drill-nd29-li", "paper-li", "drill-none-li", "drill-nd35"])
def test_starts_that_the_recipes_make_lie_as_they_should(recipes, name):
    atoms, remarks = build(name, recipes), Remarks()
    assert laid_out(atoms, remarks) is atoms
    assert remarks.lines() == []


def test_what_cannot_be_laid_out_is_said(start):
    above = start.copy()
    nd = above.arrays["fragment"] == "nd"
    flake = above.positions[~nd].mean(axis=0)
    above.positions[nd] += flake + np.array([0, 0, 12]) - above.positions[nd].mean(axis=0)
    with pytest.raises(UserError, match="above or below the layers; needed: beside them"):
        laid_out(above, Remarks())
    folded = start.copy()
    upper = folded.arrays["fragment"] == "upper"
    folded.positions[upper] = Rotation.from_euler("y", 80, degrees=True).apply(folded.positions[upper])
    with pytest.raises(UserError, match="layers are 80° apart"):
        laid_out(folded, Remarks())
    bare = start[start.arrays["fragment"] != "nd"]
    del bare.arrays["far_edge"]
    remarks = Remarks()
    laid_out(bare, remarks)
    assert "neither nanodiamond nor far edge" in remarks.lines()[0]
