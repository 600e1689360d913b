"""Which atoms are near which: as ASE's own list finds them, in any cell and wherever the atoms lie."""

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.geometry import neighbours as module
from iondrill.geometry.neighbours import near


def as_set(first, second, offset):
    return sorted(zip(first.tolist(), second.tolist(), map(tuple, offset.tolist()), strict=True))


@st.composite
def structures(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 12))
    cell = np.diag(rng.uniform(2, 5, 3)) + rng.uniform(-0.9, 0.9, (3, 3))
    pbc = draw(st.tuples(*[st.booleans()] * 3))
    # outside the cell as well
    atoms = Atoms("C" * n, cell=cell, pbc=pbc, positions=rng.uniform(-8, 8, (n, 3)))
    return atoms, rng.uniform(0.3, 2.5, n)


@settings(max_examples=60, deadline=None)
@given(structures())
def test_all_pairs_are_those_of_ase(case):
    atoms, reach_A = case
    found = near(atoms, reach_A)
    theirs = neighbor_list("ijSDd", atoms, reach_A.tolist())
    assert as_set(*found[:3]) == as_set(*theirs[:3])
    vectors = atoms.positions[found.second] + found.offset @ atoms.cell.array - atoms.positions[found.first]
    np.testing.assert_allclose(found.vector_A, vectors, atol=1e-9)
    np.testing.assert_allclose(found.length_A, np.linalg.norm(vectors, axis=1), atol=1e-9)


def test_blocks_change_nothing(monkeypatch):
    atoms = Atoms("C200", cell=[9, 9, 9], pbc=True, positions=np.random.default_rng(0).uniform(0, 9, (200, 3)))
    whole = near(atoms, 1.0)
    monkeypatch.setattr(module, "BLOCK", 150)
    for ours, other in zip(near(atoms, 1.0), whole, strict=True):
        np.testing.assert_array_equal(ours, other)


def test_one_atom_alone_has_nobody_near():
    assert len(near(Atoms("C"), 3.0).first) == 0


def test_atoms_without_a_cell_need_none():
    found = near(Atoms("C2", positions=[[0, 0, 0], [0, 0, 1.4]]), [0.8, 0.8])
    assert found.first.tolist() == [0, 1]
    assert found.length_A.tolist() == [1.4, 1.4]
