"""Differences between levels: signs, partners, and nothing where a part is missing."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms

from iondrill.analyse.adsorption import Adsorption
from iondrill.analyse.levels import COLUMNS, compare, write_differences
from iondrill.config.levels import XtbLevel
from iondrill.engines.base import Attempt, Result
from iondrill.prepare.estimates import Estimate

LEVEL = XtbLevel(engine="xtb")


def result(level, energy_eV, status="converged"):
    attempts = [] if status == "converged" else [Attempt(reason="out of steps")]
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
    estimate = Estimate(0.012, "error estimate covers cutoff_Ry")
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
    assert tuple(table[0]) == COLUMNS
    found = {(each["level"], each["site"]): float(each["dE_ads_eV"]) for each in table}
    assert found == pytest.approx({("a", "top"): -1.5, ("a", "cave"): -1.5, ("b", "top"): -0.5, ("b", "cave"): -0.5})
    write_differences(rows[:2], ["a"], tmp_path / "one.csv")
    assert (tmp_path / "one.csv").read_text().splitlines() == [",".join(COLUMNS)]
