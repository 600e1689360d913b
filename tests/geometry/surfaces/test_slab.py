"""Slabs: bulk cuts of any facet, reconstructions, saturation, and what recipes refuse."""

from math import gcd
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from iondrill.errors import UserError
from iondrill.geometry.bonds import find_bonds
from iondrill.geometry.model_hessian import spring_hessian
from iondrill.geometry.recipes import load_recipe
from iondrill.geometry.surfaces.facet import RECONSTRUCTIONS, FacetRecipe
from iondrill.geometry.surfaces.lattices import bulk
from iondrill.geometry.surfaces.reconstruct import RECONSTRUCT
from iondrill.geometry.surfaces.slab import build_slab, cut
from iondrill.geometry.surfaces.symmetry import SurfaceSymmetry

STRUCTURES = Path(__file__).parents[3] / "structures"
A = 3.567
BOND_A = A * np.sqrt(3) / 4
FACETS = ["C100-1x1", "C100-2x1", "C100-2x1-H", "C111-1x1", "C111-1x1-H", "C111-2x1-pandey"]


def facet(**keys):
    return FacetRecipe.model_validate({"kind": "facet", **keys})


def named(name):
    return load_recipe(name, STRUCTURES)


def coordination(atoms):
    return np.bincount(find_bonds(atoms).first, minlength=len(atoms))


@given(st.tuples(*[st.integers(-3, 3)] * 3), st.integers(2, 14))
@settings(max_examples=40, deadline=None)
def test_any_cut_is_a_slice_of_diamond(miller, layers):
    assume(gcd(*miller) == 1)
    slab = cut(bulk("diamond", "C"), miller, layers)
    norm = np.linalg.norm(miller)
    spacing_A = A / norm if all(index % 2 for index in miller) else A / norm / 2
    cell = slab.cell.array
    assert np.linalg.det(cell) > 0
    assert cell[0, 1:] == pytest.approx(0, abs=1e-9)
    assert np.linalg.norm(np.cross(cell[0], cell[1])) == pytest.approx(A**3 / 4 / spacing_A)
    assert sorted(set(slab.get_tags())) == list(range(1, layers + 1))
    bonds = find_bonds(slab)
    assert bonds.length_A == pytest.approx(BOND_A)
    z = slab.positions[:, 2]
    inside = (z < z.max() - BOND_A) & (z > z.min() + BOND_A)
    assert (coordination(slab)[inside] == 4).all()
    for atom in np.flatnonzero(inside):
        units = bonds.vector_A[bonds.first == atom] / BOND_A
        assert (units @ units.T)[~np.eye(4, dtype=bool)] == pytest.approx(-1 / 3)


@pytest.mark.parametrize(
    ("miller", "edges_A", "angle", "dangling"),
    [
        ((1, 0, 0), (A / 2**0.5, A / 2**0.5), 90, 2),
        ((0, -1, 0), (A / 2**0.5, A / 2**0.5), 90, 2),
        ((1, 1, 1), (A / 2**0.5, A / 2**0.5), 120, 1),
        ((-1, 1, -1), (A / 2**0.5, A / 2**0.5), 120, 1),
        ((1, 1, 0), (A / 2**0.5, A), 90, 2),
        ((1, 1, 3), (A / 2**0.5, A * 1.5**0.5), None, 3),
    ],
)
def test_low_index_cells_and_terminations(miller, edges_A, angle, dangling):
    slab = build_slab(facet(miller=miller, cell=(1, 1), layers=12))
    assert slab.cell.lengths()[:2] == pytest.approx(edges_A)
    assert angle is None or slab.cell.angles()[2] == pytest.approx(angle)
    carbon = slab.numbers == 6
    top = carbon & (slab.positions[:, 2] > slab.positions[:, 2].mean())
    assert (4 - coordination(slab)[top]).sum() == dangling


@pytest.mark.parametrize("name", FACETS)
@pytest.mark.parametrize("cell", [(2, 2), (4, 2), (2, 3)])
def test_stoichiometry_and_saturation(name, cell):
    recipe = named(name).model_copy(update={"cell": cell})
    slab = build_slab(recipe)
    cells = cell[0] * cell[1]
    per_cell = {(1, 0, 0): 2, (1, 1, 1): 1}[recipe.miller]
    top = {"C100-2x1-H": 1, "C111-1x1-H": 1}.get(name, 0)
    assert slab.symbols.count("C") == recipe.layers * cells
    assert slab.symbols.count("H") == (per_cell + top) * cells
    middle = slab.positions[:, 2].mean()
    carbon = slab.numbers == 6
    back = slab.positions[:, 2] < middle
    assert (coordination(slab)[carbon & back] == 4).all()
    assert (coordination(slab)[~carbon] == 1).all()
    if recipe.hydrogenated:
        assert (coordination(slab)[carbon] == 4).all()


