"""The figure of a convergence study: valid, with its level, tolerance and verdict, also where nothing converged."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from ase import Atoms

from iondrill.analyse.energies.convergence import SweepPoint, curves
from iondrill.config.convergence import Tolerance
from iondrill.engines.base import FORCES, AttemptEntry, Result
from iondrill.report.figures.convergence import draw_convergence

TOLERANCE = Tolerance(energy_meV_atom=2.5, force_eV_A=0.04)


def point(value, energy_eV, force_eV_A, parameter="cutoff_Ry"):
    atoms = Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.75]])
    atoms.set_array("fragment", np.array(["nd", "nd"]))
    status = "failed" if energy_eV is None else "converged"
    if status == "converged":
        atoms.set_array(FORCES, np.array([[0, 0, force_eV_A], [0, 0, -force_eV_A]]))
    result = Result(
        status=status,
        level="dft",
        engine="cp2k",
        engine_version="CP2K version 2023.1",
        energy_eV=energy_eV,
        core_s=value if isinstance(value, (int, float)) else 1.0,
        attempts=[AttemptEntry(reason="finished")],
        input_hash="0" * 16,
    )
    return SweepPoint(parameter=parameter, value=value, own=value == 400, result=result, geometry=atoms)


def words(svg):
    tree = ET.fromstring(svg)  # noqa: S314  (our own)
    return {" ".join(node.itertext()) for node in tree.iter("{http://www.w3.org/2000/svg}text")}


def test_the_figure_names_level_values_tolerance_and_what_will_do():
    found = curves([point(300, -31.90, 0.3), point(400, -31.999, 0.11), point(500, -32.0, 0.1)])
    svg = draw_convergence(found, TOLERANCE, "h2: h2, PBE")
    assert words(svg) >= {
        *("h2: h2, PBE", "cutoff (Ry): 400 will do", "300", "[400]", "500"),
        *("tolerance 2.5", "tolerance 0.04", "cutoff (Ry)", "cost (core s)", "error of the energy (meV/atom)"),
    }
    assert svg == draw_convergence(found, TOLERANCE, "h2: h2, PBE")


def test_what_did_not_converge_is_marked_and_a_sweep_without_an_end_says_so():
    found = curves([point(300, None, 0), point(400, -31.9, 0.2), point(500, -32.0, 0.1)])
    assert words(draw_convergence(found, TOLERANCE, "t")) >= {"300 ✗", "cutoff (Ry): needs finer values"}


@pytest.mark.parametrize("energies", [[None, None], [None, -32.0]])
def test_studies_with_nothing_to_compare_are_drawn(energies):
    found = curves([point(value, energy, 0.1) for value, energy in zip((400, 500), energies, strict=True)])
    assert "nothing to compare" in words(draw_convergence(found, TOLERANCE, "t"))


def test_each_setting_has_a_row():
    grids = [point((n, n, 1), -32.0 - n / 1000, 0.1, parameter="kpoints") for n in (2, 3)]
    found = curves([point(400, -31.9, 0.2), point(500, -32.0, 0.1), *grids])
    assert words(draw_convergence(found, TOLERANCE, "t")) >= {"cutoff (Ry)", "kpoints", "2x2x1", "3x3x1"}
