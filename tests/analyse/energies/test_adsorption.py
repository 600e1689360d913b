"""The table of adsorption energies: signs, refusals, sites and heights."""

from __future__ import annotations

import csv
from itertools import product

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms
from hypothesis import given
from hypothesis import strategies as st

from iondrill.analyse.energies.adsorption import (
    Adsorption,
    adsorption_energy,
    cohesive_energy,
    height,
)
from iondrill.analyse.energies.adsorption_table import ADSORPTION
from iondrill.analyse.energies.bounds import bounds, out_of_bounds
from iondrill.config.levels import Cp2kLevel, VaspLevel, XtbLevel
from iondrill.engines.base import AttemptEntry, Left, Neighbour, Neighbourhood, Result
from iondrill.errors import UserError
from iondrill.geometry.surfaces.adsorbate import add_adsorbate, relaxed_sites
from iondrill.geometry.surfaces.facet import FacetRecipe
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.geometry.surfaces.slab import build_slab
from iondrill.prepare.estimates import ErrorEstimate

GFN2 = XtbLevel(engine="xtb", dispersion="none")
PBE = Cp2kLevel(engine="cp2k")
STATUSES = ("converged", "not_converged", "failed")
A_A = 2.5
SITES = {"top": np.array([[0, 0, 9], [A_A, 0, 9.0]]), "bridge": np.array([[A_A / 2, 0, 9], [3 * A_A / 2, 0, 9.0]])}


def result(energy_eV=None, state="converged", reason="", **changed):
    attempts = [AttemptEntry(reason="first try"), AttemptEntry(reason=reason)] if reason else []
    fields = {"level": "gfn2", "engine": "xtb", "engine_version": "0.8", "input_hash": "0"} | changed
    return Result(status=state, energy_eV=energy_eV, attempts=attempts, **fields)


def slab(*ions_A, hydrogen=False):
    """Two C of the top layer at z = 10, two below, and ions."""
    atoms = Atoms(
        "C4", [[0, 0, 10], [A_A, 0, 10], [0, 0, 9], [A_A, 0, 9]], tags=[1, 1, 2, 2], cell=[2 * A_A, A_A, 30], pbc=True
    )
    if hydrogen:
        atoms += Atoms("H2", np.add(atoms.positions[:2], [0, 0, 1.1]), tags=[1, 1])
    labels = ["slab"] * len(atoms) + ["adsorbate"] * len(ions_A)
    atoms += Atoms(["Li"] * len(ions_A), positions=np.reshape(ions_A, (-1, 3)))
    atoms.arrays["fragment"] = np.array(labels)
    return atoms


def row(geometry=None, **changed):
    fields = {
        "facet": "C100-2x1",
        "termination": "clean",
        "adsorbate": "Li",
        "site": "top",
        "level": GFN2,
        "combined": result(-110.0),
        "substrate": result(-100.0),
        "atom": result(-7.0),
        "geometry": slab([0, 0, 12]) if geometry is None else geometry,
        "sites": SITES,
    }
    return Adsorption(**fields | changed)


def status(row):
    """Return the status as the table has it."""
    return str(row.status)


def test_a_bound_ion_has_a_negative_energy():
    assert adsorption_energy(-110.0, -100.0, -7.0, 1) == -3.0
    assert ADSORPTION.cells(row())["E_ads_eV"] == -3.0
    assert ADSORPTION.cells(row(combined=result(-106.0)))["E_ads_eV"] == 1.0


@given(n=st.integers(1, 8), E=st.floats(-5, 5), substrate=st.floats(-1e4, 0), atom=st.floats(-1e3, 0))
def test_ions_that_do_not_feel_each_other_have_the_energy_of_one(n, E, substrate, atom):
    assert adsorption_energy(substrate + n * (atom + E), substrate, atom, n) == pytest.approx(E, abs=1e-9)


def test_two_ions():
    found = ADSORPTION.cells(row(slab([0, 0, 12], [A_A, 0, 12]), combined=result(-118.0)))
    assert (found["n"], found["coverage_ML"], found["E_ads_eV"]) == (2, 1.0, -2.0)
    assert ADSORPTION.cells(row())["coverage_ML"] == 0.5


