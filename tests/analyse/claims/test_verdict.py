"""Verdicts on claims, from tables whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nct, t

from iondrill.analyse.claims.found import Checked, Found, Standing
from iondrill.analyse.claims.ledger import Region, ledger
from iondrill.analyse.claims.measures import fits
from iondrill.analyse.claims.verdict import MEASURES, NOT_SHOWN, REFUTED, SUPPORTED, decide
from iondrill.analyse.dynamics import statistics
from iondrill.analyse.dynamics.cases import QUANTITIES, Case, Measure
from iondrill.analyse.dynamics.contrasts import CONTRASTS, case_rows, findings

CLAIMS = {claim.id: claim for claim in ledger().claims}
LEVELS = {"dft": Standing("PBE-D3", "reference"), "fit": Standing("a fit", "other")}
KINDS = [("nd75", "6 Li"), ("nd75", "3 Li"), ("nd75", "6 Na"), ("nd75", "none"), ("none", "6 Li"), ("none", "none")]
NAMES = ("gap_edge_A", "gap_centre_A", "penetration_A")


def cases_of(changes, level="dft"):
    """Return a case of each kind from its changes (kinds, seeds, quantities); a nanodiamond starts 3 Å outside."""
    found = []
    for (nd, ions), runs in zip(KINDS, changes, strict=True):
        factors = {"nanodiamond": nd, "cut": "none", "ions": ions, "gap": "3.7 Å"}
        names = NAMES if nd != "none" else NAMES[:2]
        measures = {
            f"{nd}-{ions.replace(' ', '')}-s{k}": {
                name: Measure(start, start + value, 1e-9)
                for name, value, start in zip(names, row, (3.5, 3.5, -3.0), strict=False)
            }
            for k, row in enumerate(runs)
        }
        found.append(Case(f"{nd}-{ions}", level, factors, measures))
    return found


def found_of(cases, **more):
    """Return the tables that `compare_runs` writes of cases."""
    rows = [CONTRASTS.cells(row) for case in cases for row in case_rows(case)]
    return Found(
        levels=LEVELS,
        run_levels={run: case.level for case in cases for run in case.runs},
        cases=[
            {"name": case.name, "level": case.level, "runs": list(case.runs), "factors": case.factors} for case in cases
        ],
        findings=findings(cases),
        changes=[row for row in rows if not row["run"]],
        **more,
    )


def verdicts(found, *ids):
    return tuple(decide(CLAIMS[each], found).verdict for each in ids)


@pytest.fixture
def few_resamples(monkeypatch):
    monkeypatch.setattr(statistics, "RESAMPLES", 200)


def noise(seed=1, seeds=5, size=0.05):
    return np.random.default_rng(seed).normal(scale=size, size=(len(KINDS), seeds, len(NAMES)))


def planted():
    """Return what the paper says: a nanodiamond opens with Li alone, enters by 5 Å, and more Li widens the centre."""
    changes = noise()
    changes[:2, :, 0] += 1.0
    changes[0, :, 1] += 0.4
    changes[:, :, 2] += 5.0
    return changes


def test_what_the_paper_says_is_supported_where_it_is_so(few_resamples):
    found = found_of(cases_of(planted()))
    assert verdicts(found, "a1", "a2", "b1", "b2", "e2") == (SUPPORTED,) * 5
    row = decide(CLAIMS["a1"], found)
    assert row.low < row.value < row.high
    assert row.value == pytest.approx(1.0, abs=0.1)
    assert (row.n, row.level, row.verification) == (5, "PBE-D3", "the reference itself")
    assert "Å (95 % interval" in row.sentence
    # the number is where the tip is, not how far it came
    assert decide(CLAIMS["a2"], found).value == pytest.approx(2.0, abs=0.1)


def test_the_contrary_is_refuted(few_resamples):
    changes = noise()
    changes[1, :, 1] += 0.3  # fewer Li widen the centre
    assert verdicts(found_of(cases_of(changes)), "a1", "a2", "b1", "b2", "e2") == (REFUTED,) * 5


def test_an_effect_too_small_to_matter_supports_nothing(few_resamples):
    changes = noise(size=0.005)
    changes[:2, :, 0] += 0.1
    found = found_of(cases_of(changes))
    (finding,) = [
        f
        for f in found.findings
        if f["factor"] == "nanodiamond" and "6 Li" in f["plus"][0] and f["quantity"] == "gap_edge_A"
    ]
    assert finding["verdict"] == "supported"
    assert verdicts(found, "a1") == (REFUTED,)


def test_what_chance_makes_as_clear_is_not_supported(few_resamples):
    found = found_of(cases_of(planted()))
    by_chance = [finding | {"q": 0.2} for finding in found.findings]
    assert verdicts(replace(found, findings=by_chance), "a1", "b1") == (NOT_SHOWN, NOT_SHOWN)


def test_cases_that_do_not_say_the_same_show_nothing(few_resamples):
    changes = planted()
    other = cases_of(noise(seed=3))
    for case in other:
        case.name += " of 2 layers"
        case.factors["gap"] = "4 Å"
        case.runs = {f"{run}-2": values for run, values in case.runs.items()}
    row = decide(CLAIMS["a1"], found_of([*cases_of(changes), *other]))
    assert row.verdict == NOT_SHOWN
    assert "do not say the same" in row.sentence
    assert row.value == pytest.approx(0, abs=0.1)  # the weakest is given


def test_one_seed_decides_nothing_and_has_no_interval():
    found = found_of(cases_of(planted()[:, :1]))
    for each in ("a1", "a2"):
        row = decide(CLAIMS[each], found)
        assert (row.verdict, row.n, row.low) == (NOT_SHOWN, 1, None)
        assert "of one run" in row.sentence


@pytest.mark.parametrize("verdict", ["doubtful", "refused", "not verified", None])
def test_no_claim_is_decided_by_a_level_that_failed_or_lacks_its_verification(few_resamples, verdict):
    for changes in (planted(), noise()):
        cases = [case for case in cases_of(changes, "fit") if case.factors["ions"] != "3 Li"]
        runs = [run for case in cases for run in case.runs]
        trusted = {run: Checked("trusted", "4 of 4 frames") for run in runs}
        failed = {} if verdict is None else {runs[0]: Checked(verdict, "")}
        checked = {run: trusted[run] for run in runs[1:]} | failed
        found = found_of(cases, checked=checked)
        assert verdicts(found, "a1", "a2", "b1", "b2") == (NOT_SHOWN,) * 4
        assert verdicts(replace(found, checked=trusted), "a1", "b2") != (NOT_SHOWN, NOT_SHOWN)
    row = decide(CLAIMS["a1"], found)
    assert "a fit" in row.sentence
    assert CLAIMS["a1"].command in row.sentence


def test_permuted_labels_support_at_most_one_ledger_in_twenty(few_resamples):
    """200 permutations of which run is of which case: no claim on the drill is supported by chance alone."""
    random = np.random.default_rng(11)
    changes = random.normal(size=(len(KINDS) * 5, len(NAMES)))
    changes[:, 2] = -1  # the tip stays outside in all
    ids = ("a1", "b1", "b2", "e2")
    supported = 0
    for _ in range(200):
        found = found_of(cases_of(random.permutation(changes).reshape(len(KINDS), 5, len(NAMES))))
        supported += SUPPORTED in verdicts(found, *ids)
    assert supported <= 0.05 * 200


def test_a_planted_effect_is_found_as_often_as_its_size_allows(few_resamples):
    """Four times as large as seeds scatter: at least with the power of Student's t for the clearest of all comparisons.

    The effect is a scatter and more above the 0.3 Å that it has to reach.
    """
    n, size, scatter, draws = 5, 4.0, 0.25, 40
    random, found = np.random.default_rng(6), 0
    for _ in range(draws):
        changes = random.normal(scale=scatter, size=(len(KINDS), n, len(NAMES)))
        changes[:4, :, 0] += size * scatter  # the nanodiamond opens the edge, whatever the ions
        tables = found_of(cases_of(changes))
        found += verdicts(tables, "a1") == (SUPPORTED,)
    of_all = sum(finding["q"] is not None for finding in tables.findings)
    strictest = 0.05 / of_all / sum(1 / k for k in range(1, of_all + 1))
    freedom, shift = 2 * n - 2, size * np.sqrt(n / 2)
    least = nct.sf(t.ppf(1 - strictest / 2, freedom), freedom, shift)
    assert found / draws > least - 3 * np.sqrt(least * (1 - least) / draws)
    assert found / draws > 0.5


ENDS = st.floats(-10, 10, allow_nan=False)


@given(st.tuples(ENDS, ENDS, ENDS).map(sorted))
def test_no_number_supports_and_refutes_the_same_claim(ends):
    low, value, high = ends
    for claim in ledger().claims:
        regions = [region for region in (claim.supported, claim.refuted) if region is not None]
        assert sum(region.holds(value, low, high) for region in regions) <= 1, claim.id


@pytest.mark.parametrize(
    ("region", "inside", "outside"),
    [
        ({"above": 1}, (2, 1.5, 3), (2, 0.5, 3)),
        ({"below": 1}, (0, -1, 0.5), (0, -1, 1.5)),
        ({"above": 0, "value": 1}, (1, 0.5, 2), (0.9, 0.5, 2)),
        ({"below": 0, "value": -1}, (-1, -2, -0.5), (-0.9, -2, -0.5)),
        ({"apart": 1}, (-2, -3, -1.5), (0, -3, 3)),
        ({"apart": 1, "value": 3}, (3, 1.5, 4), (2, 1.5, 4)),
        ({"within": 1}, (0, -0.5, 0.5), (0, -0.5, 1.5)),
    ],
)
def test_a_region_holds_whole_intervals(region, inside, outside):
    assert Region(**region).holds(*inside)
    assert not Region(**region).holds(*outside)


def test_a_region_has_one_bound():
    for wrong in ({}, {"above": 0, "below": 1}):
        with pytest.raises(ValueError, match="allowed: one of above, below, apart, within"):
            Region(**wrong)


def test_the_ledger_holds_all_claims_with_what_decides_them():
    assert {each[0] for each in CLAIMS} == set("abcdefghij")
    for claim in CLAIMS.values():
        assert claim.test.kind in MEASURES
        assert claim.controls
        quantity = getattr(claim.test, "quantity", None)
        assert quantity is None or QUANTITIES[quantity][1] == claim.unit, claim.id
        assert claim.test.kind == "none" or claim.command, claim.id
        for region in (claim.supported, claim.refuted):
            assert region is None or region.words(claim.unit)


def test_a_factor_is_there_or_not_or_of_an_element():
    assert fits({"ions": "6 Li"}, {"ions": "Li"})
    assert fits({"ions": "6 Li"}, {"ions": "some"})
    assert not fits({"ions": "6 Li"}, {"ions": "Na"})
    assert not fits({"ions": "none"}, {"ions": "some"})
    assert fits({"ions": "none"}, {"ions": "none"})
    assert not fits({}, {"ions": "none"})  # a structure from a file: nothing is known


def adsorption(facet, ion, E, **more):
    row = {"facet": facet, "termination": "clean", "adsorbate": ion, "site": "top", "coverage_ML": "0.25"}
    row |= {"E_ads_eV": str(E), "E_ads_vs_metal_eV": "", "level": "dft", "error_estimate_eV": ""}
    return row | more


FACETS = [
    adsorption("C100-2x1", "Li", -2.5),
    adsorption("C100-2x1", "Li", -1.0),
    adsorption("C100-2x1", "Na", -1.2),
    adsorption("C111-2x1-pandey", "Li", -2.0),
    adsorption("C111-2x1-pandey", "Na", -1.0),
]


def test_ions_bind_where_the_least_bound_does():
    row = decide(CLAIMS["f1"], Found(levels=LEVELS, adsorption=FACETS))
    assert (row.verdict, row.value) == (SUPPORTED, -1.0)
    assert "Na on C111-2x1-pandey" in row.sentence
    loose = [*FACETS[:4], adsorption("C111-2x1-pandey", "Na", 0.5)]
    assert decide(CLAIMS["f1"], Found(levels=LEVELS, adsorption=loose)).verdict == REFUTED
    wide = [*FACETS[:4], adsorption("C111-2x1-pandey", "Na", -1.0, error_estimate_eV="1.5")]
    assert decide(CLAIMS["f1"], Found(levels=LEVELS, adsorption=wide)).verdict == NOT_SHOWN
    missing = decide(CLAIMS["f1"], Found(levels=LEVELS, adsorption=FACETS[:3]))
    assert missing.verdict == NOT_SHOWN
    assert "no energy of Li on C111, Na on C111" in missing.sentence
    hydrogenated = [*FACETS, adsorption("C111-1x1-H", "Na", 0.5, termination="H")]
    assert decide(CLAIMS["f1"], Found(levels=LEVELS, adsorption=hydrogenated)).verdict == SUPPORTED


@pytest.mark.parametrize(("off", "n", "verdict"), [(0.1, 3, SUPPORTED), (0.3, 3, NOT_SHOWN), (0.1, 2, NOT_SHOWN)])
def test_energies_of_a_fit_count_where_spot_checks_do(off, n, verdict):
    rows = [row | {"level": "fit"} for row in FACETS]
    differences = [{"level": "fit", "against": "dft", "dE_ads_eV": str(-off)}] * n
    differences += [{"level": "fit", "against": "fit", "dE_ads_eV": "0"}] * 5
    row = decide(CLAIMS["f1"], Found(levels=LEVELS, adsorption=rows, differences=differences))
    assert row.verdict == verdict
    assert (row.low is None) == (verdict == NOT_SHOWN)  # what is not verified has no known error


def test_an_ion_stays_outside_where_the_least_hindered_does():
    def cells(li, na, repeats="2"):
        energies = [("Li", "tetrahedral", li), ("Li", "hexagonal", 9), ("Na", "tetrahedral", na)]
        return [
            {"ion": ion, "site": site, "repeats": repeats, "E_interstitial_eV": str(E), "level": "dft"}
            for ion, site, E in energies
        ]

    def row(*inside):
        return decide(
            CLAIMS["f2"], Found(levels=LEVELS, adsorption=FACETS, interstitials=[r for c in inside for r in c])
        )

    # Li is bound by 2.5 eV, Na by 1.2 eV
    assert row(cells(6, 9)).value == pytest.approx(8.5)
    assert row(cells(6, 9)).verdict == SUPPORTED
    assert row(cells(-4, 9)).verdict == REFUTED
    assert row(cells(-2.3, 9)).verdict == NOT_SHOWN  # less than the level's error
    assert row(cells(-4, 9), cells(6, 9, "3")).verdict == SUPPORTED  # the larger supercell counts
    alone = row(cells(6, 9)[:2])
    assert (alone.verdict, "no energy of Na" in alone.sentence) == (NOT_SHOWN, True)


def test_shells_are_judged_at_their_densest():
    def energies(dense):
        return [
            adsorption(facet, ion, -9, coverage_ML=coverage, E_ads_vs_metal_eV=str(E))
            for facet in ("C111-1x1", "C100-2x1")
            for ion in ("Li", "Na")
            for coverage, E in (("0.25", -1), ("0.5", -0.7), ("1.0", dense))
        ]

    for dense, verdict in ((-0.5, SUPPORTED), (0.5, REFUTED)):
        assert decide(CLAIMS["h1"], Found(levels=LEVELS, adsorption=energies(dense))).verdict == verdict


def test_compounds_form_or_not_by_density_functional_theory_alone():
    def compounds(level):
        energies = {"LiC6": -0.25, "NaC6": 0.3, "graphite-AB": ""}
        return [{"compound": name, "level": level, "E_formation_eV_per_ion": str(E)} for name, E in energies.items()]

    assert verdicts(Found(levels=LEVELS, compounds=compounds("dft")), "g1", "g2") == (SUPPORTED, SUPPORTED)
    fitted = decide(CLAIMS["g1"], Found(levels=LEVELS, compounds=compounds("fit")))
    assert (fitted.verdict, fitted.value) == (NOT_SHOWN, -0.25)
    assert "preview" in fitted.sentence


def maps(cases, rows_of):
    return {run: rows_of(k) for case in cases for k, run in enumerate(case.runs)}


def test_charge_and_bonds_are_read_from_the_mapped_frames():
    cases = cases_of(noise())

    def charges(k):
        every = [("0", "nd", -0.1), ("200", "nd", -0.5 - 0.01 * k), ("100", "nd", 7), ("200", "ion", 3)]
        return [{"step": step, "fragment": what, "charge_e": str(e)} for step, what, e in every]

    def contacts(k):
        every = [("nd-flake", 3.0, 0.1), ("nd-flake", 1.5, 0.9 + 0.01 * k), ("flake-sigma", 1.4, 0.99)]
        return [{"pair": pair, "distance_A": str(d), "elf_midpoint": str(e)} for pair, d, e in every]

    found = found_of(cases, elf_level="dft", charges=maps(cases, charges), contacts=maps(cases, contacts))
    charge, bond = decide(CLAIMS["c"], found), decide(CLAIMS["d"], found)
    assert (charge.verdict, bond.verdict) == (SUPPORTED, SUPPORTED)
    assert charge.value == pytest.approx(-0.42)
    assert bond.value == pytest.approx(0.92)
    apart = found_of(cases, elf_level="dft", contacts=maps(cases, lambda k: contacts(k)[:1]))
    assert decide(CLAIMS["d"], apart).value == 0
    # at a preview they are a number and no more
    assert verdicts(replace(found, elf_level="fit"), "c", "d") == (NOT_SHOWN, NOT_SHOWN)
    # nor do maps of runs that are not verified count
    assert verdicts(replace(found, run_levels=dict.fromkeys(found.run_levels, "fit")), "c", "d") == (NOT_SHOWN,) * 2


def profile(ions, highest, **more):
    factors = {"nanodiamond": "nd75", "ions": ions}
    row = {"profile": f"of {ions}", "run": f"r-{ions}", "coordinate": "penetration_A", "level": "dft", "n_seeds": 2}
    return row | {"factors": factors, "highest_eV": highest, "highest_error_eV": 0.05, "flaw": ""} | more


def test_free_energies_are_compared_with_their_errors_added_in_squares():
    def of(li, none, **more):
        return Found(
            levels=LEVELS,
            run_levels={"r-6 Li": "dft", "r-none": "dft"},
            profiles=[profile("6 Li", li), profile("none", none, **more)],
        )

    assert verdicts(of(0.2, 0.8), "a3", "b3") == (SUPPORTED, SUPPORTED)
    assert verdicts(of(0.9, 0.8), "a3", "b3") == (REFUTED, REFUTED)
    row = decide(CLAIMS["b3"], of(0.2, 0.8))
    assert (row.high - row.low) / 2 == pytest.approx(1.96 * 0.05 * 2**0.5, rel=1e-3)
    flawed = decide(CLAIMS["b3"], of(0.2, 0.8, flaw="the halves differ by 0.4 eV"))
    assert flawed.verdict == NOT_SHOWN
    assert "halves differ" in flawed.sentence


def test_what_the_papers_own_numbers_say_needs_no_simulation():
    row = decide(CLAIMS["j2"], Found())
    assert (row.verdict, row.low, row.high) == (REFUTED, 1.44, 144)
    gaps = [
        {"source": "Bragg's law, from 24.7°", "gap_A": "3.60"},
        {"source": "Bragg's law, from 26°", "gap_A": "3.42"},
    ]
    other = [{"source": "mean gap late in the runs", "gap_A": "5.5"}]
    row = decide(CLAIMS["i"], Found(reflections=[*gaps, *other]))
    assert (row.verdict, row.value) == (REFUTED, 3.6)


def test_of_nothing_nothing_is_shown_but_what_it_takes():
    for claim in ledger().claims:
        row = decide(claim, Found())
        if claim.test.kind != "pulse":
            assert row.verdict == NOT_SHOWN
            assert row.sentence.startswith("Not shown: needs ")
            assert claim.command in row.sentence


def test_runs_that_were_refused_are_said_where_their_claims_have_no_number():
    refused = Checked("refused", "refused, 9 frames", "Li: force error 0.5 eV/Å of a force of 0.6")
    found = Found(
        levels=LEVELS, run_levels={"a": "fit", "b": "fit"}, checked={"a": refused, "b": Checked("trusted", "")}
    )
    said = decide(CLAIMS["b1"], found)
    assert said.verdict == NOT_SHOWN
    assert "1 of 2 verified runs were refused" in said.sentence
    assert refused.reason in said.verification
    # energies of crystals and facets come from no run
    assert decide(CLAIMS["g1"], found).verification == "nothing was computed"
    assert decide(CLAIMS["b1"], replace(found, checked={})).verification == "nothing was computed"
