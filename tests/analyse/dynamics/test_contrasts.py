"""Cases, comparisons and verdicts, on tables whose truth is known."""

from __future__ import annotations

import csv
import json
import re
import shutil

import numpy as np
import pytest
import yaml
from scipy.stats import nct, t

from iondrill.analyse.dynamics import statistics
from iondrill.analyse.dynamics.cases import QUANTITIES, Case, Measure, factors, read_cases
from iondrill.analyse.dynamics.contrasts import compare_runs, comparisons, findings, write_contrasts
from iondrill.analyse.dynamics.order import ORDER
from iondrill.analyse.verification.record import Verification
from iondrill.analyse.verification.twins import Twin, TwinEvent
from iondrill.config.models import Config
from iondrill.config.verification import VerdictCriteria
from iondrill.engines.base import Result
from iondrill.errors import UserError
from iondrill.geometry.recipes import AssemblyRecipe
from iondrill.prepare.plan import Plan

LABELS = {"nd-li": "drill-nd35-li", "nd": "drill-nd35", "li": "drill-none-li", "none": "drill-none"}
N = 100


@pytest.fixture
def plan(tmp_path, recipes):
    matrix = {"assemblies": LABELS, "seeds": [1, 2], "steps": N, "launch_m_s": 800}
    runs = {"hot": {"assembly": "drill-none", "steps": N, "temperature_K": 600}}
    md = {"matrix": {"m": matrix}, "runs": runs, "run": ["m", "hot"]}
    fields = {"levels": {"gfn2": {"engine": "xtb"}}, "md": md}
    return Plan(Config.model_validate({**fields, "results": str(tmp_path), "structures": str(recipes)}))


