"""Smooth order parameters: equal to those that are tabulated, with gradients that differences confirm."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from projects import stacked
from scipy.spatial.transform import Rotation

from iondrill.analyse.dynamics.order import geometry
from iondrill.errors import UserError
from iondrill.geometry.coordinates import COORDINATES, SHARPNESS, check_has
from iondrill.geometry.labels import set_fragment
from iondrill.geometry.selection import select


@pytest.fixture(scope="module")
def start():
    """Return two benzenes with a Li, and a tetrahedron of C before them."""
    flake = stacked("C6H6", ion="Li")
    tip = Atoms("C4", [[0, 0, 0], [-1, 1, 0.3], [-1.2, -1, 0.2], [-1.1, 0.1, -1]])
    set_fragment(tip, "nd")
    tip.positions += [flake.positions[:, 0].min() - 2.5, *flake.positions[:, 1:].mean(axis=0)]
    return tip + flake


def disturbed(start, seed):
    """Return the positions moved by some tenths of an Å, turned and shifted as a whole."""
    random = np.random.default_rng(seed)
    moved = start.positions + random.normal(scale=0.15, size=start.positions.shape)
    return moved @ Rotation.random(rng=random).as_matrix().T + random.normal(size=3)


@pytest.mark.parametrize("name", COORDINATES)
@pytest.mark.parametrize("seed", range(4))
def test_a_gradient_is_that_of_differences(start, name, seed):
    selection, positions = select(start, start.positions), disturbed(start, seed)
    gradient, by_differences, h = COORDINATES[name](positions, selection)[1], np.zeros_like(positions), 1e-5
    for index in np.ndindex(positions.shape):
        ends = []
        for sign in (1, -1):
            moved = positions.copy()
            moved[index] += sign * h
            ends.append(COORDINATES[name](moved, selection)[0])
        by_differences[index] = (ends[0] - ends[1]) / (2 * h)
    assert gradient == pytest.approx(by_differences, abs=1e-7)
    # nothing pushes or turns the whole
    assert gradient.sum(axis=0) == pytest.approx(0, abs=1e-12)
    assert np.cross(positions, gradient).sum(axis=0) == pytest.approx(0, abs=1e-9)
    assert np.abs(gradient).max() > 0.1


@pytest.mark.parametrize("seed", range(4))
def test_a_value_is_that_of_the_table(start, seed):
    selection, positions = select(start, start.positions), disturbed(start, seed)
    columns = geometry(positions[None], selection).columns
    value = {name: function(positions, selection)[0] for name, function in COORDINATES.items()}
    assert value["gap_edge_A"] == pytest.approx(columns["gap_edge_A"][0], abs=1e-12)
    above = value["penetration_A"] - columns["penetration_A"][0]
    assert 0 <= above <= np.log(4) / SHARPNESS


def test_what_a_structure_lacks_is_named(start):
    for name, lacking in (("penetration_A", ["nd"]), ("gap_edge_A", ["upper"])):
        without = start[~np.isin(start.arrays["fragment"], lacking)]
        with pytest.raises(UserError, match=rf"{name}: the structure has no such order parameter"):
            check_has(name, select(without, without.positions))
        check_has(name, select(start, start.positions))
