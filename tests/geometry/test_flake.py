"""Flakes against the chemistry of circumcoronenes and the order of LiC6."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.errors import UserError
from iondrill.geometry.flake import build_flake, label_layers, mark_far_edge
from iondrill.geometry.recipes import FlakeRecipe, Intercalant

CC = 1.42
orders = st.integers(2, 5)
lengths = st.floats(1.3, 1.6)


def flake(ring_order=3, **settings_):
    return build_flake(FlakeRecipe(kind="flake", ring_order=ring_order, **settings_))


def part(atoms, fragment, symbol=None):
    chosen = atoms.arrays["fragment"] == fragment
    return atoms.positions[chosen & (atoms.symbols == symbol) if symbol else chosen]


def distances(one, other):
    return np.linalg.norm(one[:, None] - other, axis=2)


def same(one, other):
    return len(one) == len(other) and (distances(one, other).min(axis=1) < 1e-6).all()


def turn(positions, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return positions @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])


@settings(max_examples=20, deadline=None)
@given(n=orders, layers=st.integers(1, 2), cc_A=lengths, ch_A=st.floats(1.0, 1.2), gap_A=st.floats(2.5, 9))
def test_a_layer_is_a_circumcoronene(n, layers, cc_A, ch_A, gap_A):
    atoms = flake(n, layers=layers, cc_A=cc_A, ch_A=ch_A, gap_A=gap_A)
    assert len(atoms) == layers * 6 * n * (n + 1)
    for height, name in list(zip((0, gap_A), ("lower", "upper"), strict=True))[:layers]:
        carbon, hydrogen = part(atoms, name, "C"), part(atoms, name, "H")
        assert (len(carbon), len(hydrogen)) == (6 * n**2, 6 * n)
        assert np.vstack([carbon, hydrogen])[:, 2] == pytest.approx(height)
        cc = distances(carbon, carbon)
        bonded = (cc > 0) & (cc < 1.2 * cc_A)
        assert cc[bonded] == pytest.approx(cc_A)
        ch = distances(carbon, hydrogen)
        held = ch < 1.3
        assert ch[held] == pytest.approx(ch_A)
        assert (bonded.sum(axis=1) + held.sum(axis=1) == 3).all()
        assert (held.sum(axis=0) == 1).all()
        # Euler: the independent rings of a connected planar net are its hexagons
        assert bonded.sum() // 2 - len(carbon) + 1 == 3 * n * (n - 1) + 1


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_aa_is_sixfold_and_its_sides_are_zigzag_along_x(n):
    atoms = flake(n)
    assert same(turn(atoms.positions, 60), atoms.positions)
    assert same(atoms.positions * [1, -1, 1], atoms.positions)
    assert same(part(atoms, "lower") + np.array([0, 0, 3.7]), part(atoms, "upper"))
    carbon = part(atoms, "lower", "C")
    foremost = carbon[carbon[:, 0] < carbon[:, 0].min() + 0.1]
    # the outermost atoms of a zigzag edge are the width of a hexagon apart, those of an armchair edge are bonded
    assert len(foremost) == n
    assert np.diff(np.sort(foremost[:, 1])) == pytest.approx(np.sqrt(3) * CC)


def test_ab_puts_neighbours_over_an_atom_and_over_a_hexagon_in_turn():
    atoms = flake(5, stacking="AB", gap_A=3.35)
    lower, upper = part(atoms, "lower", "C"), part(atoms, "upper", "C")
    middle = upper[np.linalg.norm(upper[:, :2], axis=1) < 4]
    nearest = np.sort(distances(middle[:, :2], lower[:, :2]), axis=1)
    over_atom = nearest[:, 0] < 1e-6
    assert nearest[~over_atom, :6] == pytest.approx(CC)
    first, second = np.nonzero(np.abs(distances(middle, middle) - CC) < 1e-6)
    assert len(first) > 10
    assert (over_atom[first] != over_atom[second]).all()
    assert same(atoms.positions * [1, -1, 1], atoms.positions)


@st.composite
def filled(draw):
    n = draw(orders)
    most = {2: 3, 3: 7, 4: 13, 5: 21}[n]
    return n, draw(st.one_of(st.just("full"), st.integers(1, most))), most


@settings(max_examples=40, deadline=None)
@given(case=filled(), cc_A=lengths, gap_A=st.floats(3, 5), element=st.sampled_from(["Li", "Na", "K"]))
def test_ions_have_the_order_of_lic6(case, cc_A, gap_A, element):
    n, count, most = case
    atoms = flake(n, cc_A=cc_A, gap_A=gap_A, ions=Intercalant(element=element, count=count))
    ions = part(atoms, "ion", element)
    assert len(ions) == (most if count == "full" else count)
    assert ions[:, 2] == pytest.approx(gap_A / 2)
    over = distances(ions[:, :2], part(atoms, "lower", "C")[:, :2])
    assert np.sort(over, axis=1)[:, :6] == pytest.approx(cc_A)
    # √3×√3: squared distances are multiples of (3 cc)², by the integers i² + ij + j²
    squares = (distances(ions, ions) / (3 * cc_A)) ** 2
    assert squares == pytest.approx(np.round(squares), abs=1e-6)
    if len(ions) > 2:
        assert np.sort(distances(ions, ions), axis=1)[:, 1] == pytest.approx(3 * cc_A)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_full_pattern_leaves_no_carbon_of_the_middle_without_its_ion(n):
    """In LiC6 each carbon belongs to exactly one occupied hexagon."""
    atoms = flake(n, ions=Intercalant(element="Li"))
    carbon, ions = part(atoms, "lower", "C")[:, :2], part(atoms, "ion")[:, :2]
    occupied = (distances(carbon, ions) < 1.1 * CC).sum(axis=1)
    assert occupied.max() == 1
    inner = np.linalg.norm(carbon, axis=1) < (n - 1.5) * 1.5 * CC
    assert (occupied[inner] == 1).all()


@pytest.mark.parametrize(("n", "count"), [(2, 1), (2, 3), (3, 3), (3, 4), (3, 6), (3, 7), (4, 12), (4, 13), (5, 19)])
def test_numbers_that_can_be_balanced_are(n, count):
    atoms = flake(n, ions=Intercalant(element="Li", count=count))
    ions = part(atoms, "ion")
    assert ions.mean(axis=0)[:2] == pytest.approx([0, 0], abs=1e-9)
    assert same(turn(ions, 120), ions)


@pytest.mark.parametrize(("n", "most"), [(2, 3), (3, 7), (4, 13), (5, 21)])
def test_more_ions_than_sites_are_refused(n, most):
    with pytest.raises(UserError, match=f"found {most + 1}; allowed: at most {most}"):
        flake(n, ions=Intercalant(element="Na", count=most + 1))


@settings(max_examples=10, deadline=None)
@given(n=orders, stacking=st.sampled_from(["AA", "AB"]))
def test_far_edge_is_the_outermost_zigzag_chain_of_each_layer(n, stacking):
    atoms = flake(n, stacking=stacking, ions=Intercalant(element="Li"))
    far = atoms.arrays["far_edge"]
    assert far.dtype == bool
    assert not far[atoms.symbols == "Li"].any()
    for name in ("lower", "upper"):
        layer = atoms.arrays["fragment"] == name
        carbon, hydrogen = layer & (atoms.symbols == "C"), layer & (atoms.symbols == "H")
        x = atoms.positions[:, 0]
        assert (carbon & far).sum() == 2 * n + 1
        assert x[carbon & far].min() > x[carbon & ~far].max()
        chain = atoms.positions[carbon & far]
        cc, ch = distances(chain, chain), distances(atoms.positions[hydrogen], chain)
        assert ((cc > 0) & (cc < 1.5)).sum() == 2 * (2 * n)  # a chain: one bond fewer than atoms
        assert ((ch < 1.2).any(axis=1) == far[hydrogen]).all()


@settings(max_examples=15, deadline=None)
@given(n=orders, layers=st.integers(1, 2), seed=st.integers(0, 999), shift=st.floats(-20, 20))
def test_labels_are_recovered_from_geometry_alone(n, layers, seed, shift):
    built = flake(n, layers=layers, ions=Intercalant(element="Na"))
    if layers == 1:
        built = built[~(built.symbols == "Na")]
    random = np.random.default_rng(seed)
    bare = built[random.permutation(len(built))]
    bare.positions += shift + random.normal(0, 0.05, (len(bare), 3))
    expected = {name: bare.arrays.pop(name).copy() for name in ("fragment", "far_edge")}
    label_layers(bare)
    mark_far_edge(bare)
    for name, array in expected.items():
        assert (bare.arrays[name] == array).all()


def test_a_flake_without_carbon_is_refused():
    atoms = flake(2, ions=Intercalant(element="Li"))
    with pytest.raises(UserError, match="no carbon"):
        label_layers(atoms[atoms.symbols == "Li"])


@pytest.mark.parametrize("stacking", ["AA", "AB"])
@pytest.mark.parametrize(
    ("layers", "names"),
    [
        (1, ["lower"]),
        (2, ["lower", "upper"]),
        (3, ["lower", "upper", "above"]),
        (4, ["below", "lower", "upper", "above"]),
    ],
)
def test_layers_lie_one_upon_the_other_with_ions_in_each_gap(layers, names, stacking):
    atoms = flake(3, layers=layers, stacking=stacking, gap_A=3.6, ions=Intercalant(element="Li", count=3))
    fragments = atoms.arrays["fragment"]
    assert set(fragments) == {*names, "ion"}
    for number, name in enumerate(names):
        carbon = part(atoms, name, "C")
        assert carbon[:, 2] == pytest.approx(3.6 * number)
        assert carbon[:, 0].mean() == pytest.approx(CC * (number % 2) * (stacking == "AB"))
    heights = np.unique(np.round(part(atoms, "ion")[:, 2] / 3.6, 6))
    assert heights.tolist() == [0.5 + gap for gap in range(max(layers - 1, 1))]
    assert (fragments == "ion").sum() == 3 * max(layers - 1, 1)
    # each layer is held at its far edge
    assert set(fragments[atoms.arrays["far_edge"]]) == set(names)


def test_a_bare_edge_has_the_same_carbon_and_no_hydrogen():
    with_h, bare = flake(3), flake(3, edge_hydrogen=False)
    assert bare.get_chemical_formula() == "C108"
    assert same(bare.positions, with_h.positions[with_h.numbers == 6])