def write_run(plan, run, opening, seed):
    """Write a run whose edge gap grows at once, by what is given and a little noise."""
    random = np.random.default_rng(seed)
    gap = 3.5 + np.where(np.arange(N) > 0, opening, 0) + random.normal(scale=0.02, size=N)
    gap[0] = 3.5
    folder = plan.results / "md" / run
    folder.mkdir(parents=True)
    with (folder / "order_parameters.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(ORDER.names)
        for k in range(N):
            row = dict.fromkeys(ORDER.names, "") | {"step": k, "time_fs": k, "gap_edge_A": gap[k]}
            if "nd" in run:
                row["penetration_A"] = -3 + 0.01 * k
            writer.writerow(row.values())
    (folder / "thermalisation.csv").write_text(",".join(ORDER.names) + "\n")
    with (plan.results / "charges" / f"{run}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "time_fs", "fragment", "scheme", "charge_e"])
        for k in range(N):
            writer.writerow([k, k, "upper", "Mulliken", -0.1 * k])
            writer.writerow([k, k, "lower", "Mulliken", 0.3 * k])
            if "nd" in run:
                writer.writerow([k, k, "nd", "Mulliken", -0.2 * k])


# the nanodiamond opens by 0.2 Å; lithium adds nothing alone, and 0.6 Å to what the nanodiamond does
OPENING = {"nd-li": 0.8, "nd": 0.2, "li": 0.0, "none": 0.0}


@pytest.fixture
def cases(plan):
    (plan.results / "charges").mkdir()
    for number, run in enumerate(plan.config.md.run):
        opening = next((OPENING[label] for label in OPENING if run.startswith(f"m-{label}-s")), 0.0)
        write_run(plan, run, opening + 0.005 * (number % 2), number)
    return read_cases(plan, plan.config.md.run)


def test_a_run_is_compared_with_its_rest_where_it_was_thermalised(plan, cases):
    """The cold first frame, at 3.5 Å, is not its start; of charges it still is."""
    run = plan.config.md.run[0]
    at_3_7 = [[k, k - 40, *[""] * 3, 3.5 if k < 20 else 3.7, *[""] * (len(ORDER.names) - 6)] for k in range(40)]
    with (plan.results / "md" / run / "thermalisation.csv").open("w", newline="") as file:
        csv.writer(file).writerows([ORDER.names, *at_3_7])
    found = read_cases(plan, plan.config.md.run)[0].runs[run]
    before = cases[0].runs[run]
    assert (before["gap_edge_A"].start, found["gap_edge_A"].start) == pytest.approx((3.5, 3.7))
    assert found["gap_edge_A"].late == before["gap_edge_A"].late
    assert found["charge_flake_e"] == before["charge_flake_e"]


def test_runs_that_differ_in_their_seed_alone_are_a_case(cases):
    assert {case.name: len(case.runs) for case in cases} == {**{f"m-{label}": 2 for label in LABELS}, "hot": 1}
    late = [run["gap_edge_A"].late for run in cases[0].runs.values()]
    assert late == pytest.approx([4.3, 4.305], abs=0.01)
    charges = next(iter(cases[0].runs.values()))
    assert charges["charge_nd_e"].late == pytest.approx(-0.2 * 74.5)
    assert charges["charge_flake_e"].change == pytest.approx(0.2 * 74.5)
    assert "charge_ion_e" not in charges


def test_what_is_compared_differs_in_one_thing(plan, cases):
    found = {(c.factor, c.plus[0].name, c.minus[0].name) for c in comparisons(cases) if len(c.plus) == 1}
    assert found == {
        ("nanodiamond", "m-nd-li", "m-li"),
        ("nanodiamond", "m-nd", "m-none"),
        ("ions", "m-nd-li", "m-nd"),
        ("ions", "m-li", "m-none"),
    }
    (square,) = [c for c in comparisons(cases) if len(c.plus) == 2]
    assert {case.name for case in square.plus} == {"m-nd-li", "m-none"}
    assert {case.name for case in square.minus} == {"m-nd", "m-li"}
    assert factors(plan, "m-nd-li-s1")["ions"] == "2 Li"
    assert factors(plan, "m-nd-s1") == factors(plan, "m-nd-s2")


OTHER = {
    "cluster": "nd35",
    "flake": "c24-aa",
    "edge": "armchair",
    "tip": [1, 0, 0],
    "distance_A": 4.0,
    "height": "above",
    "charge": 1,
    "multiplicity": 3,
    "box": {"vacuum_A": 20.0},
}


@pytest.mark.parametrize("key", sorted(AssemblyRecipe.model_fields.keys() - {"kind", "description", "references"}))
def test_whatever_changes_in_a_recipe_is_a_factor(tmp_path, recipes, key):
    shutil.copytree(recipes, tmp_path / "structures")
    path = tmp_path / "structures/assemblies/paper-li.yaml"
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    changed = path.with_name("changed.yaml")
    changed.write_text(yaml.safe_dump({**recipe, key: OTHER[key]}), encoding="utf-8")
    runs = {name: {"assembly": name, "steps": N} for name in ("paper-li", "changed")}
    fields = {"levels": {"gfn2": {"engine": "xtb"}}, "md": {"level": "gfn2", "runs": runs, "run": list(runs)}}
    plan = Plan(Config.model_validate({**fields, "structures": str(tmp_path / "structures")}))
    before, after = (factors(plan, name) for name in runs)
    differ = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert len(differ) == 1 or (key == "flake" and differ <= {"flake", "gap", "ions"} and differ)


def test_verdicts(cases):
    verdicts = {
        (f["factor"], *f["plus"], *f["minus"]): (f["difference"], f["verdict"])
        for f in findings(cases)
        if f["quantity"] == "gap_edge_A"
    }
    expected = {
        ("nanodiamond", "m-nd-li", "m-li"): (0.8, "supported"),
        ("nanodiamond", "m-nd", "m-none"): (0.2, "supported"),
        ("ions", "m-nd-li", "m-nd"): (0.6, "supported"),
        ("ions", "m-li", "m-none"): (0.0, "not supported"),
    }
    for key, (difference, verdict) in expected.items():
        assert verdicts[key] == (pytest.approx(difference, abs=0.02), verdict)
    (square,) = [value for (factor, *_), value in verdicts.items() if "×" in factor]
    assert square == (pytest.approx(0.6, abs=0.03), "supported")
    # what only the runs with a nanodiamond have is not compared with those without
    assert {f["factor"] for f in findings(cases) if f["quantity"] == "penetration_A"} == {"ions"}


def test_one_run_supports_nothing(plan, cases):
    for case in cases:
        case.runs = dict(list(case.runs.items())[:1])
    assert {f["verdict"] for f in findings(cases)} == {"cannot be said"}


def test_counts_without_scatter_prove_nothing(cases):
    for case in cases:
        for run in case.runs.values():
            run["ions_expelled"] = Measure(0, float(case.name.startswith("m-nd")), 0.0)
    found = {(*f["plus"], *f["minus"]): f for f in findings(cases) if f["quantity"] == "ions_expelled"}
    assert found["m-nd-li", "m-li"]["verdict"] == "cannot be said"
    assert "no run differs from another" in found["m-nd-li", "m-li"]["text"]
    assert found["m-li", "m-none"]["verdict"] == "not supported"
    assert found["m-li", "m-none"]["text"] == "ions outside the flake: the same change in all runs"


def test_what_an_event_of_the_model_tells_counts_in_no_contrast(plan, cases):
    verify = {"level": "reference", "twin": "second"}
    levels = {name: {"engine": "xtb"} for name in ("gfn2", "reference", "second")}
    content = plan.config.model_dump(mode="json") | {"levels": levels}
    checked = Plan(Config.model_validate(content | {"md": content["md"] | {"verify": verify}}))
    record = Verification(
        verdict="trusted",
        reasons=[],
        criteria=VerdictCriteria(),
        level="gfn2",
        reference="reference",
        titles=dict.fromkeys(levels, "GFN2-xTB"),
        frames_compared=4,
        frames_chosen=4,
        force_rmse_eV_A=None,
        force_rms_eV_A=None,
        largest_grade=None,
        frames_graded=0,
        cutting=None,
        twin=Twin(level="second", events=[TwinEvent(event="layers_opened", twin_step=8)]),
    )
    record.write(plan.results / "md/m-nd-s1/verification.json")
    found = {run: set(values) for case in read_cases(checked, plan.config.md.run) for run, values in case.runs.items()}
    before = {run: set(values) for case in cases for run, values in case.runs.items()}
    assert "gap_edge_A" in before["m-nd-s1"]
    assert found == before | {"m-nd-s1": before["m-nd-s1"] - {"gap_edge_A"}}


def test_what_is_not_there_is_left_out(plan, cases):
    fields = {"level": "gfn2", "engine": "xtb", "engine_version": "1", "input_hash": "0"}
    for run, status in (("hot", "not_converged"), ("m-nd-s1", "converged"), ("m-none-s1", "converged")):
        Result(status=status, **fields).write(plan.results / f"jobs/md/{run}.gfn2/result.json")
    compare_runs(plan)
    content = json.loads((plan.results / "contrasts.json").read_text())
    assert content["left_out"] == [run for run in plan.config.md.run if run not in {"m-nd-s1", "m-none-s1"}]
    assert {f["verdict"] for f in content["findings"]} == {"cannot be said"}


@pytest.mark.parametrize(
    ("verified", "verdict", "left_out"),
    [(True, "refused", True), (True, "trusted", False), (True, None, False), (False, "refused", False)],
)
def test_a_run_is_left_out_where_its_verification_refuses_it(plan, cases, verified, verdict, left_out):
    """A file of an earlier configuration, in which the run was verified, does not count."""
    content = plan.config.model_dump()
    content["levels"]["pbe"] = {"engine": "xtb", "accuracy": 0.1}
    content["md"]["verify"] = {"level": "pbe", "frames": 1} if verified else None
    plan = Plan(Config.model_validate(content))
    fields = {"level": "gfn2", "engine": "xtb", "engine_version": "1", "input_hash": "0"}
    Result(status="converged", **fields).write(plan.results / "jobs/md/m-nd-s1.gfn2/result.json")
    if verdict:
        Verification(
            verdict=verdict,
            reasons=[],
            criteria=VerdictCriteria(),
            level="gfn2",
            reference="pbe",
            titles={},
            frames_compared=1,
            frames_chosen=1,
            force_rmse_eV_A=0.1,
            force_rms_eV_A=1.0,
            largest_grade=None,
            frames_graded=0,
            cutting=None,
        ).write(plan.results / "md/m-nd-s1/verification.json")
    compare_runs(plan)
    content = json.loads((plan.results / "contrasts.json").read_text())
    assert ("m-nd-s1" in content["left_out"]) is left_out


def test_files(cases, tmp_path):
    write_contrasts(cases, ["m-broken"], tmp_path / "out")
    with (tmp_path / "out/contrasts.csv").open() as file:
        rows = list(csv.DictReader(file))
    gaps = [row for row in rows if row["quantity"] == "gap_edge_A"]
    assert [row["run"] for row in gaps if row["case"] == "m-nd"] == ["m-nd-s1", "m-nd-s2", ""]
    assert all(float(row["low"]) < float(row["change"]) < float(row["high"]) for row in gaps if not row["run"])
    assert {row["level"] for row in rows} == {"gfn2"}
    content = json.loads((tmp_path / "out/contrasts.json").read_text())
    assert content["left_out"] == ["m-broken"]
    text = (tmp_path / "out/contrasts.md").read_text()
    assert "m-broken" in text
    assert re.search(r"Supported:\n\n- gap at the edge: 0\.(79|80)\d* Å more", text)
    write_contrasts(cases[:1], [], tmp_path / "alone")
    assert "no effect can be attributed" in (tmp_path / "alone/contrasts.md").read_text()


def test_tables_that_are_not_there_or_cut(plan):
    with pytest.raises(UserError, match=r"order_parameters.csv: cannot be read"):
        read_cases(plan, ["hot"])
    path = plan.results / "md/hot/order_parameters.csv"
    path.parent.mkdir(parents=True)
    path.write_text("step,gap_edge_A\n1,2\n3\n")
    with pytest.raises(UserError, match=r"order_parameters.csv \(line 3\): 1 cells; needed: 2"):
        read_cases(plan, ["hot"])


def case(name, changes, **factors):
    known = {"nanodiamond": "none", "cut": "none", "height": "none", "launch_m_s": "0", "ions": "2 Li", "gap": "3.7 Å"}
    runs = {f"{name}-s{k}": {"gap_edge_A": Measure(0.0, change, 0.01)} for k, change in enumerate(changes)}
    return Case(name, "gfn2", known | factors, runs)


def only(*cases):
    (found,) = findings(cases)
    return found


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ((1.0, 1.1), "supported", "1.05 Å more"),
        ((-1.0, -1.1), "supported", "1.05 Å less"),
        ((-1.0, 1.2), "not supported", "0.1 Å more"),
    ],
)
def test_a_difference_is_supported_if_its_interval_leaves_out_zero_on_either_side(changes, verdict, words):
    found = only(case("a", changes, gap="4 Å"), case("b", (0.0, 0.0)))
    assert (found["plus"], found["minus"], found["verdict"]) == (["a"], ["b"], verdict)
    assert words in found["text"]
    assert found["difference"] == pytest.approx(np.mean(changes))