@pytest.mark.parametrize(("combined", "substrate", "atom"), list(product(STATUSES, repeat=3)))
def test_no_number_from_an_unconverged_part(combined, substrate, atom):
    states = {"slab with ion": combined, "clean slab": substrate, "atom": atom}
    # an energy that slipped into an unconverged record must not be used either
    parts = [result(-1.0, state, f"why {name}") for name, state in states.items()]
    found = ADSORPTION.cells(row(**dict(zip(("combined", "substrate", "atom"), parts, strict=True)), level=PBE))
    word, *notes = found["status"].split("; ")
    assert word == max(states.values(), key=STATUSES.index)
    assert notes == [f"{name} {state}: why {name}" for name, state in states.items() if state != "converged"]
    complete = set(states.values()) == {"converged"}
    assert (found["E_ads_eV"] is None) == (not complete)
    assert (found["E_ads_vs_metal_eV"] is None) == (not complete)
    assert (found["height_A"] is None) == (combined != "converged")


@pytest.mark.parametrize("part", ["combined", "substrate", "atom"])
@pytest.mark.parametrize(("field", "value"), [("level", "gfn1"), ("engine", "cp2k"), ("engine_version", "0.7")])
def test_parts_of_different_levels_are_refused(part, field, value):
    other = row(**{part: result(-110.0, **{field: value})})
    assert status(other).startswith(f"refused; {field} of ")
    assert value in status(other)
    assert ADSORPTION.cells(other)["E_ads_eV"] is None


def test_a_converged_part_without_energy_is_refused():
    assert status(row(atom=result())) == "refused; atom has no energy"
    assert ADSORPTION.cells(row(atom=result()))["E_ads_eV"] is None


def test_the_worst_is_named_first_and_reasons_are_one_line():
    bad = row(substrate=result(None, "failed", "killed:\n  out of  memory"), atom=result(-7.0, level="pbe"))
    assert status(bad) == (
        "failed; clean slab failed: killed: out of memory; level of atom is pbe, of slab with ion gfn2"
    )
    assert status(row(atom=result(None, "failed"))) == "failed; atom failed: no reason given"


@pytest.mark.parametrize("part", ["clean slab", "slab with ion"])
def test_a_slab_that_fell_apart_is_reported_and_not_used(part):
    fallen = row(faults={"clean slab": "", "slab with ion": "", part: "connectivity: broken C1–C2"})
    assert status(fallen) == f"refused; {part} fell apart: connectivity: broken C1–C2"
    assert ADSORPTION.cells(fallen)["E_ads_eV"] is None
    assert ADSORPTION.cells(fallen)["E_ads_vs_metal_eV"] is None
    whole = row(faults={"clean slab": "", "slab with ion": ""})
    assert ADSORPTION.cells(whole)["E_ads_eV"] == -3.0


def test_of_an_unconverged_slab_its_geometry_says_nothing():
    fallen = row(combined=result(None, "not_converged", "why"), faults={"slab with ion": "broken"})
    assert status(fallen) == "not_converged; slab with ion not_converged: why"


def test_height_and_coverage_of_two_sides():
    geometry = slab([0, 0, 12.0], [0, 0, 2.8])
    geometry.set_tags([1, 1, 1, 1, 0, 0])
    geometry.positions[2:4, 2] = 5.0
    assert height(geometry) == pytest.approx((2.0 + 2.2) / 2)
    assert row(geometry).coverage_ML == 0.5


@pytest.mark.parametrize(
    "keys",
    [
        {"crystal": "graphite", "miller": (0, 0, 1), "layers": 1, "fixed_layers": 0},
        {"crystal": "graphite", "miller": (0, 0, 1), "layers": 3},
        {"miller": (1, 1, 1), "layers": 2, "fixed_layers": 0},
        {"miller": (1, 0, 0), "reconstruction": "2x1"},
    ],
    ids=["sheet", "three sheets", "thinnest (111)", "dimers"],
)
def test_an_ion_is_as_high_on_each_of_two_sides_as_on_one(keys):
    heights_A = []
    for two_sided in (False, True):
        keys = {"kind": "facet", "layers": 8, "hydrogenated": False, **keys, "two_sided": two_sided}
        built = build_slab(FacetRecipe.model_validate(keys))
        site = find_sites(built)[0]
        geometry = add_adsorbate(built, site, "Li")
        assert row(geometry).n == 1 + two_sided
        heights_A.append(height(geometry))
    assert heights_A[0] > 1
    assert heights_A[1] == pytest.approx(heights_A[0])


