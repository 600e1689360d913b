"""Crystals: textbook distances and symmetry, strained as asked, mistakes named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import spglib

from iondrill.errors import UserError
from iondrill.geometry.crystal import Strain, build_crystal, kpoint_grid, load_crystal, strains

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = {"Li-bcc": 229, "Na-bcc": 229, "graphite-AB": 194, "LiC6": 191, "NaC6": 191}
"""International numbers of the space groups: Im-3m, P6_3/mmc, P6/mmm."""


@pytest.mark.parametrize(("name", "group"), SHIPPED.items())
@pytest.mark.parametrize("strain", [Strain(0, 0), Strain(0.01, 0.01)])
def test_shipped_crystals_have_their_space_group(recipes: Path, name: str, group: int, strain: Strain):
    atoms = build_crystal(load_crystal(name, recipes), strain)
    found = spglib.get_spacegroup((atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers), symprec=1e-4)
    assert f"({group})" in found


@pytest.mark.parametrize("name", ["graphite-AB", "LiC6", "NaC6"])
def test_carbon_has_three_neighbours_at_a_bond_length(recipes: Path, name: str):
    atoms = build_crystal(load_crystal(name, recipes)).repeat((3, 3, 3))
    (first, *_) = np.flatnonzero(atoms.numbers == 6)
    distances = np.sort(atoms.get_distances(first, range(len(atoms)), mic=True))[1:]
    assert np.ptp(distances[:3]) < 1e-6
    assert 1.41 < distances[0] < 1.46
    assert distances[3] > 2.2


@pytest.mark.parametrize("name", ["LiC6", "NaC6"])
def test_an_ion_lies_between_two_hexagons(recipes: Path, name: str):
    recipe = load_crystal(name, recipes)
    atoms = build_crystal(recipe).repeat((3, 3, 3))
    (ion, *_) = np.flatnonzero(atoms.numbers != 6)
    carbon = np.flatnonzero(atoms.numbers == 6)
    distances = np.sort(atoms.get_distances(ion, carbon, mic=True))
    assert np.ptp(distances[:12]) < 1e-6
    assert distances[12] > distances[0] + 0.5
    assert recipe.composition == {name[:2]: 1, "C": 6}


def test_a_strain_changes_the_edges_by_what_it_says(recipes: Path):
    recipe = load_crystal("LiC6", recipes)
    lengths = build_crystal(recipe, Strain(0.01, -0.02)).cell.lengths() / build_crystal(recipe).cell.lengths()
    assert lengths == pytest.approx([1.01, 1.01, 0.98])
    labels = [strain.label for strain in strains(recipe)]
    assert len(set(labels)) == len(labels) == 8
    assert "a1000c1000" in labels


@pytest.mark.parametrize("name", SHIPPED)
def test_k_points_are_odd_and_enough(recipes: Path, name: str):
    recipe = load_crystal(name, recipes)
    planes = 1 / np.linalg.norm(build_crystal(recipe).cell.reciprocal(), axis=1)
    grid = np.array(kpoint_grid(recipe, 25))
    assert (grid % 2 == 1).all()
    assert (grid * planes >= 25).all()
    assert ((grid - 2) * planes < 25).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("c_A: 3", "wrong.yaml: c_A (line 4): found lattice cubic and c_A 3.0; allowed: c_A with hexagonal"),
        ("lattice: hexagonal", "wrong.yaml: lattice (line 1): found lattice hexagonal and c_A None; allowed: c_A"),
        ("atoms: []", "at least 1"),
        ("lattice: fcc", "'cubic' or 'hexagonal'"),
        ("colour: red", "unknown key 'colour'"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, change: str, message: str):
    (tmp_path / "crystals").mkdir()
    content = {"lattice": "cubic", "a_A": "3", "atoms": "[{element: Li, at: [0, 0, 0]}]"}
    key, _, value = change.partition(": ")
    text = "".join(f"{k}: {v}\n" for k, v in {**content, key: value}.items())
    (tmp_path / "crystals/wrong.yaml").write_text(text)
    with pytest.raises(UserError, match=r"wrong\.yaml") as caught:
        load_crystal("wrong", tmp_path)
    assert message in str(caught.value)


def test_a_missing_crystal_is_named(recipes: Path):
    with pytest.raises(UserError, match="did you mean 'LiC6'"):
        load_crystal("Lic6", recipes)