def square_of(changes):
    """Return four cases, two factors crossed, each with its changes of three independent quantities by run."""
    names = ["gap_edge_A", "gap_centre_A", "opening_angle_deg"]
    known = {"cut": "none", "launch_m_s": "0", "gap": "3.7 Å"}
    labels = [("nd75", "2 Li"), ("nd75", "none"), ("none", "2 Li"), ("none", "none")]
    for name in names:
        assert name in QUANTITIES
    return [
        Case(
            f"{nd}-{ions}",
            "gfn2",
            known | {"nanodiamond": nd, "ions": ions},
            {
                f"s{k}": {n: Measure(0.0, v, 1e-9) for n, v in zip(names, row, strict=True)}
                for k, row in enumerate(runs)
            },
        )
        for (nd, ions), runs in zip(labels, changes, strict=True)
    ]


@pytest.fixture
def few_resamples(monkeypatch):
    monkeypatch.setattr(statistics, "RESAMPLES", 200)


def test_where_nothing_differs_at_most_one_table_in_twenty_supports_anything(few_resamples):
    """200 permutations of which run belongs to which case, five seeds each: 15 comparisons a table."""
    random = np.random.default_rng(11)
    changes = random.normal(size=(20, 3))
    tables = [findings(square_of(random.permutation(changes).reshape(4, 5, 3))) for _ in range(200)]
    assert {len(table) for table in tables} == {15}
    assert sum(any(f["verdict"] == "supported" for f in table) for table in tables) <= 0.05 * 200
    # without the correction nearly every second table would
    alone = sum(any(f["p"] <= 0.05 for f in table) for table in tables)
    assert alone > 0.25 * 200


