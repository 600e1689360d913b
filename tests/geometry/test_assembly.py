"""Assemblies: rigid, oriented, at the stated distance, in a box that holds them."""

import numpy as np
import pytest
from ase.constraints import FixAtoms
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iondrill.errors import UserError
from iondrill.geometry.assembly import assemble, boxed
from iondrill.geometry.cluster import build_cluster
from iondrill.geometry.flake import build_flake
from iondrill.geometry.recipes import (
    AssemblyRecipe,
    ClusterRecipe,
    CubicBox,
    FittedBox,
    FlakeRecipe,
    Intercalant,
)

CLUSTER = build_cluster(ClusterRecipe(kind="cluster", radius_A=2.96, expect_atoms=29))
FLAKE = build_flake(FlakeRecipe(kind="flake", ring_order=2, ions=Intercalant(element="Li", count=2)))
tips = st.tuples(*[st.integers(-3, 3)] * 3).filter(any)
edges = st.sampled_from(["zigzag", "armchair"])


def recipe(**changes):
    return AssemblyRecipe(**({"kind": "assembly", "cluster": "nd", "flake": "sheet"} | changes))


def part(atoms, *fragments):
    return atoms[np.isin(atoms.arrays["fragment"], fragments)]


def distances(positions):
    return np.linalg.norm(positions[:, None] - positions, axis=2)


def shaken(atoms, seed):
    """The atoms as a relaxation may leave them: displaced, and carrying a constraint."""
    moved = atoms.copy()
    moved.rattle(0.08, seed=seed)
    moved.set_constraint(FixAtoms([0]))
    return moved


@settings(max_examples=30, deadline=None)
@given(tip=tips, edge=edges, distance_A=st.floats(1.5, 8), seed=st.integers(0, 99))
def test_relaxed_parts_keep_their_shape_and_meet_at_the_distance(tip, edge, distance_A, seed):
    cluster, flake = shaken(CLUSTER, seed), shaken(FLAKE, seed)
    atoms = assemble(cluster, flake, recipe(tip=tip, edge=edge, distance_A=distance_A))
    diamond, sheet = part(atoms, "nd"), part(atoms, "lower", "upper", "ion")
    for placed, given_ in ((diamond, cluster), (sheet, flake)):
        assert placed.get_chemical_symbols() == given_.get_chemical_symbols()
        assert distances(placed.positions) == pytest.approx(distances(given_.positions), abs=1e-6)
        # not mirrored: the volume spanned by three distances keeps its sign
        spanned = [np.linalg.det(a.positions[[5, 9, 17]] - a.positions[1]) for a in (placed, given_)]
        assert spanned[0] == pytest.approx(spanned[1], abs=1e-6)
    assert sheet.arrays["fragment"].tolist() == flake.arrays["fragment"].tolist()
    # along x the diamond shows what its crystal shows along the tip
    seen = np.array(tip) @ (cluster.positions - cluster.positions.mean(axis=0)).T / np.linalg.norm(tip)
    assert diamond.positions[:, 0] - diamond.positions[:, 0].mean() == pytest.approx(seen, abs=1e-6)
    carbon = sheet.symbols == "C"
    assert sheet.positions[carbon, 0].min() - diamond.positions[:, 0].max() == pytest.approx(distance_A)
    heights = [
        part(sheet, name)[part(sheet, name).symbols == "C"].positions[:, 2].mean() for name in ("lower", "upper")
    ]
    assert diamond.positions[:, 2].mean() == pytest.approx(np.mean(heights))
    assert not atoms.constraints


@settings(max_examples=20, deadline=None)
@given(edge=edges, vacuum_A=st.floats(8.1, 60), cubic=st.booleans())
def test_fitted_box_leaves_the_vacuum_and_is_centred(edge, vacuum_A, cubic):
    atoms = assemble(CLUSTER, FLAKE, recipe(edge=edge, box=FittedBox(vacuum_A=vacuum_A, cubic=cubic)))
    low, high = atoms.positions.min(axis=0), atoms.positions.max(axis=0)
    lengths = atoms.cell.lengths()
    assert not atoms.pbc.any()
    assert (low + high) / 2 == pytest.approx(lengths / 2)
    assert atoms.cell.angles() == pytest.approx(90)
    free = lengths - (high - low)
    assert free.min() == pytest.approx(vacuum_A)
    assert (np.ptp(lengths) < 1e-9) if cubic else (np.ptp(free) < 1e-9)


def test_default_orientation_shares_the_mirror_plane_of_axis_and_normal():
    """The xz plane maps the diamond, and the layers, onto themselves: an ELF map there cuts through atoms."""
    atoms = assemble(CLUSTER, FLAKE, recipe())
    for fragments in (["nd"], ["lower", "upper"]):
        positions = part(atoms, *fragments).positions - atoms.cell.lengths() / 2
        mirrored = positions * [1, -1, 1]
        assert np.linalg.norm(positions[:, None] - mirrored, axis=2).min(axis=1) == pytest.approx(0, abs=1e-6)
        assert (np.abs(positions[:, 1]) < 1e-6).any()


