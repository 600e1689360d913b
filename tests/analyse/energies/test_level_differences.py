"""Differences between levels: signs, partners, and nothing where a part is missing."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms

from iondrill.analyse.energies.adsorption import Adsorption
from iondrill.analyse.energies.level_differences import DIFFERENCES, compare, write_differences
from iondrill.config.levels import XtbLevel
from iondrill.engines.base import AttemptEntry, Result
from iondrill.prepare.estimates import ErrorEstimate

LEVEL = XtbLevel(engine="xtb")


def result(level, energy_eV, status="converged"):
    attempts = [] if status == "converged" else [AttemptEntry(reason="out of steps")]
    fields = {"level": level, "engine": "xtb", "engine_version": "0", "input_hash": "0", "attempts": attempts}
    return Result(status=status, energy_eV=energy_eV if status == "converged" else None, **fields)


def row(level, E_ads_eV=-1.0, ion_A=(0.0, 0.0, 12.0), status="converged", site="top"):
    atoms = Atoms("C2Li", [[0, 0, 10], [1.25, 0, 9], ion_A], tags=[1, 2, 0], cell=[2.5, 2.5, 30], pbc=True)
    atoms.set_array("fragment", np.array(["slab", "slab", "adsorbate"]))
    atoms.set_constraint(FixAtoms([1]))
    return Adsorption(
        facet="f",
        termination="clean",
        adsorbate="Li",
        site=site,
        level=LEVEL,
        combined=result(level, -108 + E_ads_eV, status),
        substrate=result(level, -100),
        atom=result(level, -8),
        geometry=atoms,
        sites={site: np.array([[0, 0, 10.0]])},
    )


def test_the_difference_is_the_first_minus_the_second():
    found = compare(row("a", -3.0, (0, 0, 12.5)), row("b", -1.0, (0, 0, 12)))
    assert (found["level"], found["against"], found["status"]) == ("a", "b", "converged")
    assert found["dE_ads_eV"] == pytest.approx(-2)
    assert found["dheight_A"] == pytest.approx(0.5)
    assert found["ion_shift_A"] == pytest.approx(0.5)
    assert found["slab_rms_A"] == 0
    back = compare(row("b", -1.0, (0, 0, 12)), row("a", -3.0, (0, 0, 12.5)))
    assert [back[key] for key in ("dE_ads_eV", "dheight_A")] == [-found[key] for key in ("dE_ads_eV", "dheight_A")]


def test_the_error_of_the_settings_is_no_fault_of_a_level():
    estimate = ErrorEstimate(0.012, "error estimate covers cutoff_Ry")
    assert compare(replace(row("a"), error=estimate), row("b"))["status"] == "converged"


def test_an_ion_beyond_the_edge_of_the_cell_has_not_moved():
    assert compare(row("a", ion_A=(2.4, 0, 12)), row("b", ion_A=(-0.1, 0, 12)))["ion_shift_A"] == pytest.approx(0)


@pytest.mark.parametrize("states", [("not_converged", "converged"), ("converged", "failed")])
def test_what_did_not_converge_is_not_compared(states):
    found = compare(*(row(level, status=state) for level, state in zip("ab", states, strict=True)))
    assert {found[key] for key in ("dE_ads_eV", "dheight_A", "ion_shift_A", "slab_rms_A")} == {None}
    assert "out of steps" in found["status"]


def test_all_levels_are_compared_with_the_last(tmp_path):
    rows = [
        row(level, E, site=site) for level, E in zip("abc", (-3, -2, -1.5), strict=True) for site in ("top", "cave")
    ]
    write_differences(rows, list("abc"), tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    assert tuple(table[0]) == DIFFERENCES.names
    found = {(each["level"], each["site"]): float(each["dE_ads_eV"]) for each in table}
    assert found == pytest.approx({("a", "top"): -1.5, ("a", "cave"): -1.5, ("b", "top"): -0.5, ("b", "cave"): -0.5})
    write_differences(rows[:2], ["a"], tmp_path / "one.csv")
    assert (tmp_path / "one.csv").read_text().splitlines() == [",".join(DIFFERENCES.names)]


def test_only_the_free_atoms_of_the_slab_count_in_its_root_mean_square():
    rows = [row("a"), row("b")]
    # the first C is free, the second is fixed; the ion's own path is its shift
    rows[0].geometry.positions += [[0, 0, 0.3], [0.5, 0, 0], [0, 0, 0.9]]
    found = compare(*rows)
    assert found["slab_rms_A"] == pytest.approx(0.3)
    assert found["ion_shift_A"] == pytest.approx(0.9)
    for each in rows:
        each.geometry.set_constraint()
    assert compare(*rows)["slab_rms_A"] == pytest.approx(np.sqrt((0.3**2 + 0.5**2) / 2))
    for each in rows:
        each.geometry.set_constraint(FixAtoms([0, 1]))
    assert compare(*rows)["slab_rms_A"] == 0


def test_of_several_ions_the_one_that_moved_farthest_counts():
    rows = []
    for level, shift in (("a", (0.2, -0.6)), ("b", (0, 0))):
        atoms = row(level).geometry + Atoms("Li", [[1.0, 1.0, 12]])
        atoms.arrays["fragment"][-1] = "adsorbate"
        atoms.positions[-2:, 2] += shift
        rows.append(replace(row(level), geometry=atoms))
    assert compare(*rows)["ion_shift_A"] == pytest.approx(0.6)


def test_a_remark_of_either_level_is_told_with_its_name():
    moved = replace(row("a"), sites={"cave": np.array([[0, 0, 10.0]]), "top": np.array([[9, 9, 10.0]])})
    assert compare(moved, row("b"))["status"] == "a: converged; moved to cave"
    assert compare(row("b"), moved)["status"] == "a: converged; moved to cave"


def test_a_site_that_the_last_level_lacks_is_left_out(tmp_path):
    rows = [row("a", site="top"), row("a", site="cave"), row("b", site="cave")]
    write_differences(rows, ["a", "b"], tmp_path / "table.csv")
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert len(lines) == 2
    assert ",cave," in lines[1]


def test_differences_are_shown_to_a_meV_and_where_ions_are_to_a_hundredth_of_an_angstrom():
    digits = {each.name: each.digits for each in DIFFERENCES.columns if each.numeric}
    assert digits == {"n": 0, "dE_ads_eV": 3, "dheight_A": 2, "ion_shift_A": 2, "slab_rms_A": 3}