def test_a_planted_effect_is_found_as_often_as_its_size_allows(few_resamples):
    """Power of Student's t, from the noncentral distribution: it is at most that of a comparison alone, and at least
    that of the clearest of 15 of which no other is true."""
    random, n, size, draws = np.random.default_rng(5), 5, 4.0, 80
    found = 0
    for _ in range(draws):
        changes = random.normal(size=(4, n, 3))
        changes[:2, :, 0] += size  # the nanodiamond opens the edge, with ions and without
        (of_edge,) = (
            f
            for f in findings(square_of(changes))
            if (f["factor"], f["quantity"], f["plus"]) == ("nanodiamond", "gap_edge_A", ["nd75-2 Li"])
        )
        found += of_edge["verdict"] == "supported"
    freedom, shift = 2 * n - 2, size * np.sqrt(n / 2)
    strictest = 0.05 / 15 / sum(1 / k for k in range(1, 16))
    least, most = (nct.sf(t.ppf(1 - p / 2, freedom), freedom, shift) for p in (strictest, 0.05))
    assert 0.7 < least < most
    assert least - 3 * np.sqrt(least * (1 - least) / draws) < found / draws <= 1


@pytest.mark.parametrize("order", [1, -1])
def test_what_has_a_thing_is_compared_with_what_lacks_it(order):
    found = only(*[case("a", (1.0, 1.1), ions="none"), case("b", (0.0, 0.0))][::order])
    assert (found["plus"], found["minus"]) == (["b"], ["a"])
    assert found["difference"] == pytest.approx(-1.05)


