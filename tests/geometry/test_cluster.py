"""Clusters against counts of the literature, point groups and the density of diamond."""

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from iondrill.errors import UserError
from iondrill.geometry.cluster import build_cluster, family
from iondrill.geometry.recipes import ClusterRecipe, HalfSpaces, load_recipe

STRUCTURES = Path(__file__).parents[2] / "structures"
A = 3.567
OH = [
    np.array([[sign * (column == k) for column in range(3)] for sign, k in zip(signs, order, strict=True)])
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
]
FCC = st.tuples(*[st.integers(-3, 3)] * 3).map(lambda n: np.array(n) @ [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def sphere(radius_A, expect_atoms, **changes):
    return ClusterRecipe(kind="cluster", radius_A=radius_A, expect_atoms=expect_atoms, **changes)


def count(recipe):
    """The number of atoms a cut gives, whatever it promises."""
    try:
        return len(build_cluster(recipe))
    except UserError as error:
        (problem,) = error.problems
        assert problem.where == "expect_atoms"
        return int(problem.found.split()[3])


def coordination(positions):
    apart = np.linalg.norm(positions[:, None] - positions, axis=2)
    return (np.abs(apart - np.sqrt(3) / 4 * A) < 1e-6).sum(axis=1)


def same(one, other):
    apart = np.linalg.norm(one[:, None] - other, axis=2)
    return len(one) == len(other) and (apart.min(axis=1) < 1e-6).all()


@pytest.mark.parametrize(
    ("name", "histogram", "order"),
    [
        ("nd75-c3v", [0, 0, 15, 34, 26], 6),
        ("nd75-td", [0, 0, 30, 16, 29], 24),
        ("nd75-c2v", [0, 6, 19, 20, 30], 4),
        ("nd29", [0, 0, 12, 12, 5], 24),
        ("nd35", [0, 0, 6, 24, 5], 24),
    ],
)
def test_coordination_and_order_of_the_point_group(name, histogram, order):
    cluster = build_cluster(load_recipe(name, STRUCTURES))
    assert np.bincount(coordination(cluster.positions), minlength=5).tolist() == histogram
    centred = cluster.positions - cluster.positions.mean(axis=0)
    assert sum(same(centred @ operation, centred) for operation in OH) == order
    assert set(cluster.arrays["fragment"]) == {"nd"}


def test_c3v_has_its_threefold_axis_along_the_bond_and_a_sharp_end():
    positions = build_cluster(load_recipe("nd75-c3v", STRUCTURES)).positions
    assert same(np.roll(positions, 1, axis=1), positions)
    assert same(positions[:, [1, 0, 2]], positions)
    assert not same(-positions, positions)
    along = positions @ np.ones(3) / np.sqrt(3)
    assert (along < along.min() + 0.1).sum() == 1
    assert (along > along.max() - 0.1).sum() > 1


@settings(max_examples=25, deadline=None)
@given(translation=FCC, radius_A=st.floats(1.6, 6), centre=st.tuples(*[st.floats(0, 1)] * 3))
def test_translation_by_the_lattice_changes_nothing(translation, radius_A, centre):
    # keep clear of radii at which an atom lies on the cut
    radius_A = round(radius_A, 2) + 0.00437
    here = sphere(radius_A, 1, centre=tuple(np.round(centre, 2)))
    there = here.model_copy(update={"centre": tuple(np.round(centre, 2) + translation)})
    assert count(here) == count(there)


@settings(max_examples=25, deadline=None)
@given(scale=st.floats(0.9, 1.5), centre=st.sampled_from(["atom", "bond", "cage", "hexagon"]))
def test_scaling_lattice_and_cut_together_changes_nothing(scale, centre):
    cuts = [
        ClusterRecipe(
            kind="cluster",
            centre=centre,
            lattice_A=A * factor,
            radius_A=5.1 * factor,
            half_spaces=[HalfSpaces(family=(1, 1, 0), distance_A=4.3 * factor)],
            expect_atoms=1,
        )
        for factor in (1, scale)
    ]
    assert count(cuts[0]) == count(cuts[1])


def test_a_centre_far_away_is_brought_back():
    here, there = (build_cluster(sphere(2.96, 29, centre=(x, 0, -x))) for x in (0.0, 1e3))
    assert same(here.positions, there.positions)


def test_large_sphere_has_the_density_of_diamond():
    assert count(sphere(20.0, 1)) == pytest.approx(8 / A**3 * 4 / 3 * np.pi * 20**3, rel=0.01)


def test_large_cube_has_the_density_of_diamond():
    cube = ClusterRecipe(
        kind="cluster",
        centre=(0.01, 0.02, 0.03),
        half_spaces=[HalfSpaces(family=(1, 0, 0), distance_A=3 * A)],
        expect_atoms=1,
    )
    assert count(cube) == 6**3 * 8


@pytest.mark.parametrize(
    ("centre", "nearest", "distance"),
    [("atom", 1, 0), ("bond", 2, np.sqrt(3) / 8), ("cage", 4, np.sqrt(3) / 4), ("hexagon", 6, np.sqrt(11) / 8)],
)
def test_named_centres(centre, nearest, distance):
    cluster = build_cluster(sphere(distance * A + 0.1, nearest, centre=centre))
    assert np.linalg.norm(cluster.positions, axis=1) == pytest.approx(distance * A)


def test_dropping_singly_bonded_atoms():
    whole = sphere(3.2, 30, centre="cage")
    single = coordination(build_cluster(whole).positions) == 1
    assert single.any()
    kept = build_cluster(sphere(3.2, int(30 - single.sum()), centre="cage", drop_singly_bonded=True))
    assert coordination(kept.positions).min() >= 2
    assert same(kept.positions, build_cluster(whole).positions[~single])


@pytest.mark.parametrize(
    ("miller", "td", "oh"),
    [((1, 0, 0), 6, 6), ((1, 1, 1), 4, 8), ((1, 1, 0), 12, 12), ((1, 1, 3), 12, 24), ((1, 2, 3), 24, 48)],
)
def test_multiplicity_of_families(miller, td, oh):
    members = family(miller, inversion=False)
    assert (len(members), len(family(miller, inversion=True))) == (td, oh)
    assert np.linalg.norm(members, axis=1) == pytest.approx(1)


def test_broken_promises_are_named_together():
    with pytest.raises(UserError) as caught:
        build_cluster(sphere(2.96, 30, expect_coordination={3: 30}))
    assert [problem.where for problem in caught.value.problems] == ["expect_atoms", "expect_coordination"]
    assert "29 atoms" in str(caught.value)
    assert "{2: 12, 3: 12, 4: 5}" in str(caught.value)


def test_empty_cut_is_a_broken_promise():
    with pytest.raises(UserError, match="0 atoms"):
        build_cluster(sphere(0.1, 5, centre="cage", drop_singly_bonded=True))


@settings(max_examples=25, deadline=None)
@given(
    miller=st.tuples(*[st.integers(-3, 3)] * 3).filter(any),
    inversion=st.booleans(),
    distance_A=st.floats(1.5, 4),
)
def test_planes_alone_enclose_a_cut(miller, inversion, distance_A):
    planes = HalfSpaces(family=miller, distance_A=distance_A, inversion=inversion)
    # no such polyhedron reaches beyond the corners of a tetrahedron, at three times the distance of its faces
    steps = np.arange(-16, 17)
    sites = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    even = (sites % 2 == 0).all(axis=1) & (sites.sum(axis=1) % 4 == 0)
    odd = (sites % 2 == 1).all(axis=1) & (sites.sum(axis=1) % 4 == 3)
    points = (sites[even | odd] - 0.5) * A / 4
    inside = (points @ family(miller, inversion=inversion).T <= distance_A + 1e-6).all(axis=1)
    assert np.abs(points).max() > 3 * distance_A
    alone = ClusterRecipe(kind="cluster", half_spaces=[planes], centre="bond", expect_atoms=1)
    assert count(alone) == inside.sum()


@pytest.mark.parametrize("radius_A", [1e3, 1e150])
def test_absurd_size_is_refused_before_it_is_built(radius_A):
    with pytest.raises(ValidationError, match="radius_A"):
        sphere(radius_A, 75)
    with pytest.raises(ValidationError, match="distance_A"):
        HalfSpaces(family=(1, 1, 1), distance_A=radius_A)


def test_a_hydrogenated_cut_has_four_neighbours_at_each_carbon_and_hydrogens_that_do_not_meet():
    whole = build_cluster(load_recipe("nd75-c3v-h", STRUCTURES))
    carbon, hydrogen = whole.positions[whole.numbers == 6], whole.positions[whole.numbers == 1]
    bare = build_cluster(load_recipe("nd75-c3v", STRUCTURES))
    assert carbon == pytest.approx(bare.positions)
    cc = np.linalg.norm(carbon[:, None] - carbon, axis=2)
    ch = np.linalg.norm(carbon[:, None] - hydrogen, axis=2)
    bonds = ((cc > 0.1) & (cc < 1.7)).sum(axis=1) + (ch < 1.2).sum(axis=1)
    assert (bonds == 4).all()
    apart = np.linalg.norm(hydrogen[:, None] - hydrogen, axis=2) + 9 * np.eye(len(hydrogen))
    assert apart.min() > 1.5


def test_a_cut_whose_hydrogens_would_meet_is_refused():
    recipe = load_recipe("nd75-td", STRUCTURES)
    with pytest.raises(UserError, match=r"hydrogenated: two hydrogens.*0\.7\d Å apart.*allowed"):
        build_cluster(recipe.model_copy(update={"hydrogenated": True}))