def test_height_on_both_sides_of_a_rippled_sheet_is_that_above_its_mean():
    geometry = slab([0, 0, 12.0], [A_A, 0, 7.0])
    geometry.set_tags([1, 1, 1, 1, 0, 0])
    geometry.positions[:4, 2] = [9.9, 10.1, 9.95, 10.05]
    sides = [geometry[[0, 1, 2, 3, ion]] for ion in (4, 5)]
    assert height(geometry) == pytest.approx((height(sides[0]) - height(sides[1])) / 2)
    # two ions of one side, one of them in the layer
    sunk = slab([0, 0, 12.0], [A_A, 0, 9.8])
    assert height(sunk) == pytest.approx(0.9)


@pytest.mark.parametrize("level", [PBE, VaspLevel(engine="vasp"), Cp2kLevel(engine="cp2k", dispersion="none")])
def test_against_the_metal(level):
    assert cohesive_energy(level, "Li") == 1.60
    assert cohesive_energy(level, "Na") == 1.08
    assert cohesive_energy(level, "K") is None
    assert ADSORPTION.cells(row(level=level))["E_ads_vs_metal_eV"] == pytest.approx(-3.0 + 1.6)


def test_a_metal_that_is_not_tabulated_leaves_its_column_empty():
    found = ADSORPTION.cells(row(level=PBE, adsorbate="K"))
    assert found["E_ads_eV"] == -3.0
    assert found["E_ads_vs_metal_eV"] is None
    assert found["metal_reference"] == ""


@pytest.mark.parametrize("method", ["GFN2-xTB", "GFN1-xTB"])
def test_levels_are_not_mixed(method):
    found = ADSORPTION.cells(row(level=XtbLevel(engine="xtb", method=method)))
    assert found["E_ads_eV"] == -3.0
    assert found["E_ads_vs_metal_eV"] is None


def test_the_metal_of_the_same_level_goes_before_the_table():
    assert ADSORPTION.cells(row(level=PBE))["metal_reference"] == "tabulated cohesive energy"
    computed = ADSORPTION.cells(row(level=PBE, metal_eV=-8.5))
    # E_ads = -3 against an atom of -7, and the metal lies 1.5 below the atom
    assert computed["E_ads_vs_metal_eV"] == pytest.approx(-3.0 - 7.0 + 8.5)
    assert computed["metal_reference"] == "bulk Li at gfn2"
    assert ADSORPTION.cells(row())["metal_reference"] == ""


def test_the_error_of_the_settings_stands_beside_the_energy_alone():
    estimate = ErrorEstimate(0.012, "error estimate covers cutoff_Ry, not layers")
    found = ADSORPTION.cells(row(error=estimate))
    assert found["error_estimate_eV"] == 0.012
    assert found["status"] == "converged; error estimate covers cutoff_Ry, not layers"
    moved = ADSORPTION.cells(row(slab([A_A / 2, 0, 12]), error=estimate))
    assert moved["status"] == "converged; moved to bridge; error estimate covers cutoff_Ry, not layers"
    without = ADSORPTION.cells(row(error=estimate, atom=result(None, "failed")))
    assert without["error_estimate_eV"] is None
    assert "error estimate" not in without["status"]
    assert ADSORPTION.cells(row())["error_estimate_eV"] is None


def test_displaced_substrate_leaves_out_fixed_atoms_and_ions():
    clean, bound = slab(), slab([0, 0, 12])
    bound.positions[0] += [0.3, 0, 0]
    bound.positions[2] += [9, 0, 0]
    for atoms in (clean, bound):
        atoms.set_constraint(FixAtoms([2]))
    found = ADSORPTION.cells(row(bound, clean=clean))
    assert found["displaced_max_A"] == pytest.approx(0.3)
    assert found["displaced_rms_A"] == pytest.approx(0.3 / np.sqrt(3))
    # a move by a vector of the cell is none
    bound.positions[1] += [2 * A_A, 0, 0]
    assert ADSORPTION.cells(row(bound, clean=clean))["displaced_max_A"] == pytest.approx(0.3)
    spoilt = ADSORPTION.cells(row(bound, clean=clean, combined=result(None, "not_converged", "why")))
    assert spoilt["displaced_max_A"] is spoilt["charge_e"] is None


