"""Order parameters against motions whose answer is known."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from iondrill.analyse.dynamics.neighbours import contacts
from iondrill.analyse.dynamics.order import ORDER, geometry, order_parameters, write_order
from iondrill.analyse.elf.lines import nd_flake_bonds
from iondrill.collect.readers import log_chunks
from iondrill.errors import UserError
from iondrill.geometry.layers import flake_axes
from iondrill.geometry.selection import CONTACT_A, select
from iondrill.jobs.frames import FrameLog, Frames

GAP_A = 3.7
CC_A = 1.42
EDGE_X_A = -2.5 * CC_A  # outermost C of C24, zigzag sides at -x and +x
EXACT = {"rtol": 0, "atol": 1e-10}


def coronene(z):
    """Return the 24 C of coronene, bonds along x."""
    i, j, basis = (index.ravel() for index in np.mgrid[-4:5, -4:5, 0:2])
    x, y = 1.5 * (i + j) + 1 + basis, np.sqrt(0.75) * (i - j)
    points = CC_A * np.column_stack([x, y])
    points = points[np.linalg.norm(points, axis=1) < 2.8 * CC_A]
    assert len(points) == 24
    return np.column_stack([points, np.full(24, z)])


# neopentane's carbon: the first has four neighbours, the others one
FIVE = 1.54 / np.sqrt(3) * np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
FORE_X_A = FIVE[:, 0].max()


def assembly(nd=FIVE - [10.0, 0, 0], ions=((0, 0, 0),), element="Li", gap_A=GAP_A):
    parts = [
        ("nd", "C", np.reshape(nd, (-1, 3))),
        ("lower", "C", coronene(-gap_A / 2)),
        ("upper", "C", coronene(gap_A / 2)),
        ("ion", element, np.reshape(ions, (-1, 3))),
    ]
    atoms = Atoms()
    for _, symbol, positions in parts:
        atoms += Atoms([symbol] * len(positions), positions=positions)
    atoms.arrays["fragment"] = np.concatenate([[name] * len(positions) for name, _, positions in parts])
    return atoms


def moved(positions, seed=0):
    """Turn and shift every frame but the first, each differently."""
    random = np.random.default_rng(seed)
    turns = Rotation.random(len(positions), random_state=seed).as_matrix()
    turns[0] = np.eye(3)
    shifts = random.normal(scale=5, size=(len(positions), 1, 3))
    return positions @ turns.swapaxes(1, 2) + shifts


def evaluate(atoms, positions):
    return geometry(positions, select(atoms, atoms.positions)).columns


def of(atoms, name):
    return atoms.arrays["fragment"] == name


def about_y(positions, hinge_x, angle_deg):
    """Turn atoms of frames about the line x = hinge_x in their own plane; positive raises what is at -x."""
    angle = np.radians(angle_deg)[:, None]
    x = positions[:, 0] - hinge_x
    x, z = hinge_x + x * np.cos(angle), positions[:, 2] - x * np.sin(angle)
    return np.stack([x, np.broadcast_to(positions[:, 1], x.shape), z], axis=2)


def wedge(atoms, hinge_x, lower_deg, upper_deg):
    positions = np.repeat(atoms.positions[None], len(upper_deg), axis=0)
    positions[:, of(atoms, "lower")] = about_y(atoms.positions[of(atoms, "lower")], hinge_x, lower_deg)
    positions[:, of(atoms, "upper")] = about_y(atoms.positions[of(atoms, "upper")], hinge_x, upper_deg)
    return positions


@pytest.mark.parametrize("move", [lambda positions: positions, moved], ids=["at rest", "drifting and turning"])
def test_a_nanodiamond_pushed_in_at_known_speed(move):
    atoms = assembly()
    pushed = np.repeat(atoms.positions[None], 20, axis=0)
    shift_A = 0.7 * np.arange(20)
    pushed[:, of(atoms, "nd"), 0] += shift_A[:, None]
    columns = evaluate(atoms, move(pushed))
    np.testing.assert_allclose(columns["penetration_A"], FORE_X_A - 10 - EDGE_X_A + shift_A, **EXACT)
    np.testing.assert_allclose(columns["gap_edge_A"], GAP_A, **EXACT)
    np.testing.assert_allclose(columns["gap_centre_A"], GAP_A, **EXACT)
    np.testing.assert_allclose(columns["opening_angle_deg"], 0, **EXACT)
    np.testing.assert_allclose(columns["nd_sp3_fraction"][0], 1 / 5, **EXACT)


@pytest.mark.parametrize("move", [lambda positions: positions, moved], ids=["at rest", "drifting and turning"])
@pytest.mark.parametrize("hinge_x", [3.5, 0.0])
def test_layers_opened_like_a_book(move, hinge_x):
    atoms = assembly()
    angle = np.linspace(0, 40, 9)
    columns = evaluate(atoms, move(wedge(atoms, hinge_x, -angle / 2, angle / 2)))
    lift = 2 * np.sin(np.radians(angle / 2))
    np.testing.assert_allclose(columns["opening_angle_deg"], angle, **EXACT)
    np.testing.assert_allclose(columns["gap_edge_A"], GAP_A + lift * (hinge_x - EDGE_X_A), **EXACT)
    np.testing.assert_allclose(columns["gap_centre_A"], GAP_A + lift * hinge_x, **EXACT)


@pytest.mark.parametrize("move", [lambda positions: positions, moved], ids=["at rest", "drifting and turning"])
def test_one_layer_lifted(move):
    atoms = assembly()
    angle, hinge_x = np.linspace(0, 40, 9), 3.5
    columns = evaluate(atoms, move(wedge(atoms, hinge_x, 0 * angle, angle)))
    lever, theta = hinge_x - EDGE_X_A, np.radians(angle)
    shift_x, shift_z = lever * (1 - np.cos(theta)), GAP_A + lever * np.sin(theta)
    np.testing.assert_allclose(columns["opening_angle_deg"], angle, **EXACT)
    expected = np.sin(theta / 2) * shift_x + np.cos(theta / 2) * shift_z
    np.testing.assert_allclose(columns["gap_edge_A"], expected, **EXACT)


def test_opening_away_from_the_nanodiamond_is_negative():
    atoms = assembly()
    columns = evaluate(atoms, wedge(atoms, -3.5, np.array([0.0, 5]), np.array([0.0, -5])))
    np.testing.assert_allclose(columns["opening_angle_deg"], [0, -10], **EXACT)


def test_a_twist_about_the_insertion_axis_is_no_opening():
    atoms = assembly()
    positions = np.repeat(atoms.positions[None], 2, axis=0)
    for name, angle in (("lower", -8), ("upper", 8)):
        turn = Rotation.from_euler("x", angle, degrees=True).as_matrix()
        centre = atoms.positions[of(atoms, name)].mean(axis=0)
        positions[1, of(atoms, name)] = (atoms.positions[of(atoms, name)] - centre) @ turn.T + centre
    columns = evaluate(atoms, moved(positions))
    np.testing.assert_allclose(columns["opening_angle_deg"], 0, **EXACT)
    np.testing.assert_allclose(columns["gap_edge_A"], GAP_A, **EXACT)


def test_a_bilayer_that_slides_and_tilts_keeps_its_gap():
    # AB stacking on a tilted flake: the distance along z of the edges is not the gap
    atoms = assembly()
    atoms.positions[of(atoms, "upper"), 0] += CC_A
    tilted = np.stack([atoms.positions, atoms.positions @ Rotation.from_euler("y", 25, degrees=True).as_matrix()])
    columns = evaluate(atoms, tilted)
    np.testing.assert_allclose(columns["gap_edge_A"], GAP_A, **EXACT)
    np.testing.assert_allclose(columns["penetration_A"], FORE_X_A - 10 - EDGE_X_A - CC_A / 2, **EXACT)


@pytest.mark.parametrize(("distance_A", "bonds"), [(1.849, 2), (1.851, 0)])
def test_bonds_between_nanodiamond_and_flake(distance_A, bonds):
    # one C before one edge C of each layer, along -x: the edge's other C are farther
    atoms = assembly()
    edges = [coronene(z)[coronene(z)[:, 0].argmin()] for z in (-GAP_A / 2, GAP_A / 2)]
    nd = np.array([*(edge - [distance_A, 0, 0] for edge in edges), [-10, 0, 0]])
    atoms = assembly(nd)
    columns = evaluate(atoms, moved(np.repeat(atoms.positions[None], 3, axis=0)))
    assert columns["nd_flake_bonds"].tolist() == [bonds] * 3
    assert columns["nd_sp3_fraction"].tolist() == [0] * 3


@pytest.mark.parametrize(("ch_A", "fraction"), [(1.09, 1.0), (1.29, 1.0), (1.31, 0.0), (1.80, 0.0)])
def test_bonded_hydrogen_counts_as_a_neighbour_and_passing_hydrogen_does_not(ch_A, fraction):
    atoms = assembly(nd=FIVE[:1] - [10, 0, 0])
    hydrogen = Atoms("H4", positions=FIVE[1:] * ch_A / 1.54 - [10, 0, 0])
    hydrogen.arrays["fragment"] = np.array(["nd"] * 4)
    atoms += hydrogen
    assert evaluate(atoms, atoms.positions[None])["nd_sp3_fraction"].tolist() == [fraction]


def test_a_bond_to_the_flake_makes_sp3():
    # a carbon with three neighbours in the nanodiamond and one in the flake
    edge = coronene(GAP_A / 2)[coronene(GAP_A / 2)[:, 0].argmin()]
    turn = Rotation.align_vectors([[1, 0, 0]], [FIVE[1]])[0].as_matrix()
    atoms = assembly(np.delete(FIVE, 1, axis=0) @ turn.T + edge - [1.54, 0, 0])
    columns = evaluate(atoms, atoms.positions[None])
    assert columns["nd_flake_bonds"].tolist() == [1]
    assert columns["nd_sp3_fraction"].tolist() == [1 / 4]


def test_a_bond_to_a_further_layer_is_one_to_the_flake():
    layer = coronene(1.5 * GAP_A)
    above = Atoms("C" * len(layer), positions=layer)
    above.arrays["fragment"] = np.array(["above"] * len(layer))
    atoms = assembly(nd=FIVE[:1] + layer[layer[:, 0].argmin()] - [1.5, 0, 0]) + above
    assert evaluate(atoms, atoms.positions[None])["nd_flake_bonds"].tolist() == [1]
    assert len(nd_flake_bonds(atoms)) == 1


@pytest.mark.parametrize(("element", "gap_A"), [("Li", 3.70), ("Na", 4.5), ("K", 5.35)])
def test_an_ion_between_two_hexagons_has_twelve_carbon_neighbours(element, gap_A):
    atoms = assembly(element=element, gap_A=gap_A)
    positions = np.stack([atoms.positions, atoms.positions])
    positions[1, of(atoms, "ion"), 2] += 30
    columns = evaluate(atoms, positions)
    assert columns["ion_carbon_cn"].tolist() == [12, 0]
    # the cutoff is as far from the first ring as from the second
    first, second = (np.hypot(bonds * CC_A, gap_A / 2) for bonds in (1, 2))
    assert CONTACT_A[element] == pytest.approx((first + second) / 2, abs=0.01)


@pytest.mark.parametrize(
    ("position", "out"),
    [
        ((0, 0, 0), 0),
        ((EDGE_X_A - 1.9, 0, 0), 0),
        ((EDGE_X_A - 2.1, 0, 0), 1),
        ((-EDGE_X_A + 2.1, 0, 0), 1),
        ((0, 0, GAP_A / 2 + 0.9), 0),
        ((0, 0, GAP_A / 2 + 1.1), 1),
        ((0, 0, -GAP_A / 2 - 1.1), 1),
        ((EDGE_X_A - 9, 0, 9), 1),
    ],
)
def test_ions_expelled(position, out):
    atoms = assembly(ions=[(0, 0, 0), (0.5, 0, 0), (0, 0.5, 0)])
    positions = np.repeat(atoms.positions[None], 4, axis=0)
    positions[1:, np.flatnonzero(of(atoms, "ion"))[1]] = position
    assert evaluate(atoms, moved(positions))["ions_expelled"].tolist() == [0, out, out, out]


@given(seed=st.integers(0, 10**6))
def test_nothing_depends_on_where_the_whole_is_or_on_the_order_of_atoms(seed):
    random = np.random.default_rng(seed)
    atoms = assembly(nd=FIVE - [5.5, 0, 0], ions=[(0, 0, 0), (3, 1, 0), (-5, 0, 1), (1, 2, 3)])
    positions = np.repeat(atoms.positions[None], 5, axis=0)
    positions[1:] += random.normal(scale=0.3, size=positions[1:].shape)
    expected = evaluate(atoms, positions)
    order = random.permutation(len(atoms))
    found = evaluate(atoms[order], moved(positions, seed)[:, order])
    assert set(found) == set(ORDER.names[5:])
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, err_msg=name, **EXACT)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_neighbours_are_those_of_ase(seed):
    atoms = assembly(nd=np.random.default_rng(seed).uniform(-2.5, 2.5, size=(30, 3)))
    columns = evaluate(atoms, atoms.positions[None])
    i, j = neighbor_list("ij", atoms[atoms.symbols == "C"], 1.85)
    nd = i < 30
    assert columns["nd_flake_bonds"][0] == (nd & (j >= 30)).sum()
    assert columns["nd_sp3_fraction"][0] == (np.bincount(i[nd], minlength=30) == 4).mean()
    assert columns["ion_carbon_cn"][0] == (neighbor_list("i", atoms, {("C", "Li"): CONTACT_A["Li"]}) == 78).sum()


@pytest.mark.parametrize("points", [coronene(0.0), np.vstack([coronene(0.0), coronene(GAP_A)])], ids=["flat", "deep"])
def test_the_axes_turn_with_the_flake_and_are_never_mirrored(points):
    turns = Rotation.random(20, random_state=1).as_matrix()
    reference = points - points.mean(axis=0)
    np.testing.assert_allclose(flake_axes(reference @ turns.swapaxes(1, 2) + 7, reference), turns, **EXACT)


def write_log(path, atoms, positions):
    with FrameLog.open(path, len(atoms), forces=False, charges=False) as log:
        for step, frame in enumerate(positions):
            log.append(
                step=step,
                time_fs=step / 2,
                temperature_K=300 + step / 3,
                potential_eV=-step / 7,
                conserved_eV=step / 9,
                positions_A=frame,
                velocities_A_fs=0 * frame,
            )
    return Frames(path, 1)


def seen_in(frames, atoms):
    return [part.columns for part in order_parameters(log_chunks(frames, len(atoms)), atoms)]


def test_the_table_holds_every_frame_and_every_digit(tmp_path, monkeypatch):
    atoms = assembly()
    positions = moved(wedge(atoms, 0.0, np.linspace(0, -1, 50), np.linspace(0, 3, 50)))
    frames = write_log(tmp_path / "frames.bin", atoms, positions)
    (whole,) = seen_in(frames, atoms)
    monkeypatch.setattr("iondrill.jobs.frame_format.CHUNK_BYTES", 20_000)  # seven frames at a time
    parts = seen_in(frames, atoms)
    assert len(parts) == 8
    write_order(parts, tmp_path / "md" / "order_parameters.csv")
    with (tmp_path / "md" / "order_parameters.csv").open() as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == ORDER.names
    assert ",".join(header) == (
        "step,time_fs,temperature_K,potential_eV,conserved_eV,gap_edge_A,gap_centre_A,opening_angle_deg,"
        "penetration_A,nd_flake_bonds,nd_sp3_fraction,ion_carbon_cn,ions_expelled"
    )
    assert [row[0] for row in rows] == [str(step) for step in range(50)]
    for column, name in enumerate(header):
        found = [float(row[column]) for row in rows]
        assert found == np.concatenate([part[name] for part in parts]).tolist()
        np.testing.assert_allclose(found, whole[name], **EXACT)
    assert [float(row[3]) for row in rows] == [-step / 7 for step in range(50)]


@pytest.mark.parametrize(
    ("missing", "empty"),
    [
        ("nd", {"penetration_A", "nd_flake_bonds", "nd_sp3_fraction"}),
        ("ion", {"ion_carbon_cn", "ions_expelled"}),
        ("upper", {"gap_edge_A", "gap_centre_A", "opening_angle_deg"}),
    ],
)
def test_controls_leave_columns_empty(tmp_path, missing, empty):
    atoms = assembly()
    atoms = atoms[~of(atoms, missing)]
    frames = write_log(tmp_path / "frames.bin", atoms, moved(np.repeat(atoms.positions[None], 3, axis=0)))
    write_order(seen_in(frames, atoms), tmp_path / "order_parameters.csv")
    with (tmp_path / "order_parameters.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert all({name for name, cell in row.items() if not cell} == empty for row in rows)
    assert not any("nan" in row.values() for row in rows)


def test_what_a_frame_does_not_say_is_an_empty_cell_of_that_frame(tmp_path):
    columns = {"step": np.arange(3), "time_fs": np.array([0.0, np.nan, 1.0]), "potential_eV": np.full(3, np.nan)}
    write_order([columns], tmp_path / "order_parameters.csv")
    with (tmp_path / "order_parameters.csv").open() as file:
        rows = [(row["step"], row["time_fs"], row["potential_eV"]) for row in csv.DictReader(file)]
    assert rows == [("0", "0.0", ""), ("1", "", ""), ("2", "1.0", "")]


def test_edge_and_centre_are_the_outermost_row_and_the_hexagon_in_the_middle():
    atoms = assembly(ions=())
    chosen = select(atoms, atoms.positions)
    for layer, name in zip(chosen.layers, ("lower", "upper"), strict=True):
        x, y, _ = atoms.positions.T
        radii = np.hypot(x, y)
        there = of(atoms, name)
        assert layer.centre.tolist() == np.flatnonzero(there & np.isclose(radii, CC_A)).tolist()
        assert layer.edge.tolist() == np.flatnonzero(there & np.isclose(x, EDGE_X_A)).tolist()
        assert (len(layer.centre), len(layer.carbon)) == (6, 24)
    assert chosen.reference_A == pytest.approx(atoms.positions[chosen.flake], abs=1e-12)
    # the zigzag sides are the nearest to the middle of the outline
    assert chosen.outline[:, 2].max() == pytest.approx(EDGE_X_A)
    assert geometry(atoms.positions[None], chosen).outside.shape == (1, 0)


@pytest.mark.parametrize("width_A", [0.09, 0.11, 0.5])
def test_carbon_within_a_tenth_of_an_angstrom_of_a_line_makes_no_plane(width_A):
    """The root of the summed squares of their distances from the line: of four, each half the width off."""
    x = np.array([-1.5, -0.5, 0.5, 1.5])
    chain = np.column_stack([x, width_A / 2 * np.array([-1, 1, 1, -1]), 0 * x])
    atoms = Atoms("C4", chain)
    atoms.arrays["fragment"] = np.array(["lower"] * 4)
    if width_A > 0.1:
        assert len(select(atoms, atoms.positions).lower.carbon) == 4
    else:
        with pytest.raises(UserError, match=r"all on one line"):
            select(atoms, atoms.positions)


def test_what_cannot_be_is_said(tmp_path):
    atoms = assembly()
    frames = write_log(tmp_path / "frames.bin", atoms, np.repeat(atoms.positions[None], 2, axis=0))
    with pytest.raises(UserError, match=r"frames.bin: holds 54 atoms; the structure of the run has 53"):
        seen_in(frames, atoms[:-1])
    exploded = np.repeat(atoms.positions[None], 4, axis=0)
    exploded[2, 7] = np.nan
    frames = write_log(tmp_path / "exploded.bin", atoms, exploded)
    with pytest.raises(UserError, match=r"exploded.bin: the positions of step 2 are not all numbers"):
        seen_in(frames, atoms)
    with pytest.raises(UserError, match=r"found Mg; allowed: Li, Na, K"):
        select(assembly(element="Mg"), assembly().positions)
    with pytest.raises(UserError, match=r"no C is labelled 'lower'"):
        select(atoms[of(atoms, "nd")], atoms.positions)
    ring = atoms[np.linalg.norm(atoms.positions[:, :2], axis=1) > 2.5]
    with pytest.raises(UserError, match=r"no C at its centre"):
        select(ring, ring.positions)
    del atoms.arrays["fragment"]
    with pytest.raises(UserError, match=r"fragment: the structure has no such array"):
        select(atoms, atoms.positions)


@pytest.mark.parametrize("n_carbon", [1, 2, 3])
def test_a_layer_that_makes_no_plane_is_refused(n_carbon):
    line = np.arange(n_carbon)[:, None] * [1.2, 0.3, 0]
    atoms = Atoms(f"C{2 * n_carbon}", np.vstack([line, line + np.array([0, 0, GAP_A])]))
    atoms.arrays["fragment"] = np.repeat(["lower", "upper"], n_carbon)
    with pytest.raises(UserError, match=rf"flake: the layer 'lower' has {n_carbon} C, all on one line; needed: three"):
        select(atoms, atoms.positions)
    atoms += Atoms("C2", [[0.3, 1.2, 0], [0.3, 1.2, GAP_A]])
    atoms.arrays["fragment"][-2:] = ["lower", "upper"]
    if n_carbon > 1:
        assert len(select(atoms, atoms.positions).lower.carbon) == n_carbon + 1


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), stray_A=st.sampled_from([0.0, 0.1, 3.0]))
def test_contacts_are_those_of_all_pairs_in_every_frame(seed, stray_A):
    random = np.random.default_rng(seed)
    first, second = (random.uniform(-3, 3, (n, 3)) + random.normal(scale=stray_A, size=(7, n, 3)) for n in (9, 12))
    cutoff = random.uniform(1, 3, 9)
    pairs, touching = contacts(first, second, cutoff)
    found = np.zeros((7, 9, 12), dtype=bool)
    found[:, pairs[:, 0], pairs[:, 1]] = touching
    apart = np.linalg.norm(first[:, :, None] - second[:, None], axis=3)
    assert np.array_equal(found, apart < cutoff[:, None])
    assert np.array_equal(contacts(first, second, cutoff).of_first(9), found.sum(axis=2))
