"""Formation energies: minima of model equations of state, their balance, nothing from what did not converge."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.analyse.energies.formation import INTERCALATION, Crystal, equilibrium, lowest, metal_energies, table
from iondrill.engines.base import AttemptEntry, Result
from iondrill.geometry.crystal import build_crystal, load_crystal, strains

ENERGY_EV = {"Li-bcc": -400.0, "graphite-AB": -620.0, "LiC6": -1130.3}
"""Of the cell: two Li, four C, one LiC6."""


def result(energy_eV=None, status="converged", version="1"):
    attempts = [AttemptEntry(reason="SCF not converged")]
    fields = {"level": "dft", "engine": "cp2k", "engine_version": version, "input_hash": "0", "attempts": attempts}
    return Result(status=status, energy_eV=energy_eV, **fields)


def crystal(recipes: Path, name: str, a=0.004, c=-0.013, **changed) -> Crystal:
    recipe = load_crystal(name, recipes)
    points = {
        s: result(
            ENERGY_EV[name] + 300 * (s.a - a) ** 2 + (0 if recipe.c_A is None else 60 * (s.c - c) ** 2), **changed
        )
        for s in strains(recipe)
    }
    return Crystal(name, "dft", recipe, points, {s: build_crystal(recipe, s) for s in strains(recipe)})


@given(a=st.floats(-0.01, 0.01), c=st.floats(-0.035, 0.035), coupling=st.floats(-50, 50), cubic=st.floats(-300, 300))
def test_the_minimum_of_the_polynomial_itself_is_found(a, c, coupling, cubic):
    recipe = load_crystal("LiC6", Path(__file__).parents[3] / "structures")
    points = np.array(strains(recipe))

    def energy(x, y):
        return 1500 * (x - a) ** 2 + 100 * (y - c) ** 2 + coupling * (x - a) * (y - c) + cubic * (y - c) ** 3 - 1e4

    position, value = lowest(points, energy(*points.T))
    assert position == pytest.approx([a, c], abs=2e-4)
    assert value == pytest.approx(-1e4, abs=1e-4)


@given(a=st.floats(-0.025, 0.025), cubic=st.floats(-500, 500))
def test_the_minimum_of_a_cubic_is_found(a, cubic):
    points = np.array([[-0.03], [-0.015], [0.0], [0.015], [0.03]])
    position, value = lowest(points, 200 * (points[:, 0] - a) ** 2 + cubic * (points[:, 0] - a) ** 3)
    assert position == pytest.approx([a], abs=1e-4)
    assert value == pytest.approx(0, abs=1e-5)


def test_edges_are_those_of_the_minimum(recipes: Path):
    found, status = equilibrium(crystal(recipes, "LiC6"))
    assert status == "converged"
    assert found.a_A == pytest.approx(4.32 * 1.004, abs=1e-3)
    assert found.c_A == pytest.approx(3.70 * 0.987, abs=1e-3)


def test_a_compound_is_balanced_with_its_elements(recipes: Path):
    crystals = [crystal(recipes, name) for name in ("Li-bcc", "graphite-AB", "LiC6")]
    rows = {row["compound"]: row for row in table(crystals, {"Li": result(-198.4)})}
    # LiC6 - Li - 6 C, from cells of two Li and four C
    assert rows["LiC6"]["E_formation_eV_per_ion"] == pytest.approx(-1130.3 + 200.0 + 1.5 * 620.0)
    assert rows["Li-bcc"]["E_cohesive_eV"] == pytest.approx(-198.4 + 200.0)
    assert rows["Li-bcc"]["E_formation_eV_per_ion"] is None
    assert rows["Li-bcc"]["c_A"] is None


def another(one: Crystal, name: str, shift_eV: float) -> Crystal:
    """Return a crystal of the same cell under another name, all its energies shifted."""
    points = {s: result(found.energy_eV + shift_eV) for s, found in one.points.items()}
    return replace(one, name=name, points=points)


@pytest.mark.parametrize("order", [1, -1])
def test_the_most_stable_crystal_of_an_element_is_its_reference(recipes: Path, tmp_path: Path, order: int):
    crystals = [crystal(recipes, name) for name in ENERGY_EV]
    crystals += [another(crystals[0], "Li-hcp", 0.4), another(crystals[1], "graphite-AA", 0.2)]
    crystals = crystals[::order]
    found = table(crystals, {})
    rows = {row["compound"]: row for row in found}
    assert rows["LiC6"]["E_formation_eV_per_ion"] == pytest.approx(-1130.3 + 200.0 + 1.5 * 620.0)
    INTERCALATION.write(found, tmp_path / "table.csv")
    metals = {"Li-bcc": "Li", "Li-hcp": "Li"}
    assert metal_energies(tmp_path / "table.csv", metals, "dft") == {"Li": pytest.approx(-200.0)}


@pytest.mark.parametrize("order", [1, -1])
def test_a_crystal_that_did_not_converge_is_no_reference_if_another_of_its_element_did(recipes: Path, order: int):
    crystals = [crystal(recipes, name) for name in ENERGY_EV]
    crystals.append(another(crystals[0], "Li-hcp", -0.4))
    crystals[-1].points[next(iter(crystals[-1].points))] = result(None, "not_converged")
    rows = {row["compound"]: row for row in table(crystals[::order], {})}
    assert rows["LiC6"]["E_formation_eV_per_ion"] == pytest.approx(-1130.3 + 200.0 + 1.5 * 620.0)
    crystals[0].points[next(iter(crystals[0].points))] = result(None, "failed")
    rows = {row["compound"]: row for row in table(crystals[::order], {})}
    assert rows["LiC6"]["E_formation_eV_per_ion"] is None
    assert "bulk Li: " in rows["LiC6"]["status"]


@pytest.mark.parametrize("spoilt", ["Li-bcc", "graphite-AB", "LiC6"])
def test_one_unconverged_point_empties_what_is_made_from_it(recipes: Path, spoilt: str):
    crystals = [crystal(recipes, name) for name in ENERGY_EV]
    bad = next(each for each in crystals if each.name == spoilt)
    bad.points[next(iter(bad.points))] = result(None, "not_converged")
    rows = {row["compound"]: row for row in table(crystals, {})}
    assert rows[spoilt]["a_A"] is None
    assert rows["LiC6"]["E_formation_eV_per_ion"] is None
    assert "SCF not converged" in rows["LiC6"]["status"]
    assert all(row["a_A"] for name, row in rows.items() if name != spoilt)


def test_a_minimum_outside_the_points_is_refused(recipes: Path):
    found, status = equilibrium(crystal(recipes, "LiC6", c=0.09))
    assert found is None
    assert status.startswith("refused; the minimum is at")
    rows = table([crystal(recipes, "LiC6"), crystal(recipes, "graphite-AB")], {})
    assert rows[0]["status"] == "refused; bulk Li: not among the crystals"


def test_points_of_two_versions_are_not_mixed(recipes: Path):
    mixed = crystal(recipes, "Li-bcc")
    mixed.points[next(iter(mixed.points))] = result(-400, version="2")
    assert equilibrium(mixed)[1].startswith("refused")


CHANGES = {
    "a_A": lambda recipe: {"a_A": 1.16 * recipe.a_A},
    "c_A": lambda recipe: {"c_A": recipe.c_A + 0.01},
    "place": lambda recipe: {"atoms": [recipe.atoms[0].model_copy(update={"at": (0.1, 0, 0)}), *recipe.atoms[1:]]},
    "element": lambda recipe: {"atoms": [recipe.atoms[0].model_copy(update={"element": "Na"}), *recipe.atoms[1:]]},
    "fewer atoms": lambda recipe: {"atoms": recipe.atoms[:-1]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_energies_of_an_earlier_recipe_make_no_row(recipes: Path, change):
    old = crystal(recipes, "LiC6")
    edited = replace(old, recipe=old.recipe.model_copy(update=change(old.recipe)))
    found, status = equilibrium(edited)
    assert found is None
    assert status.startswith("refused; not of the recipe as it is now: points a988c1000, ")
    assert table([edited], {})[0]["a_A"] is None


def test_one_point_of_an_earlier_recipe_spoils_its_crystal(recipes: Path):
    lithium = crystal(recipes, "Li-bcc")
    first = next(iter(lithium.points))
    lithium.structures[first].set_cell(3.43 * np.eye(3), scale_atoms=True)
    assert equilibrium(lithium)[1].startswith(f"refused; not of the recipe as it is now: points {first.label}; ")


def test_a_point_that_an_engine_moved_by_a_lattice_vector_and_a_rounding_is_of_its_recipe(recipes: Path):
    moved = crystal(recipes, "LiC6")
    for atoms in moved.structures.values():
        atoms.positions += 1e-8
        atoms.positions[2] += atoms.cell[0] - atoms.cell[2]
    assert equilibrium(moved)[1] == "converged"


def test_the_metals_of_a_level_are_read_back(recipes: Path, tmp_path: Path):
    crystals = [crystal(recipes, name) for name in ENERGY_EV]
    INTERCALATION.write(table(crystals, {}), tmp_path / "table.csv")
    metals = {"Li-bcc": "Li", "Na-bcc": "Na"}
    assert metal_energies(tmp_path / "table.csv", metals, "dft") == {"Li": pytest.approx(-200.0)}
    assert metal_energies(tmp_path / "table.csv", metals, "other") == {}


@pytest.mark.parametrize(
    ("states", "word"),
    [
        (("not_converged", "failed"), "failed"),
        (("failed", "not_converged"), "failed"),
        (("not_converged", "converged"), "not_converged"),
    ],
)
def test_the_worst_of_the_points_is_named_first_and_each_with_its_reason(recipes: Path, states, word: str):
    lithium = crystal(recipes, "Li-bcc")
    first, second, *_ = lithium.points
    lithium.points[first], lithium.points[second] = (result(-1.0 if s == "converged" else None, s) for s in states)
    found, status = equilibrium(lithium)
    assert found is None
    said = [f"point {p.label} {s}: SCF not converged" for p, s in zip((first, second), states, strict=True)]
    assert status == "; ".join([word, *(text for text in said if " converged:" not in text)])


def test_a_point_that_converged_without_an_energy_is_refused(recipes: Path):
    lithium = crystal(recipes, "Li-bcc")
    first = next(iter(lithium.points))
    lithium.points[first] = result(None).model_copy(update={"attempts": []})
    assert equilibrium(lithium) == (None, f"refused; point {first.label} converged: no reason given")


def test_points_of_two_levels_are_not_mixed(recipes: Path):
    lithium = crystal(recipes, "Li-bcc")
    first = next(iter(lithium.points))
    lithium.points[first] = lithium.points[first].model_copy(update={"level": "other"})
    assert equilibrium(lithium)[1] == "refused; points of different levels or versions of the engine"


@pytest.mark.parametrize("name", ["Li-bcc", "LiC6"])
def test_energies_are_of_an_atom_of_the_cell(recipes: Path, name: str):
    one = crystal(recipes, name)
    (row,) = table([one], {})
    n_atoms = {"Li-bcc": 2, "LiC6": 7}[name]
    assert row["E_eV_per_atom"] == pytest.approx(ENERGY_EV[name] / n_atoms, abs=1e-6)
    assert row["level"] == "dft"
    assert (one.ion, one.elemental) == ("Li", "Li" if name == "Li-bcc" else None)


def test_an_atom_that_did_not_converge_gives_no_cohesive_energy(recipes: Path):
    lithium = crystal(recipes, "Li-bcc")
    for atom in (result(None, "failed"), result(-198.4, "not_converged"), result(None)):
        assert table([lithium], {"Li": atom})[0]["E_cohesive_eV"] is None
    assert table([lithium], {"C": result(-198.4)})[0]["E_cohesive_eV"] is None


def test_all_that_is_said_of_the_crystals_of_an_element_stands_where_none_of_them_converged(recipes: Path):
    crystals = [crystal(recipes, name) for name in ENERGY_EV]
    crystals.append(another(crystals[0], "Li-hcp", 0.1))
    for bad in (crystals[0], crystals[-1]):
        bad.points[next(iter(bad.points))] = result(None, "failed")
    rows = {row["compound"]: row for row in table(crystals, {})}
    assert rows["LiC6"]["status"].startswith("refused; bulk Li: failed; point ")
    assert rows["LiC6"]["status"].count("failed; point ") == 2
    assert rows["LiC6"]["E_eV_per_atom"] is not None


def test_a_minimum_at_the_last_point_is_refused_and_one_just_within_is_not(recipes: Path):
    """The points of lithium reach as far as their strains; a parabola about a position has its minimum there."""
    lithium = crystal(recipes, "Li-bcc")
    reach = max(strain.a for strain in lithium.points)
    for share, good in ((0.98, True), (1.0, False), (1.2, False), (-0.98, True), (-1.0, False)):
        points = {s: result(-400 + 300 * (s.a - share * reach) ** 2) for s in lithium.points}
        found, status = equilibrium(replace(lithium, points=points))
        assert (found is not None) is good
        if good:
            assert found.a_A == pytest.approx(lithium.recipe.a_A * (1 + share * reach), abs=1e-4)
            assert found.c_A is None
        else:
            assert re.search(r"the minimum is at a \d\.\d{3} Å or beyond", status)


def test_the_lowest_crystal_of_a_metal_counts_at_its_own_level_alone(tmp_path: Path):
    rows = [("Li-bcc", "dft", -2.0), ("Li-hcp", "dft", -2.5), ("Li-hcp", "other", -9.0), ("Na-bcc", "dft", "")]
    lines = [f"{name},{level},,,,converged,,{energy}" for name, level, energy in rows]
    (tmp_path / "t.csv").write_text("\n".join([",".join(INTERCALATION.names), *lines]) + "\n")
    elements = {"Li-bcc": "Li", "Li-hcp": "Li", "Na-bcc": "Na"}
    assert metal_energies(tmp_path / "t.csv", elements, "dft") == {"Li": -2.5}
    assert metal_energies(tmp_path / "t.csv", {"Li-bcc": "Li"}, "dft") == {"Li": -2.0}
