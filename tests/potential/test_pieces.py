"""Pieces cut out of frames: whole rings, no dangling bond that was not there, nothing lost and nothing moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.geometry.labels import set_fragment
from iondrill.geometry.registry import build
from iondrill.geometry.saturation import CH_A, bonded, saturated
from iondrill.potential.pieces import centres_of, contact_of, cut, in_least_box, rings_of

if TYPE_CHECKING:
    from pathlib import Path


def heavy(atoms: Atoms) -> list[set[int]]:
    return [{j for j in around if atoms.numbers[j] != 1} for around in bonded(atoms)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("C6H6", [6]), ("C3H4_D2d", []), ("cyclobutane", [4]), ("C60", [5] * 12 + [6] * 20)],
)
def test_the_smallest_rings_of_molecules_are_found(name: str, expected: list[int]) -> None:
    assert sorted(map(len, rings_of(heavy(molecule(name))))) == expected


def test_adamantane_has_four_rings_and_sixteen_hydrogens(recipes: Path) -> None:
    cage = build("nd10", recipes)
    whole = saturated(cage)
    assert whole.get_chemical_formula() == "C10H16"
    assert [len(ring) for ring in rings_of(heavy(whole))] == [6, 6, 6, 6]
    assert {len(around) for around, number in zip(bonded(whole), whole.numbers, strict=True) if number == 6} == {4}


def test_a_saturated_cluster_has_no_dangling_bond_and_its_hydrogens_do_not_meet(recipes: Path) -> None:
    whole = saturated(build("nd35", recipes))
    assert whole.get_chemical_formula() == "C35H36"
    assert {len(around) for around, number in zip(bonded(whole), whole.numbers, strict=True) if number == 6} == {4}
    hydrogen = whole.positions[whole.numbers == 1]
    apart = np.linalg.norm(hydrogen[:, None] - hydrogen, axis=2) + 9 * np.eye(len(hydrogen))
    assert apart.min() > 1.5


ASSEMBLIES = ("drill-nd29-li", "drill-nd35-li", "c24-aa-na", "paper-li")


@settings(max_examples=25)
@given(name=st.sampled_from(ASSEMBLIES), seed=st.integers(0, 10**6), most=st.integers(20, 70))
def test_each_carbon_of_a_piece_has_as_many_bonds_as_in_the_whole(
    recipes: Path, name: str, seed: int, most: int
) -> None:
    whole = build(name, recipes)
    piece = cut(whole, contact_of(whole, np.random.default_rng(seed)), most)
    parent, cap = piece.arrays["parent"], piece.arrays["cap"]
    before, after = bonded(whole), bonded(piece)
    for i in np.flatnonzero(~cap):
        assert len(after[i]) == len(before[parent[i]])
    # what is not a cap is where it was, with its element and label
    assert np.array_equal(piece.positions[~cap], whole.positions[parent[~cap]])
    assert np.array_equal(piece.numbers[~cap], whole.numbers[parent[~cap]])
    assert np.array_equal(piece.arrays["fragment"][~cap], whole.arrays["fragment"][parent[~cap]])
    # a cap is a hydrogen on the bond that was cut, and its own carbon's
    for i in np.flatnonzero(cap):
        (carbon,) = after[i]
        bond = whole.positions[parent[i]] - piece.positions[carbon]
        assert piece.numbers[i] == 1
        assert np.allclose(piece.positions[i] - piece.positions[carbon], CH_A * bond / np.linalg.norm(bond))


@settings(max_examples=25)
@given(name=st.sampled_from(ASSEMBLIES), seed=st.integers(0, 10**6), most=st.integers(20, 70))
def test_no_ring_of_a_piece_is_broken(recipes: Path, name: str, seed: int, most: int) -> None:
    whole = build(name, recipes)
    piece = cut(whole, contact_of(whole, np.random.default_rng(seed)), most)
    inside = set(piece.arrays["parent"][~piece.arrays["cap"]].tolist())
    rings = rings_of(heavy(whole))
    ringed = set().union(*rings)
    # every carbon that was in a ring is in one that is there as a whole
    for i in inside & ringed:
        assert any(i in ring and ring <= inside for ring in rings), i


def test_a_piece_has_at_most_the_atoms_asked_for_and_grows_with_them(recipes: Path) -> None:
    whole = build("drill-nd35-li", recipes)
    centre = contact_of(whole, np.random.default_rng(0))
    sizes = [len(cut(whole, centre, most)) for most in (30, 45, 60, 80)]
    assert all(size <= most for size, most in zip(sizes, (30, 45, 60, 80), strict=True))
    assert sizes == sorted(sizes)
    assert len(cut(whole, centre, 1000)) == len(whole)


def test_a_piece_round_the_contact_holds_atoms_of_both(recipes: Path) -> None:
    whole = build("drill-nd35-li", recipes)
    piece = cut(whole, contact_of(whole, np.random.default_rng(3)), 45)
    assert {"nd"} < set(piece.arrays["fragment"].tolist())


def test_a_piece_of_a_flake_round_an_ion_holds_the_ion_and_carbons_of_both_layers(recipes: Path) -> None:
    whole = build("c24-aa-li", recipes)
    piece = cut(whole, contact_of(whole, np.random.default_rng(3)), 40)
    assert set(piece.arrays["fragment"].tolist()) == {"lower", "upper", "ion"}


def test_a_piece_of_a_bilayer_without_ions_holds_both_layers(recipes: Path) -> None:
    whole = build("c24-aa", recipes)
    for seed in range(4):
        piece = cut(whole, contact_of(whole, np.random.default_rng(seed)), 30)
        assert set(piece.arrays["fragment"].tolist()) == {"lower", "upper"}


def test_a_piece_does_not_depend_on_the_order_of_the_atoms(recipes: Path) -> None:
    whole = build("drill-nd29-li", recipes)
    centre = contact_of(whole, np.random.default_rng(1)) + np.array([0.01, 0.02, 0.03])
    order = np.random.default_rng(5).permutation(len(whole))
    one, other = cut(whole, centre, 40), cut(whole[order], centre, 40)
    set_fragment(other, other.arrays["fragment"])
    positions = [np.array(sorted(np.round(piece.positions, 6).tolist())) for piece in (one, other)]
    assert np.allclose(*positions)


@settings(max_examples=25)
@given(
    edges=st.tuples(*[st.floats(0.5, 12)] * 3),
    turn=st.tuples(*[st.floats(0, 360)] * 3),
    vacuum_A=st.floats(4, 12),
)
def test_the_least_box_of_a_turned_brick_is_the_bricks(
    edges: tuple[float, float, float], turn: tuple[float, float, float], vacuum_A: float
) -> None:
    corners = np.array(np.meshgrid(*[(0, edge) for edge in edges])).reshape(3, -1).T
    brick = Atoms("C8", positions=corners)
    turned = brick.copy()
    turned.euler_rotate(*turn)
    found = in_least_box(turned, vacuum_A)
    # steps of 3° miss the best angle by 1.5° at most
    longest = max(edges)
    most = np.prod(np.array(edges) + vacuum_A + longest * np.sin(np.radians(1.5)))
    assert found.get_volume() <= most + 1e-6
    assert np.allclose(found.get_all_distances(), brick.get_all_distances(), atol=1e-6)
    assert np.allclose(np.ptp(found.positions, axis=0) + vacuum_A, found.cell.lengths())
    # turned, not mirrored
    before, after = (atoms.positions - atoms.positions.mean(axis=0) for atoms in (turned, found))
    assert np.linalg.det(np.linalg.lstsq(before, after)[0]) > 0


def test_several_pieces_of_a_frame_are_cut_round_contact_nanodiamond_and_ion_in_turn(recipes: Path) -> None:
    frame = build("paper-li", recipes)
    centres = centres_of(frame, 4, np.random.default_rng(1))
    places = frame.positions
    near = [frame.arrays["fragment"][np.linalg.norm(places - centre, axis=1).argmin()] for centre in centres]
    apart = [np.linalg.norm(places - centre, axis=1).min() for centre in centres]
    assert near[1:3] == ["nd", "ion"]
    assert apart[1:3] == [0.0, 0.0]
    # between nanodiamond and flake: on neither
    assert min(apart[0], apart[3]) > 0.5