def test_an_interval_that_touches_zero_is_written_with_true_minus_signs():
    found = only(case("a", (-1.0, 1.2), gap="4 Å"), case("b", (0.0, 0.0)))
    assert re.search(
        r"\(95 % interval of the difference −\d+\.?\d* to \d+\.?\d* Å; d = 0\.0909, q = 0\.9\d\)$", found["text"]
    )
    assert found["low"] < 0 < found["high"]


def test_without_a_nanodiamond_cut_and_launch_are_nothing():
    drilled = case("a", (1.0, 1.1), nanodiamond="nd75", cut="edge zigzag", height="gap", launch_m_s="800")
    assert only(drilled, case("b", (0.0, 0.1)))["factor"] == "nanodiamond"
    # between two with one, they are what differs
    assert findings([drilled, case("b", (0.0, 0.1), nanodiamond="nd35", cut="edge armchair", height="gap")]) == []
    other = case("b", (0.0, 0.1), nanodiamond="nd75", cut="edge zigzag", height="gap", launch_m_s="0")
    assert only(drilled, other)["factor"] == "launch_m_s"


def test_what_differs_in_two_things_is_not_compared():
    assert findings([case("a", (1.0, 1.1), ions="none", gap="4 Å"), case("b", (0.0, 0.1))]) == []
    assert findings([case("a", (1.0, 1.1)), case("b", (0.0, 0.1))]) == []


def test_the_fewest_runs_of_the_cases_compared_decide():
    found = only(case("a", (1.0, 1.1, 1.2), gap="4 Å"), case("b", (0.5,)))
    assert (found["fewest_runs"], found["verdict"]) == (1, "cannot be said")
    assert "of one run nothing is known of other seeds" in found["text"]


def test_a_row_for_each_run_and_one_for_all(tmp_path):
    runs = {f"a-s{k}": {"gap_edge_A": Measure(3.5 + k, 4.0 + 3 * k, float("nan"))} for k in range(2)}
    write_contrasts([Case("a", "gfn2", {}, runs)], [], tmp_path)
    with (tmp_path / "contrasts.csv").open() as file:
        first, second, every = csv.DictReader(file)
    assert [first[key] for key in ("run", "start", "late", "change", "error", "low", "n_runs", "method")] == [
        *("a-s0", "3.5", "4.0", "0.5", "", "", "1", "blocks")
    ]
    assert (second["start"], second["change"]) == ("4.5", "2.5")
    assert [every[key] for key in ("run", "start", "late", "change", "n_runs", "method")] == [
        *("", "4.0", "5.5", "1.5", "2", "t over seeds")
    ]


