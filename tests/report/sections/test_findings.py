"""Sentences follow from numbers, one by one: in which direction, from when, how many, at which level."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from iondrill.analyse.dynamics.rest import Rest
from iondrill.analyse.energies.adsorption_table import AdsorptionTable
from iondrill.report.sections.findings import findings, signed

NOWHERE = Path("none.csv")


def table(**columns):
    rows = [dict(zip(columns, map(str, cells), strict=True)) for cells in zip(*columns.values(), strict=True)]
    return AdsorptionTable(NOWHERE, tuple(columns), rows)


def nothing():
    return AdsorptionTable(NOWHERE, ("scheme", "fragment", "charge_e"), [])


def sentences(*, structures=(), runs=(), adsorption=None, levels=None):
    config = SimpleNamespace(levels=levels or {})
    results = SimpleNamespace(
        structures=list(structures), finished_runs=list(runs), adsorption=adsorption, config=config
    )
    return [(finding.text, finding.level) for finding in findings(results)]


def run(
    edge_A, *, centre_A=None, depth_A=(), bonds=(), out=(), charges=None, rests=None, temperature_K=300.0, checked=None
):
    n = len(edge_A)
    order = table(
        time_fs=10.0 * np.arange(n),
        temperature_K=[temperature_K] * n,
        gap_edge_A=edge_A,
        gap_centre_A=[3.5] * n if centre_A is None else centre_A,
        penetration_A=depth_A or [""] * n,
        nd_flake_bonds=bonds or [""] * n,
        ions_expelled=out or [""] * n,
    )
    return SimpleNamespace(
        name="drill",
        level="gfn2",
        order=order,
        charges=charges or nothing(),
        rest=(rests or {}).get,
        settings=SimpleNamespace(temperature_K=300.0),
        verification=checked,
    )


def said_of(*arguments, **keys):
    ((text, level),) = sentences(runs=[run(*arguments, **keys)])
    assert level == "gfn2"
    return text


def ads(*rows, levels=None, n="1"):
    """Return rows (ion, site, E_ads, E_against_metal, status) of one facet."""
    ions, sites, energies, metal, states = zip(*rows, strict=True)
    known = dict.fromkeys(("facet",), ["F"] * len(rows)) | {"adsorbate": ions, "site": sites, "n": [n] * len(rows)}
    level = levels or ["gfn2"] * len(rows)
    return table(
        **known,
        E_ads_eV=energies,
        E_ads_vs_metal_eV=metal,
        level=level,
        status=states,
        lowest_neighbour_eV=["0.1"] * len(rows),
    )


@pytest.mark.parametrize(
    ("value", "text"), [(-1.234, "−1.23"), (1.236, "1.24"), (-0.001, "0.00"), (0.0, "0.00"), (-0.006, "−0.01")]
)
def test_numbers_have_a_true_minus_and_zero_has_none(value, text):
    assert signed(value) == text


@pytest.mark.parametrize(
    ("change_A", "verb"),
    [
        (0.5, "widened"),
        (-0.5, "narrowed"),
        (0.11, "widened"),
        (-0.11, "narrowed"),
        (0.09, "neither widened nor narrowed"),
        (-0.09, "neither widened nor narrowed"),
        (0.0, "neither widened nor narrowed"),
    ],
)
def test_a_gap_widens_or_narrows_by_more_than_layers_breathe(change_A, verb):
    assert f"The gap at the edge {verb}, from 3.70 Å in the first frame to {3.7 + change_A:.2f} Å" in said_of(
        [3.7] + [3.7 + change_A] * 7
    )


def test_a_change_within_its_own_spread_is_none():
    last = [3.7 + 0.3 + 0.6, 3.7 + 0.3 - 0.6]
    text = said_of([3.7] * 6 + last)
    assert "neither widened nor narrowed" in text
    assert f"spread {np.std(last):.2f} Å" in text


def test_the_end_is_the_mean_of_the_last_quarter():
    edge_A = [3.0] * 9 + [5.0, 5.2, 5.4]
    centre_A = [3.1] * 9 + [4.0, 4.1, 4.2]
    text = said_of(edge_A, centre_A=centre_A)
    assert "from 3.00 Å in the first frame to 5.20 Å (mean of the last quarter" in text
    assert "widest 5.40 Å at 110 fs" in text
    assert "at the centre it went from 3.10 Å to 4.10 Å" in text
    assert "one trajectory of 110 fs" in text
    # of less than four frames, the last one
    assert "from 3.00 Å in the first frame to 5.00 Å" in said_of([3.0, 4.0, 5.0])


def test_the_widest_gap_may_be_before_the_end():
    assert "widest 6.00 Å at 10 fs" in said_of([3.0, 6.0, 4.0, 4.0])


def test_the_tip_is_before_or_past_the_edge_and_its_bonds_are_counted():
    text = said_of([3.7] * 3, depth_A=[-2.5, 0.0, 1.25], bonds=[1, 0, 3])
    assert "from 2.50 Å before the edge to 1.25 Å past it" in text
    assert "it had 1 bonds to the flake at the start and 3 at the end" in text
    assert "to 0.00 Å past it" in said_of([3.7] * 2, depth_A=[-1.0, 0.0], bonds=[0, 0])


def test_a_run_without_a_nanodiamond_or_ions_says_nothing_of_them():
    text = said_of([3.7] * 4)
    assert "nanodiamond" not in text
    assert "ion" not in text.replace("trajectory", "")


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ([0, 0], "No ion is"),
        ([2, 1], "One ion is"),
        ([0, 3], "3 ions are"),
        ([5, 0], "No ion is"),
        ([0, 0, 1], "One ion is"),
        ([0, 1, 3], "3 ions are"),
        ([1, 1, 0], "No ion is"),
    ],
)
def test_ions_outside_are_those_at_the_end(out, words):
    assert f"{words} outside the flake at the end." in said_of([3.7] * len(out), out=out)


@pytest.mark.parametrize("out", [[0, "", 1], ["", 1, 1], [0, 1, ""]])
def test_of_ions_that_were_not_counted_in_every_frame_nothing_is_said(out):
    assert "outside" not in said_of([3.7] * 3, out=out)


def test_the_charge_at_the_end_is_that_of_the_last_frame():
    charges = table(scheme=["Mulliken"] * 3, fragment=["ion"] * 3, charge_e=[0.5, 1.5, 0.75])
    assert "0.50 e at the start and 0.75 e at the end" in said_of([3.7] * 3, charges=charges)


def test_the_charge_of_the_ions_is_told_by_scheme_from_start_to_end():
    charges = table(
        scheme=["Mulliken"] * 4 + ["Hirshfeld"] * 2 + ["Bader"],
        fragment=["ion", "upper", "ion", "upper", "ion", "ion", "upper"],
        charge_e=[1.5, -1.5, 0.25, -0.25, 2.0, -0.5, 1.0],
    )
    text = said_of([3.7] * 2, charges=charges)
    assert "Together the ions carry 1.50 e at the start and 0.25 e at the end (Mulliken)." in text
    assert "Together the ions carry 2.00 e at the start and −0.50 e at the end (Hirshfeld)." in text
    assert "Bader" not in text


def test_a_run_of_which_nothing_is_known_is_not_mentioned():
    assert sentences(runs=[run(["", ""])]) == []


def structure(state, fourfold, others, level=None, *, name="nd", fragments=("nd",)):
    counts = {n: count for n, count in ((4, fourfold), (3, others)) if count}
    check = SimpleNamespace(coordination={"C": counts} if counts else {}, fragments=dict.fromkeys(fragments, 1))
    return SimpleNamespace(name=name, state=state, level=level, check=check)


def test_a_nanodiamond_is_compared_with_itself_as_built():
    structures = [
        structure("as built", 26, 49),
        structure("as built", 1, 9, name="other"),
        structure("relaxed", 15, 60, "gfn2"),
        structure("last frame", 3, 72, "gfn2"),
        structure("relaxed", 9, 1, "gfn2", name="flake", fragments=("lower", "upper")),
        structure("as built", 9, 1, name="flake", fragments=("lower", "upper")),
    ]
    expected = "nd: 15 of 75 C (20%) have four neighbours (sp³) after relaxation, 26 of 75 C (35%) as built."
    assert sentences(structures=structures) == [(expected, "gfn2")]


def test_a_nanodiamond_without_carbon_or_level_is_passed_over():
    assert sentences(structures=[structure("as built", 0, 0), structure("relaxed", 0, 0, "gfn2")]) == []
    assert sentences(structures=[structure("as built", 5, 5), structure("relaxed", 5, 5)]) == []


@pytest.mark.parametrize(
    ("E_eV", "better"), [(0.4, "bulk metal is preferred"), (-0.4, "the facet is preferred"), ("", None)]
)
def test_what_is_above_its_bulk_metal_is_no_place_for_the_ion(E_eV, better):
    """E_ads + E_coh is the energy of the ion on the facet less that in the metal: negative, the facet wins."""
    (text, _), *more = sentences(adsorption=ads(("Li", "top", -1.2, E_eV, "converged")))
    assert more == []
    if better is None:
        assert "preferred" not in text
    else:
        assert text.endswith(f"{signed(E_eV)} eV against its bulk metal: {better}.")


def test_the_lowest_of_the_converged_sites_is_told_with_its_remarks():
    rows = ads(
        ("Li", "top", -1.2, "", "converged"),
        ("Li", "cave", -2.2, "", "converged; moved to bridge; error estimate covers cutoff_Ry"),
        ("Li", "bridge", "", "", "failed; why"),
    )
    ((text, level),) = sentences(adsorption=rows)
    assert level == "gfn2"
    assert "F: Li binds with E_ads = −2.20 eV per ion (" in text
    assert "lowest of 2 converged of 3 sites; started at cave; moved to bridge)" in text


def test_an_ion_of_which_nothing_converged_is_not_told():
    rows = ads(("Li", "top", "", "", "failed"), ("Na", "top", -1.0, "", "converged"))
    ((text, _),) = sentences(adsorption=rows)
    assert "Na binds" in text


@pytest.mark.parametrize(
    ("Li_eV", "Na_eV", "words"),
    [
        (-3.0, -2.0, "Li binds more strongly than Na, by 1.00 eV"),
        (-2.0, -3.0, "Na binds more strongly than Li, by 1.00 eV"),
        (-3.0, -2.89, "Li binds more strongly than Na, by 0.11 eV"),
        (-3.0, -2.91, "Li and Na bind about as strongly, 0.09 eV apart"),
        (-2.91, -3.0, "Na and Li bind about as strongly, 0.09 eV apart"),
    ],
)
def test_the_stronger_has_the_lower_energy(Li_eV, Na_eV, words):
    rows = ads(("Li", "top", Li_eV, "", "converged"), ("Na", "top", Na_eV, "", "converged"))
    assert f"F: {words} at their lowest sites." in [text for text, _ in sentences(adsorption=rows)]


def test_levels_and_numbers_of_ions_are_told_apart():
    one = ads(("Li", "top", -3.0, "", "converged"), ("Na", "top", -1.0, "", "converged"), levels=["a", "b"])
    two = ads(("Na", "top", -2.0, "", "converged"), n="2", levels=["a"])
    both = AdsorptionTable(NOWHERE, one.columns, [*one.rows, *two.rows])
    found = sentences(adsorption=both)
    assert [level for _, level in found] == ["a", "b", "a"]
    assert not any("strongly" in text for text, _ in found)
    assert found[2][0].startswith("F, n = 2: Na")


def test_no_table_no_findings():
    assert sentences() == []


def test_of_sites_that_all_converged_it_is_the_lowest_of_all():
    rows = ads(("Li", "top", -1.2, "", "converged"), ("Li", "cave", -2.2, "", "converged"))
    ((text, _),) = sentences(adsorption=rows)
    assert "(lowest of 2 sites; started at cave)" in text


@pytest.mark.parametrize(
    ("rest", "verb"),
    [
        (Rest(3.5, 0.02, 0.01), "widened"),
        (Rest(3.9, 0.02, -0.01), "narrowed"),
        (Rest(3.5, 0.25, 0.01), "neither widened nor narrowed"),
        (Rest(3.9, 0.25, 0.01), "neither widened nor narrowed"),
        (Rest(3.5, 0.15, 0.09), "widened"),
        # it was opening, or closing, already: by half as much
        (Rest(3.5, 0.02, 0.11), "neither widened nor narrowed"),
        (Rest(3.5, 0.02, -0.11), "neither widened nor narrowed"),
        (Rest(3.9, 0.02, -0.11), "neither widened nor narrowed"),
    ],
)
def test_a_gap_is_compared_with_its_rest_and_not_with_a_frame(rest, verb):
    rests = {"gap_edge_A": rest, "gap_centre_A": Rest(3.25, 1.0, 1.0)}
    text = said_of([5.0] + [3.7] * 7, centre_A=[9.0] + [3.5] * 7, rests=rests)
    assert f"The gap at the edge {verb}, from {rest.mean:.2f} Å before the run to 3.70 Å" in text
    assert "at the centre it went from 3.25 Å to 3.50 Å" in text


@pytest.mark.parametrize("lacking", ["edge", "centre"])
def test_a_gap_of_which_frames_lack_says_nothing(lacking):
    gaps = {"edge": [3.7, 3.7], "centre": [3.5, 3.5]} | {lacking: [3.7, ""]}
    text = said_of(gaps["edge"], centre_A=gaps["centre"], depth_A=[-1.0, 1.0], bonds=[0, 1])
    assert "gap" not in text
    assert "tip" in text


@pytest.mark.parametrize("lacking", ["depth_A", "bonds"])
def test_a_tip_of_which_frames_lack_says_nothing(lacking):
    known = {"depth_A": [-1.0, 1.0], "bonds": [0, 1]} | {lacking: [0.0, ""]}
    assert "tip" not in said_of([3.7] * 2, **known)


@pytest.mark.parametrize(("temperature_K", "off"), [(331, True), (329, False), (271, False), (269, True)])
def test_a_run_that_was_hotter_or_colder_than_asked_for_says_so(temperature_K, off):
    text = said_of([3.7] * 4, temperature_K=temperature_K)
    assert (f"The run was not at its temperature: {temperature_K} K on average" in text) == off
    assert ("temperature" in text) == off


def test_what_was_not_scanned_is_said_and_what_was_is_not():
    rows = ads(("Li", "top", -1.2, "", "converged"))
    ((text, _),) = sentences(adsorption=rows)
    assert "not scanned" not in text
    rows.rows[0]["lowest_neighbour_eV"] = ""
    ((text, _),) = sentences(adsorption=rows)
    assert "(the only site; started at top; its neighbourhood was not scanned)." in text


def test_three_ions_are_ranked_from_the_strongest_each_against_the_next():
    rows = ads(*((ion, "top", energy, "", "converged") for ion, energy in (("K", -1.0), ("Li", -3.0), ("Na", -2.0))))
    compared = [text for text, _ in sentences(adsorption=rows) if "strongly" in text]
    assert [text.split(", by")[0] for text in compared] == [
        "F: Li binds more strongly than Na",
        "F: Na binds more strongly than K",
    ]


def test_a_facet_is_told_apart_from_another():
    one = ads(("Li", "top", -3.0, "", "converged"))
    other = [row | {"facet": "G", "adsorbate": "Na"} for row in one.rows]
    found = sentences(adsorption=AdsorptionTable(NOWHERE, one.columns, [*one.rows, *other]))
    assert [text.split(" binds")[0] for text, _ in found] == ["F: Li", "G: Na"]


def test_a_relaxed_nanodiamond_has_the_level_it_was_relaxed_at():
    """Two levels: each has a sentence; what is only built, or relaxed without a start, has none."""
    structures = [
        structure("as built", 8, 2),
        structure("relaxed", 4, 6, "a"),
        structure("relaxed", 5, 5, "b"),
        structure("relaxed", 5, 5, "b", name="other"),
    ]
    found = sentences(structures=structures)
    assert [(text.split(" have")[0], level) for text, level in found] == [
        ("nd: 4 of 10 C (40%)", "a"),
        ("nd: 5 of 10 C (50%)", "b"),
    ]


def test_a_nanodiamond_that_lost_all_its_sp3_carbon_has_none():
    ((text, _),) = sentences(structures=[structure("as built", 5, 5), structure("relaxed", 0, 10, "a")])
    assert text.startswith("nd: 0 of 10 C (0%) have four neighbours (sp³) after relaxation, 5 of 10 C (50%)")


@pytest.mark.parametrize(
    ("untold", "left"),
    [
        (set(), {"widened", "4 at the end", "ion is outside"}),
        ({"gap_edge_A"}, {"4 at the end", "ion is outside"}),
        ({"nd_flake_bonds"}, {"widened", "ion is outside"}),
        ({"gap_edge_A", "nd_flake_bonds", "ions_expelled"}, set()),
    ],
)
def test_an_event_of_the_model_is_told_as_the_models_alone(untold, left):
    checked = SimpleNamespace(refused=False, sentence="trusted", untold=untold, of_twin="The second fit says so.")
    text = said_of(
        [3.5] * 8 + [6.0] * 8, bonds=[0] * 15 + [4], depth_A=[-1.0] * 16, out=[0] * 15 + [1], checked=checked
    )
    assert {words for words in ("widened", "4 at the end", "ion is outside") if words in text} == left
    assert text.endswith("fs. Verification: trusted. The second fit says so.") == (not left)
    assert text.endswith(" Verification: trusted. The second fit says so.")


@pytest.mark.parametrize("refused", [True, False])
def test_of_a_refused_run_nothing_is_told_but_that(refused):
    checked = SimpleNamespace(refused=refused, sentence="this is what was found", untold=set(), of_twin="")
    text = said_of([3.5] * 8 + [6.0] * 8, bonds=[0] * 15 + [4], depth_A=[-1.0] * 16, checked=checked)
    assert "this is what was found" in text
    assert ("widened" in text) == ("4 at the end" in text) == (not refused)
    assert ("so none is shown" in text) == refused


@pytest.mark.parametrize("learned", [True, False])
def test_a_fit_that_was_not_compared_is_called_so(learned):
    levels = {"gfn2": SimpleNamespace(learned=learned)}
    ((text, _),) = sentences(runs=[run([3.5] * 16)], levels=levels)
    assert ("Verification: none, and the level is a fit" in text) == learned