def test_the_charge_is_the_ions_own_and_says_its_scheme():
    charged = slab([0, 0, 12])
    charged.set_array("mulliken_e", np.array([-0.4, 0, 0, 0, 0.4]))
    assert [ADSORPTION.cells(row(charged))[key] for key in ("charge_e", "charge_scheme")] == [0.4, "Mulliken"]
    charged.set_array("hirshfeld_e", np.array([-0.7, 0, 0, 0, 0.7]))
    assert [ADSORPTION.cells(row(charged))[key] for key in ("charge_e", "charge_scheme")] == [0.7, "Hirshfeld"]


def test_height_above_the_topmost_carbon():
    assert height(slab([0, 0, 12.25])) == 2.25
    assert height(slab([0, 0, 12.25], hydrogen=True)) == 2.25
    assert height(slab([0, 0, 12.0], [A_A, 0, 13.0])) == 2.5
    buckled = slab([0, 0, 12.0])
    buckled.positions[0, 2] += 0.5
    assert height(buckled) == 1.75
    shifted = slab([0, 0, 12.0])
    shifted.positions[:, 2] += 3
    assert height(shifted) == 2.0


def test_a_geometry_without_ion_or_layers_is_refused():
    with pytest.raises(UserError, match="needed: an atom of fragment 'adsorbate'"):
        height(slab())
    bare = slab([0, 0, 12])
    bare.set_tags(0)
    with pytest.raises(UserError, match="with tag 1"):
        height(bare)


def test_an_ion_that_moved_to_another_site():
    assert status(row(slab([0.1, 0.1, 12]))) == "converged"
    assert status(row(slab([A_A / 2 + 0.1, 0.1, 12]))) == "converged; moved to bridge"
    assert ADSORPTION.cells(row(slab([A_A / 2, 0, 12])))["E_ads_eV"] == -3.0
    assert ADSORPTION.cells(row(slab([A_A / 2, 0, 12])))["site"] == "top"
    two = slab([0, 0, 12], [A_A / 2, 0, 12])
    assert status(row(two, combined=result(-118.0))) == "converged; moved to top, bridge"
    moved = row(slab([A_A / 2, 0, 12]), substrate=result(None, "failed", "why"))
    assert status(moved) == "failed; clean slab failed: why; moved to bridge"
    # where an unconverged ion happens to be says nothing
    assert "moved" not in status(row(slab([A_A / 2, 0, 12]), combined=result(None, "not_converged", "why")))


@given(
    position=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    image=st.tuples(st.integers(-3, 3), st.integers(-3, 3)),
    angle=st.floats(30, 150),
    seed=st.integers(0, 1000),
)
def test_sites_are_found_across_the_edges_of_any_cell(position, image, angle, seed):
    cell = np.array([[5, 0, 0], [4 * np.cos(np.radians(angle)), 4 * np.sin(np.radians(angle)), 0], [0, 0, 20]])
    random = np.random.default_rng(seed)
    sites = {name: np.append(random.uniform(size=(3, 2)), np.ones((3, 1)), axis=1) @ cell for name in "abc"}
    ion = np.array([*np.add(position, image), 0.5]) @ cell
    geometry = Atoms("Li", [ion], cell=cell, pbc=True)
    geometry.arrays["fragment"] = np.array(["adsorbate"])
    images = np.array(list(product(range(-8, 9), repeat=2))) @ cell[:2, :2]
    far = {
        name: np.linalg.norm(positions[:, None, :2] + images - ion[:2], axis=2).min()
        for name, positions in sites.items()
    }
    best, second = sorted(far, key=far.get)[:2]
    if far[second] - far[best] > 1e-9:
        assert relaxed_sites(geometry, sites) == [best]