def test_tip_atom_is_the_foremost():
    longer = CLUSTER.copy()
    longer.positions[13] *= 1.3
    atoms = part(assemble(longer, FLAKE, recipe(tip="atom")), "nd")
    assert atoms.positions[:, 0].argmax() == 13
    assert atoms.positions[13, 1:] == pytest.approx(atoms.positions[:, 1:].mean(axis=0))


def test_edges_that_meet_the_tip():
    """A zigzag edge has its foremost C one hexagon apart, an armchair edge has them bonded."""
    for edge, apart in (("zigzag", np.sqrt(3) * 1.42), ("armchair", 1.42)):
        lower = part(assemble(CLUSTER, FLAKE, recipe(edge=edge)), "lower")
        carbon = lower.positions[lower.symbols == "C"]
        foremost = np.sort(carbon[carbon[:, 0] < carbon[:, 0].min() + 0.1][:, 1])
        assert np.diff(foremost) == pytest.approx([apart])


@settings(max_examples=20, deadline=None)
@example(edge="armchair", seed=43)
@given(edge=edges, seed=st.integers(0, 99))
def test_far_edge_lies_at_the_largest_x_in_both_layers(edge, seed):
    atoms = assemble(CLUSTER, shaken(FLAKE, seed), recipe(edge=edge))
    far = atoms.arrays["far_edge"]
    assert far.dtype == bool
    x, carbon = atoms.positions[:, 0], atoms.symbols == "C"
    assert not far[np.isin(atoms.arrays["fragment"], ["nd", "ion"])].any()
    for name in ("lower", "upper"):
        layer = atoms.arrays["fragment"] == name
        assert (far & layer & carbon).sum() == {"zigzag": 5, "armchair": 6}[edge]
        assert x[far & layer & carbon].min() > x[~far & layer & carbon].max()


def test_far_edge_of_the_user_is_kept():
    flake = FLAKE.copy()
    flake.arrays["far_edge"][:] = False
    flake.arrays["far_edge"][3] = True
    atoms = assemble(CLUSTER, flake, recipe())
    assert np.flatnonzero(atoms.arrays["far_edge"]).tolist() == [len(CLUSTER) + 3]


def test_control_without_nanodiamond_is_the_flake():
    atoms = assemble(None, FLAKE, recipe(cluster=None, box=CubicBox(edge_A=50)))
    assert distances(atoms.positions) == pytest.approx(distances(FLAKE.positions), abs=1e-9)
    assert atoms.arrays["fragment"].tolist() == FLAKE.arrays["fragment"].tolist()
    assert atoms.cell.lengths().tolist() == [50, 50, 50]


def test_parts_are_left_alone():
    before = CLUSTER.positions.copy(), FLAKE.positions.copy()
    assemble(CLUSTER, FLAKE, recipe(edge="armchair"))
    assert (CLUSTER.positions == before[0]).all()
    assert (FLAKE.positions == before[1]).all()
    assert (CLUSTER.cell.array == 0).all()


@pytest.mark.parametrize("box", [CubicBox(edge_A=20), FittedBox(vacuum_A=7), CubicBox(edge_A=1)])
def test_box_without_room_is_refused(box):
    with pytest.raises(UserError, match=r"^box: .* Å on each side"):
        assemble(CLUSTER, FLAKE, recipe(box=box))


def test_smallest_box_is_the_stated_one():
    extent = np.ptp(FLAKE.positions, axis=0).max()
    assert boxed(FLAKE, CubicBox(edge_A=extent + 8.001)).cell.lengths()[0] == pytest.approx(extent + 8.001)
    with pytest.raises(UserError):
        boxed(FLAKE, CubicBox(edge_A=extent + 7.999))


@pytest.mark.parametrize("part", ["cluster", "flake"])
def test_parts_without_carbon_are_refused(part):
    parts = {"cluster": CLUSTER.copy(), "flake": FLAKE.copy()}
    parts[part].symbols[:] = "Si"
    with pytest.raises(UserError, match=f"{part}: holds no carbon"):
        assemble(parts["cluster"], parts["flake"], recipe())


@pytest.mark.parametrize(("height", "gaps"), [("gap", 0.5), ("layer", 1.0), ("above", 1.5)])
@pytest.mark.parametrize("layers", [2, 3, 4])
def test_the_tip_is_at_the_height_that_the_recipe_says(height, gaps, layers):
    flake = build_flake(FlakeRecipe(kind="flake", ring_order=2, layers=layers, gap_A=3.5))
    whole = assemble(CLUSTER, flake, recipe(height=height))
    lower = part(whole, "lower").positions[:, 2].mean()
    assert part(whole, "nd").positions[:, 2].mean() - lower == pytest.approx(3.5 * gaps)


def test_of_a_single_layer_every_height_is_the_layers():
    flake = build_flake(FlakeRecipe(kind="flake", ring_order=2, layers=1))
    for height in ("gap", "layer", "above"):
        whole = assemble(CLUSTER, flake, recipe(height=height))
        assert part(whole, "nd").positions[:, 2].mean() == pytest.approx(part(whole, "lower").positions[:, 2].mean())
