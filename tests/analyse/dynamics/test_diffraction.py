"""Reflections against Bragg's law and the positions known of graphite and its compounds."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from iondrill.analyse.dynamics.diffraction import (
    DIFFRACTION,
    Stack,
    bragg_spacing,
    graphene_stack,
    known_stacks,
    reflections,
    stacks_of_runs,
)
from iondrill.report.figures.diffraction import draw_diffraction


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
    DIFFRACTION.write(found, tmp_path / "diffraction.csv")
    with (tmp_path / "diffraction.csv").open() as file:
        (first, *_) = csv.DictReader(file)
    assert first["hkl"] == "001"
    assert float(first["off_by_deg"]) == pytest.approx(22.2 - 24.7, abs=0.01)
    figure = draw_diffraction([*rows, *found])
    for word in ("graphite (002)", "LiC6 (001)", "a, edge (001)", "24.7°"):
        assert word in figure
    assert graphene_stack(4.0).lattice.c == 4.0


def test_layers_have_the_bonds_of_graphite():
    """Each C has three neighbours, 1.42 Å away, a little more where lithium gives electrons (Dahn 1991)."""
    for stack in known_stacks():
        carbon = stack.structure.copy()
        carbon.remove_species(["Li"])
        distances = carbon.distance_matrix + 9 * np.eye(len(carbon))
        for site in carbon:
            near = sorted(other.nn_distance for other in carbon.get_neighbors(site, 1.6))
            assert len(near) == 3
            assert near == pytest.approx([1.4275] * 3, abs=0.009)
        assert distances.min() > 1.3 or len(carbon) == 2


def test_layers_are_as_far_apart_as_they_say():
    for stack in known_stacks():
        carbon = stack.structure.copy()
        carbon.remove_species(["Li"])
        heights = np.unique(np.round([site.frac_coords[2] % 1 for site in carbon], 6))
        repeat = stack.structure.lattice.c
        gaps = np.diff(np.append(heights, heights[0] + 1)) * repeat
        assert gaps == pytest.approx(stack.gap_A, abs=1e-6)
        # lithium is half-way between layers, over hexagons: six C of each layer are nearest
        for site in stack.structure:
            if site.specie.symbol == "Li":
                near = stack.structure.get_neighbors(site, 2.6)
                assert len([each for each in near if each.specie.symbol == "C"]) == 12


def test_graphite_is_stacked_ab():
    """Within 3.4 Å each C has twelve of its own layer; every other one has others straight above and below."""
    (graphite,) = [stack.structure for stack in known_stacks() if stack.phase == "graphite"]
    above = [len(graphite.get_neighbors(site, 3.4)) - 12 for site in graphite]
    assert sorted(above) == [0, 0, 2, 2]


def test_reflections_are_those_from_10_to_60_degrees(rows):
    """Graphite's (002) and (004); of LiC6 (001) and (002); of LiC12 (001) to (004): Bragg's law of c alone."""
    found = {phase: [row.hkl for row in rows if row.phase == phase] for phase in ("graphite", "LiC6", "LiC12")}
    assert found == {"graphite": ["002", "004"], "LiC6": ["001", "002"], "LiC12": ["001", "002", "003", "004"]}


def test_only_a_reflection_within_three_degrees_of_the_papers_is_compared(tmp_path):
    for angle, nearest in (
        (24.7 - 2.9, 24.7),
        (24.7 - 3.1, None),
        (26.0 + 2.9, 26.0),
        (26.0 + 3.1, None),
        (25.3, 24.7),
    ):
        gap_A = bragg_spacing(angle)
        first = next(reflections([Stack("x", "", gap_A, graphene_stack(gap_A))]))
        assert first.nearest_paper_deg == nearest
        assert first.off_by_deg == (None if nearest is None else pytest.approx(angle - nearest, abs=1e-4))
        assert first.intensity == pytest.approx(100)


@pytest.mark.parametrize(("angle", "there"), [(9.5, False), (10.5, True), (59.5, True), (60.5, False)])
def test_a_first_order_is_seen_from_10_to_60_degrees(angle, there):
    gap_A = bragg_spacing(angle)
    found = [row for row in reflections([Stack("x", "", gap_A, graphene_stack(gap_A))]) if row.hkl == "001"]
    assert len(found) == there
    assert all(row.two_theta_deg == pytest.approx(angle, abs=1e-4) for row in found)


def test_every_case_has_a_stack_for_its_edge_and_one_for_its_centre(tmp_path):
    header = "case,run,quantity,start,late,change,error,low,high,n_runs,method,level\n"
    rows = [
        f"{case},{run},{quantity},3,{late},1,,,,1,t,{level}\n"
        for case, level, late in (("a", "gfn2", 3.5), ("b", "pbe", 4.5))
        for run, quantity, late in (
            (f"{case}-s1", "gap_edge_A", 9),
            ("", "gap_edge_A", late),
            ("", "gap_centre_A", late + 0.25),
            ("", "penetration_A", 7),
        )
    ]
    (tmp_path / "contrasts.csv").write_text(header + "".join(rows))
    found = [(stack.phase, stack.gap_A) for stack in stacks_of_runs(tmp_path / "contrasts.csv")]
    assert found == [("a, edge", 3.5), ("b, edge", 4.5), ("a, centre", 3.75), ("b, centre", 4.75)]
    sources = [stack.source for stack in stacks_of_runs(tmp_path / "contrasts.csv")]
    assert sources == [f"mean gap late in the runs, {level}" for level in ("gfn2", "pbe") * 2]


def test_the_stacks_are_three_compounds_and_graphene_as_far_apart_as_each_reflection_of_the_paper_says():
    gaps = {stack.phase: stack.gap_A for stack in known_stacks()}
    assert list(gaps) == ["graphite", "LiC12", "LiC6", "graphene layers, 3.42 Å", "graphene layers, 3.60 Å"]
    assert [gaps[name] for name in list(gaps)[3:]] == [bragg_spacing(26.0), bragg_spacing(24.7)]
