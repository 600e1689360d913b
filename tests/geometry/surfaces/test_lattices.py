"""Crystals: cuts against ASE's own builders, any plane of graphite, and lattices without bonds."""

from math import gcd

import numpy as np
import pytest
from ase.build import diamond100, diamond111, graphene, make_supercell
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from iondrill.errors import UserError
from iondrill.geometry.bonds import find_bonds
from iondrill.geometry.surfaces.facet import FacetRecipe
from iondrill.geometry.surfaces.lattices import bulk
from iondrill.geometry.surfaces.slab import build_slab, cut


def facet(**keys):
    return build_slab(FacetRecipe.model_validate({"kind": "facet", **keys}))


def distances_A(atoms):
    """All distances up to 6 Å, images included: what makes two periodic structures the same."""
    return np.sort(find_bonds(atoms, 6.0 / 2 / 0.76 if atoms.symbols[0] == "C" else 6.0 / 2 / 1.11).length_A)


@pytest.mark.parametrize(
    ("crystal", "element", "miller", "layers", "reference"),
    [
        ("diamond", "Si", (1, 0, 0), 6, lambda: diamond100("Si", (1, 1, 6), a=5.431, vacuum=9)),
        ("diamond", "C", (1, 1, 1), 6, lambda: diamond111("C", (1, 1, 6), a=3.567, vacuum=9)[1:-1]),
        ("graphite", "C", (0, 0, 1), 1, lambda: graphene(a=2.461, vacuum=9)),
    ],
)
def test_cuts_are_those_of_ase(crystal, element, miller, layers, reference):
    theirs = reference()
    theirs.pbc = (True, True, False)
    ours = cut(bulk(crystal, element), miller, layers - (2 if miller == (1, 1, 1) else 0))
    assert len(ours) == len(theirs)
    assert ours.cell.lengths()[:2] == pytest.approx(theirs.cell.lengths()[:2])
    assert distances_A(ours) == pytest.approx(distances_A(theirs), abs=1e-6)


@given(st.tuples(*[st.integers(-2, 2)] * 3), st.integers(6, 12))
@settings(max_examples=15)
def test_any_cut_of_graphite_is_a_slice_of_it(miller, layers):
    assume(gcd(*miller) == 1)
    slab = cut(bulk("graphite", "C"), miller, layers)
    bonds = find_bonds(slab)
    assert bonds.length_A == pytest.approx(2.461 / 3**0.5)
    z = slab.positions[:, 2]
    count = np.bincount(bonds.first, minlength=len(slab))
    assert (count[(z < z.max() - 1.43) & (z > z.min() + 1.43)] == 3).all()
    volume_A3 = 2.461**2 * 0.75**0.5 * 6.708 / 4
    spacing_A = np.diff(np.unique(z.round(6)))
    area_A2 = np.linalg.det(slab.cell.array[:2, :2])
    assert len(slab) * volume_A3 <= area_A2 * (np.ptp(z) + 2 * spacing_A.max()) + 1e-6
    assert sorted(set(slab.get_tags())) == list(range(1, layers + 1))


def test_layers_of_graphite_are_stacked_ab():
    slab = facet(crystal="graphite", miller=(0, 0, 1), layers=2, fixed_layers=1, cell=(1, 1))
    heights_A = np.unique(slab.positions[:, 2].round(6))
    assert np.diff(heights_A) == pytest.approx(6.708 / 2)
    over_A = slab.get_all_distances(mic=True)[:2, 2:]
    assert (abs(over_A - 6.708 / 2) < 1e-6).sum() == 1  # of two atoms, one lies over another
    assert (slab.numbers == 6).all()


def test_silicon_has_longer_bonds_to_everything():
    slab = facet(element="Si", miller=(1, 0, 0), reconstruction="2x1", hydrogenated=True, layers=6)
    bonds = find_bonds(slab)
    silicon = slab.numbers == 14
    kinds = silicon[bonds.first].astype(int) + silicon[bonds.second]
    assert bonds.length_A[kinds == 1] == pytest.approx(1.48)
    assert bonds.length_A[kinds == 2].min() == pytest.approx(2.35, abs=0.01)
    top = np.flatnonzero((slab.get_tags() == 1) & silicon)
    among = bonds.select(np.isin(bonds.first, top) & np.isin(bonds.second, top))
    assert among.length_A == pytest.approx(2.42)


@pytest.mark.parametrize("buckling_A", [0.0, 0.7])
def test_dimers_buckle_by_as_much_as_the_recipe_says(buckling_A):
    slab = facet(element="Si", miller=(1, 0, 0), reconstruction="2x1", buckling_A=buckling_A, layers=6)
    top = np.flatnonzero(slab.get_tags() == 1)
    bonds = find_bonds(slab)
    among = bonds.select(np.isin(bonds.first, top) & np.isin(bonds.second, top))
    assert abs(among.vector_A[:, 2]) == pytest.approx(buckling_A)
    assert among.length_A == pytest.approx(2.32)


@pytest.mark.parametrize("keys", [{"lattice_A": 4.6}, {"crystal": "graphite", "miller": (0, 0, 1), "c_A": 2.0}])
def test_a_lattice_without_its_bonds_is_refused(keys):
    with pytest.raises(UserError, match="lattice_A: neighbours in the crystal of C"):
        facet(**{"miller": (1, 0, 0), **keys})


def test_another_lattice_constant_is_used():
    stretched = facet(miller=(1, 1, 1), lattice_A=3.6)
    assert find_bonds(stretched).length_A.max() == pytest.approx(3.6 * 3**0.5 / 4)
    assert make_supercell(stretched, np.eye(3)).cell.lengths()[0] == pytest.approx(2 * 3.6 / 2**0.5)
