"""What a study says in words and sums: errors never cancel, and the units of forces are converted."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from scipy.constants import physical_constants

from iondrill.analyse.energies.convergence import SweepPoint, curves
from iondrill.analyse.energies.convergence_table import CONVERGENCE, ConvergenceRow, shown, summary
from iondrill.config.convergence import Tolerance
from iondrill.engines.base import FORCES, AttemptEntry, Result

TOLERANCE = Tolerance(energy_meV_atom=1.0, force_eV_A=0.02, E_ads_meV=10.0)
NO_MODEL = SimpleNamespace(structure="atom.Li", level="dft", tolerance=TOLERANCE)


def point(parameter, value, energy_eV, *, own=False, force_eV_A=0.0, status="converged", **more):
    atoms = Atoms("Li2", [[0, 0, 0], [0, 0, 2.7]])
    atoms.set_array(FORCES, np.array([[0, 0, force_eV_A], [0, 0, 0.0]]))
    attempts = [AttemptEntry(reason="first"), AttemptEntry(reason=more.pop("reason", "the  last"))]
    known = {"level": "dft", "engine": "cp2k", "engine_version": "0", "input_hash": "0", "attempts": attempts}
    result = Result(status=status, energy_eV=energy_eV if status == "converged" else None, **known, **more)
    return SweepPoint(parameter=parameter, value=value, own=own, result=result, geometry=atoms)


def said(*points):
    return summary(NO_MODEL, "DFT", curves(points))


def test_errors_of_two_settings_never_cancel():
    """One setting has the energy too high by 6 meV, the other too low by as much: the estimate is 6 meV an atom."""
    found = said(
        *(point("cutoff_Ry", *each) for each in ((600, -1.0),)),
        point("cutoff_Ry", 300, -1.0 + 0.006, own=True),
        point("eps_scf", 9.0, -2.0),
        point("eps_scf", 1.0, -2.0 - 0.006, own=True),
    )
    assert found["error_estimate"]["energy_meV_atom"] == pytest.approx(6.0)
    assert found["settings"]["cutoff_Ry"]["own_difference"]["energy_meV_atom"] == pytest.approx(3.0)
    assert found["settings"]["eps_scf"]["own_difference"]["energy_meV_atom"] == pytest.approx(-3.0)
    assert found["error_estimate_covers"]["energy_meV_atom"] == ["cutoff_Ry", "eps_scf"]
    assert found["error_estimate_lacks"]["energy_meV_atom"] == []


def test_a_setting_whose_finest_value_is_the_own_one_has_no_error():
    found = said(
        point("cutoff_Ry", 300, -1.0),
        point("cutoff_Ry", 600, -1.1, own=True),
        point("eps_scf", 1.0, -2.0, own=True),
        point("eps_scf", 9.0, -2.5, status="failed"),
    )
    assert found["error_estimate"]["energy_meV_atom"] is None
    assert found["error_estimate_lacks"]["energy_meV_atom"] == ["cutoff_Ry", "eps_scf"]
    for name, own in (("cutoff_Ry", "600"), ("eps_scf", "1")):
        remark = found["settings"][name]["remark"]
        assert remark.endswith(f"; the error of {own} is unknown, no finer value converged")


def test_the_remark_names_the_cheapest_value_and_its_share_of_the_cost():
    found = said(
        point("cutoff_Ry", 300, -1.1, own=True, core_s=10),
        point("cutoff_Ry", 400, -1.0, core_s=20),
        point("cutoff_Ry", 600, -1.0, core_s=80),
    )["settings"]["cutoff_Ry"]
    assert (found["cheapest_within_tolerance"], found["finest"], found["own"]) == ("400", "600", "300")
    assert found["remark"] == "400 is within the tolerance, at 0.25 of the cost of 600"


def test_a_cost_that_was_not_measured_is_no_division_by_zero():
    found = said(point("cutoff_Ry", 400, -1.0, own=True), point("cutoff_Ry", 600, -1.0))
    assert found["settings"]["cutoff_Ry"]["remark"] == "400 is within the tolerance, at 1 of the cost of 600"


def test_a_sweep_that_is_too_coarse_asks_for_finer_values():
    found = said(point("cutoff_Ry", 300, -1.1, own=True), point("cutoff_Ry", 600, -1.0))["settings"]["cutoff_Ry"]
    assert found["remark"] == "not within the tolerance below 600: add finer values"
    assert found["cheapest_within_tolerance"] is None


def test_a_sweep_of_which_nothing_converged_says_so():
    found = said(point("cutoff_Ry", 300, 0, own=True, status="failed"))["settings"]["cutoff_Ry"]
    assert (found["remark"], found["finest"]) == ("no value converged", None)


def test_forces_are_told_in_atomic_units_too():
    points = [point("cutoff_Ry", 300, -1.0, force_eV_A=0.3, own=True), point("cutoff_Ry", 600, -1.0)]
    (curve,) = curves(points)
    found = CONVERGENCE.cells(ConvergenceRow(points[0], curve, TOLERANCE))
    in_eV_A = physical_constants["Hartree energy in eV"][0] / (physical_constants["Bohr radius"][0] * 1e10)
    assert found["force_difference_max_eV_A"] == pytest.approx(0.3)
    assert found["force_difference_max_Ha_bohr"] == pytest.approx(0.3 / in_eV_A, rel=1e-6)
    assert found["force_difference_rms_Ha_bohr"] == pytest.approx(0.3 / np.sqrt(2) / in_eV_A, rel=1e-6)
    assert (found["own"], found["within_tolerance"], found["density_on_edge"]) == ("yes", "no", "no")


def test_costs_are_relative_to_the_finest():
    points = [point("c", 300, -1.0, own=True, core_s=20), point("c", 600, -1.0, core_s=80)]
    (curve,) = curves(points)
    rows = [CONVERGENCE.cells(ConvergenceRow(each, curve, TOLERANCE)) for each in points]
    assert [row["core_s_relative"] for row in rows] == [0.25, 1.0]
    assert [row["own"] for row in rows] == ["yes", "no"]
    assert [row["within_tolerance"] for row in rows] == ["yes", "yes"]


def test_what_did_not_converge_has_a_row_without_numbers():
    bad, good = point("c", 300, 0, status="failed", core_s=9, own=True), point("c", 600, -1.0, core_s=80)
    (curve,) = curves([bad, good])
    found = CONVERGENCE.cells(ConvergenceRow(bad, curve, TOLERANCE))
    empty = ("energy_eV", "energy_difference_meV_atom", "force_difference_max_Ha_bohr", "force_difference_rms_Ha_bohr")
    assert {found[key] for key in (*empty, "within_tolerance", "core_s_relative", "E_ads_eV")} == {None}
    assert (found["core_s"], found["status"]) == (9, "failed: the last")


def test_values_are_shown_as_one_writes_them():
    assert [shown(value) for value in (400.0, (3, 3, 1), [2, 4, 1], 1e-7)] == ["400", "3x3x1", "2x4x1", "1e-07"]


def test_what_converged_has_its_energy_in_its_row():
    points = [point("c", 300, -1.25, own=True), point("c", 600, -1.5)]
    (curve,) = curves(points)
    rows = [CONVERGENCE.cells(ConvergenceRow(each, curve, TOLERANCE)) for each in points]
    assert [row["energy_eV"] for row in rows] == [-1.25, -1.5]
    # of two atoms
    assert [row["energy_difference_meV_atom"] for row in rows] == pytest.approx([125, 0])