@pytest.mark.parametrize("name", FACETS)
def test_geometry_of_shipped_facets(name):
    recipe = named(name)
    slab = build_slab(recipe)
    bonds = find_bonds(slab)
    carbon = slab.numbers == 6
    pairs = carbon[bonds.first] & carbon[bonds.second]
    assert recipe.layers >= 8
    assert bonds.length_A[pairs].min() > 1.30
    assert bonds.length_A[~pairs] == pytest.approx(1.09)
    assert slab.pbc.all()
    assert slab.cell[2] == pytest.approx([0, 0, slab.cell[2, 2]])
    assert slab.cell[2, 2] - np.ptp(slab.positions[:, 2]) >= 15
    assert set(slab.arrays["fragment"]) == {"slab"}
    fixed = slab.constraints[0].index
    free = np.setdiff1d(np.arange(len(slab)), fixed)
    assert slab.positions[fixed, 2].max() < slab.positions[free, 2].min()
    assert len(set(slab.get_tags()[fixed])) == recipe.fixed_layers
    assert (slab.numbers[fixed] == 1).any()


@pytest.mark.parametrize(("name", "length_A"), [("C100-2x1", (1.36, 1.41)), ("C100-2x1-H", (1.60, 1.64))])
def test_dimers_are_symmetric_and_in_rows(name, length_A):
    slab = build_slab(named(name))
    top = np.flatnonzero((slab.get_tags() == 1) & (slab.numbers == 6))
    assert np.ptp(slab.positions[top, 2]) < 1e-9
    bonds = find_bonds(slab)
    among = bonds.select(np.isin(bonds.first, top) & np.isin(bonds.second, top))
    assert np.bincount(among.first)[top].tolist() == [1] * 4
    assert length_A[0] < among.length_A.min() <= among.length_A.max() < length_A[1]
    assert abs(among.vector_A[:, 0]) == pytest.approx(among.length_A)
    back = bonds.select(np.isin(bonds.first, top) & (slab.get_tags()[bonds.second] == 2))
    assert back.length_A == pytest.approx(BOND_A)


def test_pandey_has_flat_chains_over_five_and_seven_rings():
    slab = build_slab(facet(miller=(1, 1, 1), reconstruction="pandey", cell=(4, 4)))
    bonds = find_bonds(slab)
    graph = nx.Graph(zip(bonds.first.tolist(), bonds.second.tolist(), strict=True))
    tags = slab.get_tags()

    def rings(atom):
        rest = graph.copy()
        rest.remove_node(atom)
        around = sorted(graph[atom])
        return {nx.shortest_path_length(rest, a, b) + 2 for a in around for b in around if a < b}

    lower = np.flatnonzero((tags == 2) & (slab.numbers == 6))
    assert {5, 7} <= set().union(*(rings(atom) for atom in lower))
    bulk = np.flatnonzero((tags == 6) & (slab.numbers == 6))
    assert set().union(*(rings(atom) for atom in bulk)) == {6}
    top = np.flatnonzero(tags == 1)
    chains = list(nx.connected_components(graph.subgraph(top.tolist())))
    assert [len(chain) for chain in chains] == [8, 8]
    assert (coordination(slab)[top] == 3).all()
    assert np.ptp(slab.positions[top, 2]) < 1e-9


def test_pandey_has_the_2x1_lattice_of_its_chains():
    symmetry = SurfaceSymmetry(build_slab(named("C111-2x1-pandey")))
    lengths_A = np.linalg.norm(symmetry.cell, axis=1)
    assert lengths_A == pytest.approx([A / 2**0.5, A * 1.5**0.5], abs=1e-3)
    assert symmetry.cell[0] @ symmetry.cell[1] == pytest.approx(0, abs=1e-3)
    assert len(symmetry.rotations) == 2  # pm: the mirror across the chains


