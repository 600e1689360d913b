"""How a start lies, against flakes whose sides and normals are known by construction."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms
from scipy.spatial.transform import Rotation

from iondrill.analyse.dynamics.orientation import laid_out
from iondrill.collect.remarks import Remarks
from iondrill.errors import UserError

SIDES_A = (20.0, 4.0)
UP_A = np.array([0, 0, 2.0])
CENTRE_A = np.array([3.0, -7.0, 11.0])


def plate(nx=11, ny=5):
    """Return C on a grid of 20 Å by 4 Å about the origin, in the xy plane."""
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, nx) * SIDES_A[0], np.linspace(-0.5, 0.5, ny) * SIDES_A[1])
    return np.column_stack([x.ravel(), y.ravel(), np.zeros(nx * ny)])


def start(nd=((-14.0, 0.0, 0.0),), lower=None, upper=None, turn=None, far=()):
    """Return a start of these parts, turned about the centre of the flake and set aside."""
    lower = plate() - UP_A if lower is None else lower
    upper = plate() + UP_A if upper is None else upper
    parts = {"nd": np.reshape(nd, (-1, 3)), "lower": np.reshape(lower, (-1, 3)), "upper": np.reshape(upper, (-1, 3))}
    positions = np.concatenate(list(parts.values()))
    turn = Rotation.identity() if turn is None else turn
    atoms = Atoms(["C"] * len(positions), turn.apply(positions) + CENTRE_A)
    atoms.set_array("fragment", np.concatenate([[name] * len(part) for name, part in parts.items()]))
    if len(far):
        atoms.set_array("far_edge", np.isin(np.arange(len(atoms)), far))
    return atoms


def by(axis, angle_deg):
    return Rotation.from_euler(axis, angle_deg, degrees=True)


def lies_as(atoms, expected):
    """Lay a start out, and compare about the centre of the flake; return what is said."""
    remarks = Remarks()
    laid = laid_out(atoms, remarks).positions
    assert laid[atoms.arrays["fragment"] != "nd"].mean(axis=0) == pytest.approx(
        atoms.positions[atoms.arrays["fragment"] != "nd"].mean(axis=0)
    )
    of_flake, there = (each.arrays["fragment"] != "nd" for each in (atoms, expected))
    found, wanted = laid - laid[of_flake].mean(axis=0), expected.positions - expected.positions[there].mean(axis=0)
    np.testing.assert_allclose(found, wanted, atol=1e-9)
    return remarks.lines()


@pytest.mark.parametrize("axis", ["x", "y", "z"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_what_is_turned_by_less_than_two_degrees_is_left(axis, sign):
    near = start(turn=by(axis, 1.9 * sign))
    assert laid_out(near, Remarks()) is near
    (line,) = lies_as(start(turn=by(axis, 2.1 * sign)), start())
    assert "turned by 2.1°" in line


@pytest.mark.parametrize(
    ("nd", "turn"),
    [((-12, -5, 0), by("z", 90)), ((-14, -3, 0), by("z", 0)), ((12, 5, 0), by("z", -90)), ((14, -3, 0), by("z", 180))],
)
def test_the_side_is_that_which_the_nanodiamond_is_farthest_outside_of(nd, turn):
    """At (-12, -5) a plate of 20 Å by 4 Å has it 2 Å outside its short side and 3 Å outside its long one."""
    turned = Rotation.inv(turn) if abs(nd[0]) == 12 else turn
    lies_as(start(nd), start(turned.apply(nd), turned.apply(plate() - UP_A), turned.apply(plate() + UP_A)))


@pytest.mark.parametrize("elevation_deg", [59.0, 61.0])
def test_a_nanodiamond_higher_than_sixty_degrees_is_above_the_layers(elevation_deg):
    up = np.radians(elevation_deg)
    high = start([[-30 * np.cos(up), 0, 30 * np.sin(up)]])
    if elevation_deg < 60:
        assert laid_out(high, Remarks()) is high
    else:
        with pytest.raises(UserError, match="above or below the layers"):
            laid_out(high, Remarks())


@pytest.mark.parametrize("angle_deg", [-45.5, -44.5, 44.5, 45.5])
def test_layers_are_parallel_to_forty_five_degrees_and_z_is_the_mean_of_their_normals(angle_deg):
    lower, upper = (by("x", sign * angle_deg / 2).apply(plate()) + 3 * sign * UP_A for sign in (-1, 1))
    folded = start(lower=lower, upper=upper, turn=by("y", 30))
    if abs(angle_deg) > 45:
        with pytest.raises(UserError, match=r"layers are 4[56]° apart; allowed: 45°"):
            laid_out(folded, Remarks())
    else:
        lies_as(folded, start(lower=lower, upper=upper))


@pytest.mark.parametrize("turn", [*Rotation.random(6, random_state=4), by("x", 180), by("y", 180)])
def test_two_layers_lie_the_lower_below_in_any_orientation(turn):
    lies_as(start(turn=turn), start())


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("angle_deg", [-80, -50, 50, 80])
def test_a_layer_alone_lies_with_that_side_up_that_was(axis, angle_deg):
    alone = {"lower": plate(), "upper": ()}
    (line,) = lies_as(start(turn=by(axis, angle_deg), **alone), start(**alone))
    assert f"turned by {abs(angle_deg):.1f}°" in line


def test_layers_of_three_carbon_are_laid_out_and_of_less_left_to_others():
    three = np.array([[-1, 1, 0], [-1, -1, 0], [1, 0, 0.0]])
    lower, upper = three - UP_A, three + UP_A
    lies_as(start([-9, 0, 0], lower, upper, by("y", 40)), start([-9, 0, 0], lower, upper))
    for parts in ((lower[:2], upper), (lower, upper[:2]), ((), upper)):
        few = start([-9, 0, 0], *parts, turn=by("y", 40))
        assert laid_out(few, Remarks()) is few


@pytest.mark.parametrize("turn", [*Rotation.random(3, random_state=5)])
def test_without_a_nanodiamond_x_leads_to_the_far_edge(turn):
    far = np.flatnonzero(np.tile(plate()[:, 0] > 9, 2))
    remarks = lies_as(start((), far=far, turn=turn), start(()))
    assert len(remarks) == 1
    assert "neither" not in remarks[0]


def test_with_neither_the_edge_is_that_at_smallest_x():
    (line,) = lies_as(start(()), start(()))
    assert "edge is taken to be that at smallest x" in line
    lies_as(start((), turn=by("z", 20)), start(()))


@pytest.mark.parametrize("angle_deg", [-44, 44])
def test_of_two_sides_at_smallest_x_it_is_that_which_faces_x_more(angle_deg):
    square = plate(5, 5) * [0.4, 2, 1]
    parts = {"nd": (), "lower": square - UP_A, "upper": square + UP_A}
    lies_as(start(turn=by("z", angle_deg), **parts), start(**parts))


def test_fixed_atoms_turn_with_the_others():
    atoms = start(turn=by("z", 30))
    atoms.set_constraint(FixAtoms(range(1, 40)))
    lies_as(atoms, start())


def ragged(turn, second_row_A):
    """Return a flake whose side is not straight, with a second row of which only half is there."""
    y = np.linspace(0, 10, 11)
    side = np.column_stack([0.4 * (y == 0) + 0.2 * (y > 5), y, 0 * y])
    behind = np.column_stack([np.full(6, second_row_A), y[:6], np.zeros(6)])
    rest = np.array([[9.0, 0, 0], [9, 10, 0], [9, 5, 0]])
    flake = np.concatenate([side, behind, rest]) - [4, 5, 0]
    return start([-20, 0, 0], flake - UP_A, flake + UP_A, turn), len(side)


@pytest.mark.parametrize("angle_deg", [30, -30, 140])
def test_a_side_is_the_line_of_least_squares_of_its_outermost_row(angle_deg):
    """The first row is 0.4 Å deep; what is 1.2 Å behind it does not count."""
    atoms, n = ragged(by("z", angle_deg), 1.2)
    laid = laid_out(atoms, Remarks()).positions
    row = laid[1 : n + 1, :2] - laid[1 : n + 1, :2].mean(axis=0)
    # its axes of inertia are x and y: of all lines, that along y is the nearest
    assert row[:, 0] @ row[:, 1] == pytest.approx(0, abs=1e-9)
    assert np.square(row[:, 0]).sum() < np.square(row[:, 1]).sum()
    assert laid[0, 0] < laid[1:, 0].min()
