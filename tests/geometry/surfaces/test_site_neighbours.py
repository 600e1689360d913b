"""Ways from site to site: neighbours in the plane, and relaxed slabs moved by the symmetry of the bare one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from ase.build import graphene
from ase.constraints import FixAtoms
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.errors import UserError
from iondrill.geometry.registry import build
from iondrill.geometry.surfaces.adsorbate import add_adsorbate
from iondrill.geometry.surfaces.site_neighbours import moved_by_symmetry, nearest_hops, neighbours
from iondrill.geometry.surfaces.sites import find_sites

CC_A = graphene().get_distance(0, 1, mic=True)


def sheet(repeats=2):
    atoms = graphene(size=(repeats, repeats, 1), vacuum=8)
    atoms.pbc = True
    atoms.set_array("fragment", np.full(len(atoms), "slab", dtype="U10"))
    return atoms


def on(slab):
    return {site.label: site for site in find_sites(slab)}


@pytest.mark.parametrize("repeats", [1, 2, 3])
@pytest.mark.parametrize(
    ("start", "end", "length", "number"),
    [
        ("hollow", "hollow", np.sqrt(3), 6),
        ("top", "top", 1, 3),
        ("hollow", "top", 1, 6),
        ("hollow", "bridge", np.sqrt(3) / 2, 6),
        ("top", "bridge", 0.5, 3),
        ("bridge", "bridge", np.sqrt(3) / 2, 4),
    ],
)
def test_ways_on_graphene_are_those_of_its_hexagons(repeats, start, end, length, number):
    slab = sheet(repeats)
    sites = on(slab)
    hops = nearest_hops(slab, sites[start], sites[end])
    assert [np.linalg.norm(hop.end_A - hop.start_A) for hop in hops] == pytest.approx([length * CC_A] * number)
    assert len(np.unique([hop.end_A.round(3) for hop in hops], axis=0)) == number


@pytest.mark.parametrize(
    ("labels", "pairs"),
    [
        (["hollow"], {("hollow", "hollow")}),
        (["top"], {("top", "top")}),
        (["bridge", "hollow", "top"], {("bridge", "hollow"), ("bridge", "top")}),
    ],
)
def test_neighbours_on_graphene(labels, pairs):
    slab = sheet()
    sites = on(slab)
    found = set(neighbours(slab, [sites[label] for label in labels]))
    # hollow and top touch in one point of the plane only, or not at all
    assert pairs <= found | {pair[::-1] for pair in found}
    assert not {("top", "top"), ("hollow", "hollow")} & found - pairs


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), label=st.sampled_from(["cave", "pedestal", "valley-bridge", "bridge"]))
def test_a_moved_slab_is_the_same_slab(recipes, seed, label):
    slab = build("C100-2x1", recipes)
    site = on(slab)[label]
    relaxed = add_adsorbate(slab, site, "Li")
    random = np.random.default_rng(seed)
    # an adsorbate breaks the symmetry, and displaces what is free
    relaxed.set_positions(relaxed.positions + random.normal(scale=0.05, size=relaxed.positions.shape))
    hop, *_ = nearest_hops(slab, site, site)
    moved = moved_by_symmetry(relaxed, slab, hop.start_A, hop.end_A)
    assert moved.get_chemical_symbols() == relaxed.get_chemical_symbols()
    fixed = [i for constraint in slab.constraints for i in constraint.get_indices()]
    assert np.array_equal(moved.positions[fixed], relaxed.positions[fixed])
    before, after = (np.sort(atoms.get_all_distances(mic=True).ravel()) for atoms in (relaxed, moved))
    assert np.allclose(before, after, atol=1e-5)
    assert np.linalg.norm(moved.positions[: len(slab)] - slab.positions, axis=1).max() < 0.5
    assert np.linalg.norm(moved.positions[-1, :2] - hop.end_A) < 0.3


def test_an_end_is_moved_to_each_of_its_positions(recipes):
    slab = build("C100-2x1", recipes)
    site = on(slab)["cave"]
    relaxed, cell = add_adsorbate(slab, site, "Na"), slab.cell.array[:2, :2]
    own = np.asarray(site.xy) @ cell
    for position, image in product(site.fractions, ((0, 0), (1, -1))):
        goal = np.add(position, image) @ cell
        moved = moved_by_symmetry(relaxed, slab, own, goal)
        assert np.allclose(moved.positions[-1, :2], goal, atol=1e-3)
        assert moved.positions[-1, 2] == relaxed.positions[-1, 2]


def test_places_of_two_kinds_are_not_joined_by_symmetry(recipes):
    slab = build("C100-2x1", recipes)
    sites = on(slab)
    hop, *_ = nearest_hops(slab, sites["cave"], sites["pedestal"])
    with pytest.raises(UserError, match="no symmetry of its cell"):
        moved_by_symmetry(add_adsorbate(slab, sites["cave"], "Li"), slab, hop.start_A, hop.end_A)


def test_an_atom_that_is_held_breaks_the_symmetry():
    slab = sheet()
    hollow = on(slab)["hollow"]
    hop, *_ = nearest_hops(slab, hollow, hollow)
    relaxed = add_adsorbate(slab, hollow, "Li")
    assert moved_by_symmetry(relaxed, slab, hop.start_A, hop.end_A) is not None
    for atoms in (slab, relaxed):
        atoms.set_constraint(FixAtoms([0]))
    with pytest.raises(UserError, match="no symmetry of its cell"):
        moved_by_symmetry(relaxed, slab, hop.start_A, hop.end_A)