def test_the_page_has_a_section_for_each_comparison_and_its_verdicts_in_one_order(tmp_path):
    more, fewer = case("a", (1.0, 1.05, 1.1), gap="4 Å"), case("b", (0.0, 0.0, 0.0))
    other = case("c", (0.0, 0.05, 0.1), gap="5 Å")
    write_contrasts([more, fewer, other], ["d-s1", "d-s2"], tmp_path)
    lines = (tmp_path / "contrasts.md").read_text().splitlines()
    assert lines[0] == "# What the runs say side by side"
    assert "Left out, not converged, refused or not there: d-s1, d-s2." in lines
    assert "Runs of each case: a: 3 (gfn2); b: 3 (gfn2); c: 3 (gfn2)." in lines
    assert [line for line in lines if line.startswith("## ")] == [
        "## Gap 4 Å against 3.7 Å (a, b)",
        "## Gap 4 Å against 5 Å (a, c)",
        "## Gap 3.7 Å against 5 Å (b, c)",
    ]
    first = lines[lines.index("## Gap 4 Å against 3.7 Å (a, b)") :]
    assert first[1:4] == ["", "Supported:", ""]
    assert first[4].startswith("- gap at the edge: 1.05 Å more (95 % interval")
    assert [line for line in lines if line.endswith("supported:") or line == "Supported:"] == [
        *("Supported:", "Supported:", "Not supported:")
    ]
    assert lines.count("Cannot be said:") == 0
    text = (tmp_path / "contrasts.json").read_text()
    assert "Å" in text
    assert text.endswith("}\n")
    write_contrasts([more], [], tmp_path)
    assert "Left out" not in (tmp_path / "contrasts.md").read_text()


def test_of_two_factors_that_cross_the_square_is_given_once_and_in_words():
    """How much more a larger gap does with lithium than without it: (3 - 1) - (0.5 - 0)."""
    known = {"ions": ("2 Li", "none"), "gap": ("4 Å", "3.7 Å")}
    changes = {("2 Li", "4 Å"): 3.0, ("2 Li", "3.7 Å"): 1.0, ("none", "4 Å"): 0.5, ("none", "3.7 Å"): 0.0}
    cases = [
        case(f"{ions} {gap}", (change, change + 0.01), ions=ions, gap=gap) for (ions, gap), change in changes.items()
    ]
    for order in (cases, cases[::-1], [cases[k] for k in (2, 0, 3, 1)]):
        (square,) = [found for found in findings(order) if "×" in found["factor"]]
        assert square["factor"] == "ions × gap" or square["factor"] == "gap × ions"
        assert abs(square["difference"]) == pytest.approx(1.5)
        assert square["verdict"] == "supported"
        assert {*square["plus"], *square["minus"]} == {each.name for each in cases}
        assert len(list(comparisons(order))) == 5
    (square,) = [found for found in findings(cases) if "×" in found["factor"]]
    assert ": more with " in square["comparison"]
    assert known["ions"][0] in square["comparison"]
    # three of the four make none, nor do two pairs in different steps of the other factor
    assert not [found for found in findings(cases[:3]) if "×" in found["factor"]]
    third = case("c", (0.0, 0.1), ions="none", gap="5 Å")
    assert not [found for found in findings([*cases[:2], cases[2], third]) if "×" in found["factor"]]


def test_a_single_run_without_blocks_says_the_same_change_only_if_there_is_no_error_either():
    one, other = case("a", (1.0,), gap="4 Å"), case("b", (1.0,))
    found = only(one, other)
    assert (found["difference"], found["verdict"]) == (0, "cannot be said")
    for each in (one, other):
        each.runs = {name: {"gap_edge_A": Measure(0.0, 1.0, 0.0)} for name in each.runs}
    found = only(one, other)
    assert (found["verdict"], found["text"]) == ("not supported", "gap at the edge: the same change in all runs")
    for change, words in ((-2.0, "2 Å less"), (3.0, "3 Å more")):
        one.runs = {"a-s0": {"gap_edge_A": Measure(0.0, 1.0 + change, 0.0)}}
        assert (only(one, other)["verdict"], words in only(one, other)["text"]) == ("cannot be said", True)
    assert found["levels"] == ["gfn2"]
    other.level = "pbe"
    assert (only(one, other)["level"], only(one, other)["levels"]) == ("gfn2, pbe", ["gfn2", "pbe"])
