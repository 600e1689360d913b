"""Differences to the finest value: by construction known, and never from what did not converge."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms
from ase.units import Bohr, Hartree
from hypothesis import given
from hypothesis import strategies as st

from iondrill.analyse.energies.convergence import Difference, SweepPoint, curves, force_difference, vacuum_A
from iondrill.analyse.energies.convergence_table import CONVERGENCE, convergence_rows, summary
from iondrill.config.convergence import Study, Tolerance
from iondrill.engines.base import FORCES, ON_THE_EDGE, AttemptEntry, Result
from iondrill.geometry.registry import build

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TOLERANCE = Tolerance(energy_meV_atom=1, force_eV_A=0.01, E_ads_meV=10)
STUDY = {"structure": "h2", "level": "dft", "sweep": {"cutoff_Ry": [300]}}


def result(energy_eV: float | None, core_s: float = 1.0, reason: str = "finished") -> Result:
    status = "converged" if energy_eV is not None else "failed"
    return Result(
        status=status,
        level="dft",
        engine="cp2k",
        engine_version="CP2K version 2023.1",
        energy_eV=energy_eV,
        n_scf_cycles=9,
        core_s=core_s,
        attempts=[AttemptEntry(reason=reason)],
        input_hash="0" * 16,
    )


def molecule(force_eV_A: float = 0.0) -> Atoms:
    atoms = Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.75]])
    atoms.set_array("fragment", np.array(["slab", "adsorbate"]))
    atoms.set_array(FORCES, np.array([[0, 0, force_eV_A], [0, 0, -force_eV_A]]))
    return atoms


def point(value: Any, energy_eV: float | None, force_eV_A: float = 0.0, core_s: float = 1.0, **more: Any) -> SweepPoint:
    geometry = molecule(force_eV_A)
    if energy_eV is None:
        del geometry.arrays[FORCES]
    fields = {"parameter": "cutoff_Ry", "own": value == 400, "result": result(energy_eV, core_s)} | more
    return SweepPoint(value=value, geometry=geometry, **fields)


def table(points: Sequence[SweepPoint], path: Path) -> dict[str, dict[str, str]]:
    CONVERGENCE.write(convergence_rows(curves(points), TOLERANCE), path)
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == CONVERGENCE.names
    return {row["value"]: row for row in rows}


SWEEP = [
    point(400, -31.9990, 0.105, core_s=40),
    point(300, -31.9900, 0.150, core_s=30),
    point(500, -32.0000, 0.100, core_s=60),
    point(350, -31.9985, 0.108, core_s=20),
]


def test_differences_are_to_the_finest_per_atom_and_per_atoms_force(tmp_path):
    rows = table(SWEEP, tmp_path / "h2.csv")
    assert list(rows) == ["300", "350", "400", "500"]
    assert float(rows["300"]["energy_difference_meV_atom"]) == pytest.approx(5.0)
    assert float(rows["400"]["energy_difference_meV_atom"]) == pytest.approx(0.5)
    assert float(rows["300"]["force_difference_max_eV_A"]) == pytest.approx(0.05)
    assert float(rows["300"]["force_difference_rms_eV_A"]) == pytest.approx(0.05)
    assert float(rows["300"]["force_difference_max_Ha_bohr"]) == pytest.approx(0.05 / (Hartree / Bohr))
    assert float(rows["500"]["energy_difference_meV_atom"]) == 0
    assert float(rows["300"]["core_s_relative"]) == pytest.approx(0.5)
    assert [rows[value]["within_tolerance"] for value in rows] == ["no", "yes", "yes", "yes"]
    assert [rows[value]["own"] for value in rows] == ["no", "no", "yes", "no"]


def test_the_cheapest_value_within_the_tolerance_is_named_with_the_error_of_the_own_one():
    found = summary(Study.model_validate(STUDY | {"tolerance": TOLERANCE.model_dump()}), "PBE", curves(SWEEP))
    cutoff = found["settings"]["cutoff_Ry"]
    assert (cutoff["cheapest_within_tolerance"], cutoff["finest"], cutoff["own"]) == ("350", "500", "400")
    assert found["error_estimate"]["energy_meV_atom"] == pytest.approx(0.5)
    assert found["error_estimate"]["force_max_eV_A"] == pytest.approx(0.005)
    assert found["error_estimate"]["E_ads_meV"] is None


def study_of(points: Sequence[SweepPoint]) -> dict[str, Any]:
    return summary(Study.model_validate(STUDY), "PBE", curves(points))


def test_the_error_of_a_value_that_is_the_finest_is_not_zero_but_unknown():
    alone = study_of([point(300, -31.99), point(400, -32.0)])
    assert alone["error_estimate"] == {"energy_meV_atom": None, "force_max_eV_A": None, "E_ads_meV": None}
    assert set(alone["settings"]["cutoff_Ry"]["own_difference"].values()) == {None}
    assert "the error of 400 is unknown" in alone["settings"]["cutoff_Ry"]["remark"]
    assert alone["error_estimate_covers"]["energy_meV_atom"] == []
    assert alone["error_estimate_lacks"]["energy_meV_atom"] == ["cutoff_Ry"]
    # a finer value that did not converge vouches for nothing either
    assert (
        study_of([point(300, -31.99), point(400, -32.0), point(500, None)])["error_estimate"] == alone["error_estimate"]
    )


def test_the_error_estimate_says_which_settings_it_covers():
    """The same sweep of the cutoff gives the same estimate, whatever is added of which nothing is known."""
    boxes = [
        point(8.0, -31.98, parameter="vacuum_A", own=False),
        point(12.0, -31.9990, 0.105, parameter="vacuum_A", own=True),
    ]
    found, cutoff = study_of([*SWEEP, *boxes]), study_of(SWEEP)
    assert found["error_estimate"] == cutoff["error_estimate"]
    assert cutoff["error_estimate_lacks"]["energy_meV_atom"] == []
    for name in ("energy_meV_atom", "force_max_eV_A"):
        assert found["error_estimate_covers"][name] == ["cutoff_Ry"]
        assert found["error_estimate_lacks"][name] == ["vacuum_A"]
    finer = study_of([*SWEEP, *boxes, point(16.0, -31.9994, 0.105, parameter="vacuum_A", own=False)])
    assert finer["error_estimate_lacks"]["energy_meV_atom"] == []
    both = cutoff["error_estimate"]["energy_meV_atom"] + 0.2  # 0.4 meV on two atoms
    assert finer["error_estimate"]["energy_meV_atom"] == pytest.approx(both)


def test_of_an_own_value_that_did_not_converge_nothing_is_estimated():
    found = study_of([point(300, -31.99), point(400, None), point(500, -32.0)])
    assert set(found["error_estimate"].values()) == {None}
    assert found["error_estimate_lacks"]["energy_meV_atom"] == ["cutoff_Ry"]


def test_the_finest_value_cannot_vouch_for_itself():
    (curve,) = curves([point(300, -31.0), point(400, -31.9), point(500, -32.0)])
    assert curve.cheapest(TOLERANCE) is None


def test_a_value_that_is_right_by_chance_below_one_that_is_wrong_is_not_chosen():
    (curve,) = curves([point(300, -32.0), point(400, -31.9), point(450, -32.0), point(500, -32.0)])
    assert curve.cheapest(TOLERANCE).value == 450


def test_what_did_not_converge_is_an_empty_row_that_says_why(tmp_path):
    reason = f"{ON_THE_EDGE}: enlarge it"
    spoilt = point(600, None, result=result(None, 7.0, reason))
    rows = table([*SWEEP, spoilt], tmp_path / "h2.csv")
    numbers = [name for name in CONVERGENCE.names if "energy" in name or "force" in name or "E_ads" in name]
    assert [rows["600"][name] for name in numbers] == [""] * len(numbers)
    assert rows["600"]["status"] == f"failed: {reason}"
    assert rows["600"]["density_on_edge"] == "yes"
    assert rows["600"]["within_tolerance"] == rows["600"]["core_s_relative"] == ""
    # and the finest of the others is taken
    assert float(rows["500"]["energy_difference_meV_atom"]) == 0
    assert rows["500"]["density_on_edge"] == "no"


def test_adsorption_energies_are_compared_in_place_of_total_energies(tmp_path):
    def with_parts(value: float, combined: float, slab: float | None, atom: float) -> SweepPoint:
        return point(value, combined, parts={"clean slab": result(slab), "atom": result(atom)})

    found = [with_parts(400, -103.3, -100.2, -1.0), with_parts(500, -104.0, -100.9, -1.005)]
    rows = table(found, tmp_path / "ads.csv")
    assert float(rows["400"]["E_ads_eV"]) == pytest.approx(-2.1)
    assert float(rows["400"]["E_ads_difference_meV"]) == pytest.approx(-5.0)
    assert rows["400"]["within_tolerance"] == "yes"  # the total energy is 350 meV/atom off
    lacking = table([*found, with_parts(600, -104.0, None, -1.0)], tmp_path / "lacking.csv")["600"]
    assert lacking["E_ads_eV"] == lacking["E_ads_difference_meV"] == lacking["within_tolerance"] == ""
    assert lacking["status"] == "clean slab failed: finished"


def test_k_points_and_accuracies_are_ordered_from_coarse_to_fine():
    grids = [(3, 3, 1), (1, 1, 1), (2, 4, 1)]
    (curve,) = curves([point(grid, -1.0, parameter="kpoints") for grid in grids])
    assert [each.value for each in curve.points] == [(1, 1, 1), (2, 4, 1), (3, 3, 1)]
    (curve,) = curves([point(value, -1.0, parameter="accuracy") for value in (0.1, 10.0, 1.0)])
    assert [each.value for each in curve.points] == [10.0, 1.0, 0.1]


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_forces_on_fixed_atoms_do_not_count(change):
    one, other = molecule(0.1), molecule(0.1)
    for atoms in (one, other):
        atoms.set_constraint(FixAtoms([0]))
    other.arrays[FORCES][0] += change
    assert force_difference(one, other) == (0, 0)
    other.arrays[FORCES][1] += change
    assert force_difference(one, other) == pytest.approx([np.linalg.norm(change)] * 2)


@pytest.mark.parametrize(("facet", "thin", "thick"), [("C100-2x1", 6, 8), ("C111-1x1-H", 8, 10)])
def test_slabs_of_different_thickness_are_compared_from_the_top(recipes, facet, thin, thick):
    """Forces that depend on the depth below the top alone are the same in both."""
    slabs = [build(facet, recipes, {"layers": layers}) for layers in (thin, thick)]
    for slab in slabs:
        depth = slab.positions[:, 2].max() - slab.positions[:, 2]
        slab.set_array(FORCES, np.array([depth, depth**2, np.sin(depth)]).T)
    assert force_difference(*slabs) == pytest.approx((0, 0), abs=1e-6)
    slabs[1].arrays[FORCES][:, 0] += 0.3
    assert force_difference(*slabs) == pytest.approx((0.3, 0.3))


def test_total_energies_of_slabs_of_different_thickness_are_not_compared(recipes):
    points = []
    for layers in (6, 8):
        slab = build("C100-2x1", recipes, {"layers": layers})
        slab.set_array(FORCES, np.zeros((len(slab), 3)))
        fields = {"parameter": "layers", "value": layers, "own": layers == 8, "geometry": slab}
        points.append(SweepPoint(result=result(-100.0 * layers), **fields))
    (curve,) = curves(points)
    assert curve.difference(points[0]).energy_meV_atom is None
    assert curve.difference(points[0]).force_max_eV_A == 0


def test_the_vacuum_is_measured_as_it_was_asked_for(recipes):
    assert vacuum_A(build("C100-2x1", recipes)) == pytest.approx(17.0)
    atoms = molecule()
    atoms.set_array("fragment", np.array(["nd", "nd"]))
    assert vacuum_A(atoms) == 15.0
    atoms.set_cell([9.75] * 3)
    assert vacuum_A(atoms) == pytest.approx(9.0)


@pytest.mark.parametrize(
    ("energy", "force", "E_ads", "good"),
    [
        (1.0, 0.01, None, True),  # exactly as much is within
        (-1.0, 0.01, None, True),
        (1.01, 0.0, None, False),
        (-1.01, 0.0, None, False),
        (0.0, 0.0101, None, False),
        (None, None, None, True),
        (None, 0.02, None, False),
        (99.0, 0.0, 10.0, True),  # the adsorption energy counts instead
        (0.0, 0.0, -10.1, False),
        (0.0, 0.02, 1.0, False),
    ],
)
def test_a_difference_is_within_the_tolerance_up_to_it_in_either_direction(energy, force, E_ads, good):
    assert Difference(energy, force, 0.0, E_ads).within(TOLERANCE) is good


def test_of_equally_good_values_the_cheapest_is_the_coarsest():
    (curve,) = curves([point(value, -32.0, core_s=10) for value in (300, 400, 500)])
    assert curve.cheapest(TOLERANCE).value == 300
    (curve,) = curves([point(300, -32.0, core_s=30), point(400, -32.0, core_s=10), point(500, -32.0, core_s=20)])
    assert curve.cheapest(TOLERANCE).value == 400


def test_an_unconverged_value_between_good_ones_is_passed_over():
    (curve,) = curves([point(300, -32.0), point(400, None), point(500, -32.0)])
    assert curve.cheapest(TOLERANCE).value == 300


def test_forces_on_an_atom_that_is_fixed_in_either_do_not_count_and_without_any_there_is_no_difference():
    one, other = molecule(0.1), molecule(0.4)
    one.set_constraint(FixAtoms([0]))
    assert force_difference(one, other) == pytest.approx((0.3, 0.3))
    other.set_constraint(FixAtoms([1]))
    assert force_difference(one, other) is None
    del other.arrays[FORCES]
    assert force_difference(one, other) is None
    assert force_difference(other, one) is None


def test_the_root_mean_square_is_that_of_lengths():
    one, other = molecule(), molecule()
    other.arrays[FORCES] = np.array([[0.3, 0.0, 0.4], [0.0, 0.0, 0.1]])
    assert force_difference(one, other) == pytest.approx((0.5, np.sqrt((0.25 + 0.01) / 2)))


@pytest.mark.parametrize(("shift_A", "same"), [(0.04, True), (0.06, False)])
def test_atoms_of_slabs_are_at_one_place_within_a_twentieth_of_an_angstrom(shift_A, same):
    """Three layers against two, laid on each other at their tops, across the edge of the cell too."""
    cell = [3, 3, 30]
    thick = Atoms("C3", [[0.01, 0, 9], [1.5, 0, 8], [0, 1.5, 7]], cell=cell, pbc=True)
    thin = Atoms("C2", [[2.99 - shift_A + 0.02, 0, 5], [1.5, 0, 4]], cell=cell, pbc=True)
    for atoms in (thick, thin):
        atoms.set_array(FORCES, np.zeros((len(atoms), 3)))
    thin.arrays[FORCES][0, 1] = 0.7
    found = force_difference(thick, thin)
    assert found == pytest.approx((0.7, 0.7 / np.sqrt(2)) if same else (0, 0))
    thin.symbols[1] = "Si"
    assert force_difference(thick, thin) == (pytest.approx((0.7, 0.7)) if same else None)


def test_the_density_is_on_the_edge_if_any_part_says_so_in_any_attempt():
    edge = result(-1.0, reason=f"{ON_THE_EDGE}: enlarge it")
    twice = edge.model_copy(update={"attempts": [*edge.attempts, AttemptEntry(reason="finished")]})
    fine = {"clean slab": result(-1.0), "atom": result(-1.0)}
    assert not point(400, -3.0, parts=fine).on_the_edge
    assert point(400, -3.0, parts=fine | {"atom": edge}).on_the_edge
    assert point(400, -3.0, result=twice).on_the_edge


def test_the_vacuum_above_a_slab_does_not_count_the_ion():
    atoms = Atoms("C2Li", [[0, 0, 1], [0, 0, 4], [0, 0, 6]], cell=[3, 3, 20], pbc=True)
    atoms.set_array("fragment", np.array(["slab", "slab", "adsorbate"]))
    assert vacuum_A(atoms) == pytest.approx(17)
    atoms.set_array("fragment", np.array(["nd", "nd", "ion"]))
    atoms.set_cell([8, 30, 9])
    assert vacuum_A(atoms) == pytest.approx(25)


def without_energy(of: SweepPoint, part: str = "") -> SweepPoint:
    """Return a converged point whose energy, or that of a part, nobody has read."""
    if not part:
        return replace(of, result=of.result.model_copy(update={"energy_eV": None}))
    return replace(of, parts={**of.parts, part: of.parts[part].model_copy(update={"energy_eV": None})})


@pytest.mark.parametrize("lacks", ["point", "finest", "both"])
def test_of_a_point_without_energy_forces_alone_are_compared(lacks):
    coarse, fine = (
        without_energy(each) if lacks in {name, "both"} else each
        for each, name in ((point(400, -31.0, 0.3), "point"), (point(500, -32.0, 0.1), "finest"))
    )
    (curve,) = curves([coarse, fine])
    assert curve.difference(coarse) == (None, pytest.approx(0.2), pytest.approx(0.2), None)
    assert coarse.E_ads_eV is None


def test_adsorption_energies_are_compared_in_meV_and_only_where_there_are_two():
    def with_parts(value: float, combined_eV: float, slab_eV: float = -100.0, atom_eV: float = -1.0) -> SweepPoint:
        return point(value, combined_eV, parts={"clean slab": result(slab_eV), "atom": result(atom_eV)})

    coarse, fine = with_parts(400, -103.25), with_parts(500, -103.0)
    (curve,) = curves([coarse, fine])
    assert (coarse.E_ads_eV, fine.E_ads_eV) == (-2.25, -2.0)
    assert curve.difference(coarse).E_ads_meV == -250.0
    assert curve.difference(coarse).energy_meV_atom == -125.0
    for part in ("atom", "clean slab", ""):
        lacking = without_energy(coarse, part)
        assert lacking.E_ads_eV is None
        assert curve.difference(lacking).E_ads_meV is None
        assert curves([coarse, without_energy(fine, part)])[0].difference(coarse).E_ads_meV is None
    (curve,) = curves([coarse, point(500, -103.0)])
    assert curve.difference(coarse).E_ads_meV is None


def test_energies_per_ion_where_there_are_several():
    pair = point(400, -106.0, parts={"clean slab": result(-100.0), "atom": result(-1.0)})
    pair.geometry.arrays["fragment"][:] = "adsorbate"
    assert pair.E_ads_eV == -2.0


def test_what_of_parts_failed_is_said_with_their_names():
    parts = {"clean slab": result(None, reason="killed"), "atom": result(-1.0)}
    assert point(400, -3.0, parts=parts).status == "clean slab failed: killed"
    assert point(400, None, parts=parts).status == "failed: finished; clean slab failed: killed"
    assert point(400, -3.0, parts={"atom": result(-1.0)}).status == "converged"


def test_the_own_value_beyond_the_finest_that_converged_has_no_error():
    (curve,) = curves([point(300, -31.0), point(400, -32.0), point(350, -31.5)])
    assert curve.own_error == Difference()
    (curve,) = curves([point(300, None), point(400, None)])
    assert (curve.finest, curve.own_error, curve.cheapest(TOLERANCE)) == (None, Difference(), None)
    (curve,) = curves([point(400, -32.0), point(401, -32.002)])
    assert curve.own_error.energy_meV_atom == pytest.approx(1.0)


def test_settings_come_in_the_order_in_which_they_were_asked_for():
    points = [point(8.0, -1.0, parameter="vacuum_A"), point(300, -1.0), point(6.0, -1.0, parameter="vacuum_A")]
    ordered = [points[0], points[2], points[1]]
    assert [[each.value for each in curve.points] for curve in curves(ordered)] == [[6.0, 8.0], [300]]
    assert [curve.parameter for curve in curves(ordered)] == ["vacuum_A", "cutoff_Ry"]


@pytest.mark.parametrize("shift", [(0.3, 0, 0), (0, 0.3, 0)])
def test_slabs_that_lie_aside_of_each_other_have_no_atom_at_one_place(shift):
    """Along z tops are laid on each other; along x and y nothing is moved."""
    thick = Atoms("C2", [[0, 0, 9], [1.5, 0, 8]], cell=[3, 3, 30], pbc=True)
    thin = Atoms("C", [np.add([0, 0, 5], shift)], cell=[3, 3, 30], pbc=True)
    for atoms in (thick, thin):
        atoms.set_array(FORCES, np.ones((len(atoms), 3)))
    assert force_difference(thick, thin) is None
    thin.positions -= shift
    assert force_difference(thick, thin) == (0, 0)


def test_forces_of_what_did_not_converge_are_not_compared():
    spoilt = replace(point(400, None), geometry=molecule(0.3))
    (curve,) = curves([spoilt, point(500, -32.0, 0.1)])
    assert curve.difference(spoilt) == Difference()
    (curve,) = curves([point(400, -32.0), spoilt])
    assert curve.finest.value == 400