def test_the_table(tmp_path):
    cost = {"n_ionic_steps": 12, "n_scf_cycles": 340, "core_s": 5.5}
    rows = [
        row(combined=result(-110.0, **cost), substrate=result(-100.0, n_ionic_steps=99, core_s=99)),
        row(site="bridge", combined=result(None, "not_converged", 'says "no", twice', **cost)),
    ]
    ADSORPTION.write(rows, tmp_path / "adsorption.csv")
    with (tmp_path / "adsorption.csv").open() as file:
        header, first, second = csv.reader(file)
    assert ",".join(header) == (
        "facet,termination,adsorbate,site,n,coverage_ML,E_ads_eV,E_ads_vs_metal_eV,height_A,level,status,"
        "n_ionic_steps,n_scf_cycles,core_s,"
        "metal_reference,displaced_rms_A,displaced_max_A,charge_e,charge_scheme,error_estimate_eV,"
        "lowest_neighbour_eV,d4_coordination,d4_C6_au"
    )
    shared = ["12", "340", "5.5"]
    assert first == [
        "C100-2x1",
        "clean",
        "Li",
        "top",
        "1",
        "0.5",
        "-3.0",
        "",
        "2.0",
        "gfn2",
        "converged",
        *shared,
        *[""] * 9,
    ]
    why = 'not_converged; slab with ion not_converged: says "no", twice'
    assert second == ["C100-2x1", "clean", "Li", "bridge", "1", "0.5", "", "", "", "gfn2", why, *shared, *[""] * 9]


@pytest.mark.parametrize("depth_eV", [14.0, 6.1])
def test_an_energy_deeper_than_any_bond_is_refused_with_its_number(depth_eV):
    found = ADSORPTION.cells(row(combined=result(-107.0 - depth_eV)))
    assert found["status"].startswith(f"refused; E_ads_eV {-depth_eV:.2f} is not within -6 to 1")
    assert found["E_ads_eV"] is found["E_ads_vs_metal_eV"] is None


@pytest.mark.parametrize(("energy_eV", "outcome"), [(-5.9, "converged"), (0.9, "converged"), (1.1, "refused")])
def test_energies_within_bounds_are_kept(energy_eV, outcome):
    assert status(row(combined=result(-107.0 + energy_eV))).partition(";")[0] == outcome


@pytest.mark.parametrize(
    ("ion", "height_A", "outcome"),
    [("Li", 3.4, "converged"), ("Li", 3.6, "refused"), ("Na", 3.6, "converged"), ("Na", 4.1, "refused")],
)
def test_an_ion_out_of_contact_is_refused(ion, height_A, outcome):
    found = status(row(slab([0, 0, 10 + height_A]), adsorbate=ion))
    assert found.partition(";")[0] == outcome
    assert (f"height_A {height_A:.2f} is not within" in found) == (outcome == "refused")


def test_an_ion_in_the_bulk_is_refused():
    deep = slab([0, 0, 6.9])
    deep.positions[2:4, 2] = 2.0  # the layers below reach far down
    assert status(row(deep)).startswith("refused; height_A -3.10")


@pytest.mark.parametrize(
    ("charge_e", "outcome"), [(-0.5, "refused"), (-0.2, "converged"), (1.0, "converged"), (1.2, "refused")]
)
def test_a_charge_that_no_alkali_atom_has_is_refused(charge_e, outcome):
    charged = slab([0, 0, 12])
    charged.set_array("mulliken_e", np.array([-charge_e, 0, 0, 0, charge_e]))
    assert status(row(charged)).partition(";")[0] == outcome
    assert (ADSORPTION.cells(row(charged))["E_ads_eV"] is None) == (outcome == "refused")


def looked_at(*points, left=(), n=1):
    """Return a slab with an ion, of whose surroundings these energies are known by shift."""
    around = Neighbourhood(
        points=[
            Neighbour(shift_A=shift, status="converged" if energy is not None else "not_converged", above_eV=energy)
            for shift, energy in points
        ],
        left=[Left(above_eV=energy, shift_A=shift) for shift, energy in left],
    )
    return result(-100.0 - 10.0 * n, neighbourhood=around)


def test_a_lower_place_beside_an_ion_is_told():
    found = ADSORPTION.cells(row(combined=looked_at((-0.4, 0.2), (0.4, -0.31), (0.8, -0.2))))
    assert found["status"] == "converged; second minimum 0.31 eV lower at +0.4 Å"
    assert found["lowest_neighbour_eV"] == -0.31
    assert found["E_ads_eV"] == -3.0


def test_higher_neighbours_need_no_word():
    found = ADSORPTION.cells(row(combined=looked_at((-0.4, 0.2), (0.4, 0.1), (0.8, -0.01))))
    assert (found["status"], found["lowest_neighbour_eV"]) == ("converged", -0.01)
    assert ADSORPTION.cells(row())["lowest_neighbour_eV"] is None


