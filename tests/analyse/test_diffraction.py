"""Reflections against Bragg's law and the positions known of graphite and its compounds."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from iondrill.analyse.diffraction import (
    bragg_spacing,
    graphene_stack,
    known_stacks,
    reflections,
    stacks_of_runs,
    write_reflections,
)
from iondrill.report.diffraction import draw_diffraction


@pytest.fixture(scope="module")
def rows():
    return list(reflections(known_stacks()))


def test_every_reflection_obeys_braggs_law(rows):
    for row in rows:
        repeat_A = row.gap_A * (2 if row.phase in {"graphite", "LiC12"} else 1)
        assert row.d_A == pytest.approx(repeat_A / int(row.hkl[2:]), abs=1e-4)
        assert 2 * row.d_A * np.sin(np.radians(row.two_theta_deg / 2)) == pytest.approx(1.54059, abs=1e-5)


@pytest.mark.parametrize(
    ("phase", "hkl", "two_theta_deg"),
    [("graphite", "002", 26.55), ("LiC12", "002", 25.35), ("LiC6", "001", 23.99)],
)
def test_the_strongest_is_where_it_is_known_to_be(rows, phase, hkl, two_theta_deg):
    best = max((row for row in rows if row.phase == phase), key=lambda row: row.intensity)
    assert best.hkl == hkl
    assert best.two_theta_deg == pytest.approx(two_theta_deg, abs=0.01)


def test_compounds_have_their_composition():
    formulas = {stack.phase: stack.structure.composition.reduced_formula for stack in known_stacks()}
    assert (formulas["LiC6"], formulas["LiC12"], formulas["graphite"]) == ("LiC6", "LiC12", "C")


def test_the_papers_angles_are_spacings_between_graphite_and_lic6(rows):
    assert bragg_spacing(26.0) == pytest.approx(3.42, abs=0.005)
    assert bragg_spacing(24.7) == pytest.approx(3.60, abs=0.005)
    assert 2 * bragg_spacing(24.7) * np.sin(np.radians(24.7 / 2)) == pytest.approx(1.54059)
    # neither is graphite, LiC12 or LiC6: each of these is off by more than half a degree
    firsts = [row for row in rows if row.intensity > 99 and not row.phase.startswith("graphene")]
    assert len(firsts) == 3
    assert all(abs(row.off_by_deg) > 0.5 for row in firsts)
    assert all((row.off_by_deg is None) == (row.two_theta_deg < 21.7 or row.two_theta_deg > 29) for row in rows)


def test_layers_of_runs(tmp_path, rows):
    header = "case,run,quantity,start,late,change,error,low,high,n_runs,method,level\n"
    (tmp_path / "contrasts.csv").write_text(
        header + "a,a-s1,gap_edge_A,3,9,6,,,,1,blocks,gfn2\na,,gap_edge_A,3,4.0,1,,,,1,t,gfn2\n"
    )
    (stack,) = stacks_of_runs(tmp_path / "contrasts.csv")
    assert (stack.phase, stack.gap_A) == ("a, edge", 4.0)
    found = list(reflections([stack]))
    assert found[0].two_theta_deg == pytest.approx(22.2, abs=0.01)
    write_reflections(found, tmp_path / "diffraction.csv")
    with (tmp_path / "diffraction.csv").open() as file:
        (first, *_) = csv.DictReader(file)
    assert first["hkl"] == "001"
    assert float(first["off_by_deg"]) == pytest.approx(22.2 - 24.7, abs=0.01)
    figure = draw_diffraction([*rows, *found])
    for word in ("graphite (002)", "LiC6 (001)", "a, edge (001)", "24.7°"):
        assert word in figure
    assert graphene_stack(4.0).lattice.c == 4.0