@pytest.mark.parametrize("reconstruction", ["1x1", "pandey"])
def test_a_lattice_that_has_a_rectangular_cell_gets_it(reconstruction):
    narrow, wide = (build_slab(facet(miller=(1, 1, 1), reconstruction=reconstruction, cell=(2, n))) for n in (1, 2))
    # two cells along [1, -1, 0] do not make the hexagonal lattice of (2, 2) rectangular
    assert narrow.cell.angles() == pytest.approx(90)
    assert wide.cell.angles()[2] == pytest.approx(120)
    assert sorted(narrow.cell.lengths()[:2]) == pytest.approx([A / 2**0.5, A * 1.5**0.5])
    assert narrow.cell.array[0, 1] == narrow.cell.array[1, 0] == 0
    assert np.linalg.det(narrow.cell.array) * 2 == pytest.approx(np.linalg.det(wide.cell.array))
    bonds, same = find_bonds(narrow), find_bonds(wide)
    assert np.sort(np.tile(bonds.length_A, 2)) == pytest.approx(np.sort(same.length_A))
    assert SurfaceSymmetry(narrow).rotations.shape == SurfaceSymmetry(wide).rotations.shape


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"miller": (2, 0, 0)}, "common divisor"),
        ({"miller": (0, 0, 0)}, "common divisor"),
        ({"miller": (1, 1, 1), "reconstruction": "2x1"}, "not of [1, 1, 1]"),
        ({"miller": (1, 0, 0), "reconstruction": "pandey"}, "not of [1, 0, 0]"),
        ({"miller": (1, 0, 0), "reconstruction": "2x1", "cell": (3, 2)}, "multiple of [2, 1]"),
        ({"miller": (1, 1, 1), "reconstruction": "pandey", "hydrogenated": True}, "no hydrogen-terminated form"),
        ({"miller": (1, 1, 1), "layers": 4, "fixed_layers": 4}, "none of 4 layers free"),
        ({"miller": (1, 1, 1), "reconstruction": "7x7"}, "'1x1', '2x1' or 'pandey'"),
    ],
)
def test_recipes_that_cannot_be_built_are_refused(keys, said):
    with pytest.raises(ValidationError) as caught:
        facet(**keys)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            "miller: [1, 1, 1]\nelement: Si\ncrystal: graphite",
            "element (line 3): there is no graphite of Si; allowed: C",
        ),
        ("layers: 4\nmiller: [2, 0, 0]", "miller (line 3): found [2, 0, 0]; allowed: indices without a common divisor"),
        (
            "miller: [1, 1, 1]\nreconstruction: 2x1",
            "reconstruction (line 3): reconstruction 2x1 is not of [1, 1, 1] of diamond; allowed: miller [1, 0, 0] or",
        ),
        (
            "reconstruction: pandey\nmiller: [1, 0, 0]",
            "reconstruction (line 2): reconstruction pandey is not of [1, 0, 0]",
        ),
        (
            "reconstruction: 2x1\ncell: [3, 2]\nmiller: [1, 0, 0]",
            "cell (line 3): found [3, 2]; allowed: a multiple of [2, 1]",
        ),
        (
            "miller: [1, 1, 1]\nlayers: 2",
            "layers (line 3): fixed_layers 2 leaves none of 2 layers free; allowed: at most 1",
        ),
        (
            "miller: [1, 1, 1]\nlayers: 2\nfixed_layers: 3",
            "fixed_layers (line 4): fixed_layers 3 leaves none of 2 layers free",
        ),
        ("miller: [1, 1, 1]\nbuckling_A: 0.7", "buckling_A (line 3): found 0.7 with reconstruction 1x1; allowed: 0"),
        (
            "miller: [1, 1, 1]\nreconstruction: pandey\nhydrogenated: true",
            "hydrogenated (line 4): reconstruction pandey has no hydrogen-terminated form; allowed: false",
        ),
    ],
)
def test_what_keys_get_wrong_together_is_said_of_one_of_them(tmp_path, keys, said):
    (tmp_path / "facets").mkdir()
    (tmp_path / "facets/mine.yaml").write_text(f"kind: facet\n{keys}\n")
    with pytest.raises(UserError) as caught:
        load_recipe("mine", tmp_path)
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"{tmp_path / 'facets/mine.yaml'}: {said}")


def test_a_back_of_singly_bonded_atoms_is_refused():
    with pytest.raises(UserError, match=r"7 layers of \[1, 1, 1\] leave singly bonded C at the back; use 8"):
        build_slab(facet(miller=(1, 1, 1), layers=7))


def test_chains_need_something_below_them():
    with pytest.raises(UserError, match="2 layers are too thin for Pandey's chains; use 4 or more"):
        build_slab(facet(miller=(1, 1, 1), reconstruction="pandey", layers=2, fixed_layers=1))


def test_every_reconstruction_has_its_function():
    assert RECONSTRUCT.keys() == RECONSTRUCTIONS.keys()


def test_spring_hessian_is_stiff_and_knows_no_direction():
    slab = build_slab(named("C100-2x1"))
    hessian = spring_hessian(slab)
    assert hessian == pytest.approx(hessian.T)
    values = np.linalg.eigvalsh(hessian)
    assert values.min() > 0
    shift = np.tile([1.0, 2.0, 3.0], len(slab))
    ground = shift @ hessian @ shift / (shift @ shift)
    assert ground == pytest.approx(values.min())  # a shift of all atoms stretches no spring
