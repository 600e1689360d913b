"""Wrapped trajectories and starts are joined by the cell, or refused by frame; no box changes an order parameter."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from iondrill.analyse.dynamics.order import geometry
from iondrill.analyse.dynamics.orientation import laid_out
from iondrill.analyse.dynamics.selection import select
from iondrill.analyse.dynamics.unwrap import Unwrapping, whole_start
from iondrill.collect.remarks import Remarks
from iondrill.errors import UserError
from iondrill.geometry.registry import build

CELLS = {
    "cubic": np.diag([33.0, 33.0, 33.0]),
    "oblique": np.array([[34.0, 0, 0], [14.0, 33.0, 0], [-11.0, 9.0, 31.0]]),
    "rod": np.diag([30.0, 0, 0]),
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
    parts = [{name: values[part] for name, values in chunk.items()} for part in (slice(5), slice(5, None))]
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
    for cell in (np.zeros((3, 3)), np.diag([40.0, 40, 40]), np.diag([90.0, 0, 0])):
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