def test_a_false_state_beside_an_ion_is_no_minimum():
    found = ADSORPTION.cells(row(combined=looked_at((-0.4, None), (0.4, 0.1), (0.8, -14.0))))
    assert found["status"] == "converged; no SCF at −0.4 Å; SCF at +0.8 Å ended 14.0 eV too deep, not counted"
    assert found["lowest_neighbour_eV"] == 0.1


def test_a_place_that_was_left_is_told():
    left = row(combined=looked_at((0.4, 0.1), left=[(0.4, 0.32)]))
    assert status(left) == "converged; left a minimum 0.32 eV higher, from +0.4 Å beside it"


def test_what_lies_around_two_ions_is_told_for_each():
    pair = slab([0, 0, 12], [A_A, 0, 12])
    found = ADSORPTION.cells(row(pair, combined=looked_at((0.4, -0.6), (0.8, -3.9), n=2)))
    assert found["lowest_neighbour_eV"] == -1.95
    assert "second minimum 1.95 eV lower at +0.8 Å" in found["status"]


@pytest.mark.parametrize(("height_A", "free"), [(1.6, False), (3.4, True)])
def test_the_side_of_d4s_step_is_recorded_where_the_level_has_d4(height_A, free):
    geometry = slab([A_A / 2, 0, 10 + height_A])
    geometry.cell = [12, 12, 30]  # no ion next to its own image
    found = ADSORPTION.cells(row(geometry, level=XtbLevel(engine="xtb")))
    assert ("D4 takes the ion for a free atom" in found["status"]) == free
    assert (found["d4_C6_au"] > 500) == free
    assert (found["d4_coordination"] < 0.5) == free
    for level in (GFN2, PBE, XtbLevel(engine="xtb", method="GFN1-xTB")):
        without = ADSORPTION.cells(row(geometry, level=level))
        assert without["d4_C6_au"] is without["d4_coordination"] is None
        assert "D4" not in without["status"]


def test_readers_choose_by_what_names_a_row_and_see_energies_to_a_meV():
    assert [each.name for each in ADSORPTION.columns if each.choice] == ["facet", "termination", "adsorbate", "level"]
    digits = {each.name: each.digits for each in ADSORPTION.columns if each.numeric}
    moved = {"displaced_rms_A", "displaced_max_A"}  # of a substrate, an order less than of an ion
    assert {name for name, each in digits.items() if each == 0} == {"n", "n_ionic_steps", "n_scf_cycles", "d4_C6_au"}
    assert {name for name, each in digits.items() if each == 3} == moved | {name for name in digits if "_eV" in name}
    assert {digits[name] for name in ("height_A", "coverage_ML", "charge_e", "d4_coordination")} == {2}
    assert digits["core_s"] == 1


@pytest.mark.parametrize("ion", ["Li", "Na", "K"])
@pytest.mark.parametrize("column", ["E_ads_eV", "height_A", "charge_e"])
def test_what_is_exactly_at_a_bound_is_within_and_what_is_beyond_or_no_number_is_not(column, ion):
    low, high = bounds().root[column].of(ion)
    assert out_of_bounds({column: low}, ion) == out_of_bounds({column: high}, ion) == []
    for value in (np.nextafter(low, -9), np.nextafter(high, 9), np.nan):
        (note,) = out_of_bounds({column: value}, ion)
        assert note.startswith(f"{column} {value:.2f} is not within {low:g} to {high:g} (")
        assert ";" not in note
    assert len(out_of_bounds({"E_ads_eV": low - 9, "height_A": np.nan, "charge_e": 0.0}, ion)) >= 1


def test_each_part_without_an_energy_leaves_the_row_without():
    for part in ("combined", "substrate", "atom"):
        found = ADSORPTION.cells(row(**{part: result()}))
        assert found["status"].startswith("refused; ")
        assert found["status"].endswith("has no energy")
        assert found["E_ads_eV"] is None


@pytest.mark.parametrize("unconverged", ["combined", "substrate", "both", "neither"])
def test_displacements_need_both_slabs(unconverged):
    clean = slab()
    parts = {name: result(None, "failed", "why") for name in ("combined", "substrate") if unconverged in {name, "both"}}
    found = ADSORPTION.cells(row(clean=clean, **parts))
    expected = 0.0 if unconverged == "neither" else None
    assert (found["displaced_rms_A"], found["displaced_max_A"]) == (expected, expected)
    clean.set_constraint(FixAtoms(range(4)))
    assert ADSORPTION.cells(row(clean=clean))["displaced_max_A"] == 0.0
