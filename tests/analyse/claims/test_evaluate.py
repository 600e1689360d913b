"""The ledger from files, as files, and in the documentation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from iondrill.analyse.claims.evaluate import evaluate, judge, read_claims, together, write_data
from iondrill.analyse.claims.found import Found
from iondrill.analyse.claims.ledger import ledger
from iondrill.analyse.claims.verdict import CLAIMS, NOT_SHOWN, REFUTED, SUPPORTED, decide
from iondrill.analyse.dynamics.cases import Case, Measure, factors
from iondrill.analyse.dynamics.contrasts import write_contrasts
from iondrill.analyse.energies.formation import INTERCALATION
from iondrill.cli import main
from iondrill.cli.science_page import science_page
from iondrill.config.models import Config
from iondrill.errors import UserError
from iondrill.prepare.plan import Plan

ROOT = Path(__file__).parents[3]
CONTRACT = {"id", "claim", "verdict", "sentence", "level", "verification", "figure", "data", "command"}


@pytest.fixture
def plan(tmp_path, recipes):
    levels = {"gfn2": {"engine": "xtb"}, "pbe": {"engine": "cp2k"}}
    fields = {"levels": levels, "results": str(tmp_path / "results"), "structures": str(recipes)}
    return Plan(Config.model_validate(fields))


def write_compounds(plan, level, energy):
    rows = [dict.fromkeys(INTERCALATION.names) | {"compound": "LiC6", "level": level, "E_formation_eV_per_ion": energy}]
    INTERCALATION.write(rows, plan.results / "intercalation.csv")


@pytest.mark.parametrize(("level", "verdict"), [("pbe", SUPPORTED), ("gfn2", NOT_SHOWN)])
def test_the_ledger_is_made_from_what_is_there(plan, level, verdict):
    plan.results.mkdir()
    assert {row.verdict for row in evaluate(plan)} == {NOT_SHOWN, REFUTED}  # the paper's own numbers alone
    write_compounds(plan, level, -0.3)
    rows = {row.id: row for row in judge(plan)}
    assert rows["g1"].verdict == verdict
    assert read_claims(plan.results / "claims.json") == list(rows.values())
    table = CLAIMS.read(plan.results / "claims.csv")
    assert [row["verdict"] for row in table.rows] == [row.verdict for row in rows.values()]
    content = json.loads((plan.results / "claims.json").read_text())
    assert all(set(row) >= CONTRACT for row in content["claims"])
    assert {row["verdict"] for row in content["claims"]} <= {SUPPORTED, REFUTED, NOT_SHOWN}


def test_runs_side_by_side_are_judged_by_what_they_are_made_of(recipes, tmp_path):
    """From the files that `compare_runs` leaves: the factors of a case are those of the configuration."""
    labels = {"li": "drill-nd35-li", "none": "drill-nd35"}
    md = {"run": ["m"], "matrix": {"m": {"assemblies": labels, "seeds": [1, 2, 3], "steps": 10}}}
    fields = {"levels": {"gfn2": {"engine": "xtb"}}, "md": md, "structures": str(recipes), "results": str(tmp_path)}
    plan = Plan(Config.model_validate(fields))
    measures = {"li": (1.0, 1.1, 0.9), "none": (0.0, 0.1, -0.1)}
    cases = [
        Case(
            f"m-{label}",
            "gfn2",
            factors(plan, f"m-{label}-s1"),
            {f"m-{label}-s{k + 1}": {"gap_edge_A": Measure(3.5, 3.5 + v, 1e-3)} for k, v in enumerate(values)},
        )
        for label, values in measures.items()
    ]
    write_contrasts(cases, [], tmp_path)
    (row,) = (row for row in evaluate(plan) if row.id == "b1")
    assert (row.verdict, row.n, row.figure) == (NOT_SHOWN, 3, "figures/m-li-s1.svg")
    assert row.value == pytest.approx(1.0)
    assert "was not verified" in row.sentence


def test_damaged_tables_are_named(plan):
    plan.results.mkdir()
    (plan.results / "contrasts.json").write_text("{")
    with pytest.raises(UserError, match=r"contrasts.json: is no JSON; remove it"):
        evaluate(plan)
    (plan.results / "claims.json").write_text('{"claims": [{"id": 1}]}')
    with pytest.raises(UserError, match="is no ledger of claims"):
        read_claims(plan.results / "claims.json")
    with pytest.raises(UserError, match="cannot be read"):
        read_claims(plan.results / "elsewhere.json")


def test_ledgers_of_several_runs_are_one():
    nothing = [decide(claim, Found()) for claim in ledger().claims]

    def with_a1(verdict, value):
        return [nothing[0]._replace(verdict=verdict, value=value), *nothing[1:]]

    yes, no, number = with_a1(SUPPORTED, 1.0), with_a1(REFUTED, 0.0), with_a1(NOT_SHOWN, 0.5)
    assert together([nothing, number, yes])[0] == yes[0]
    assert together([nothing, number])[0] == number[0]
    # of equals that of most seeds
    of_five = [number[0]._replace(n=5), *number[1:]]
    assert together([number, of_five])[0] == together([of_five, number])[0] == of_five[0]
    contradicted = together([yes, no])[0]
    assert contradicted.verdict == NOT_SHOWN
    assert "contradict" in contradicted.sentence
    assert together([[]]) == nothing


@pytest.fixture
def house(tmp_path):
    (tmp_path / "docs").mkdir()
    for name in ("science.md", "claims.json"):
        shutil.copyfile(ROOT / "docs" / name, tmp_path / "docs" / name)
    return tmp_path


def test_page_and_ledger_agree():
    text = (ROOT / "docs/science.md").read_text(encoding="utf-8")
    assert science_page(ROOT) == text
    for row in read_claims(ROOT / "docs/claims.json"):
        assert f"### {row.id}. {row.claim}\n" in text
        assert f"| {row.id} | {row.claim} | {row.source} | **{row.verdict}** |" in text
        assert row.sentence in text


def test_another_ledger_makes_another_page(house):
    rows = read_claims(house / "docs/claims.json")
    changed = rows[0]._replace(verdict=SUPPORTED, sentence="It does.", value=-1.5, low=-2.0, high=-1.0)
    write_data([changed, *rows[1:]], house / "docs/claims.json")
    page = science_page(house)
    assert "- **Found**: It does.\n" in page
    assert "**supported** | −1.5 (−2 to −1) Å |" in page
    write_data(rows[1:], house / "docs/claims.json")
    with pytest.raises(UserError, match=r"its claims are not those of claims.yaml"):
        science_page(house)
    (house / "docs/science.md").write_text("# Nothing\n")
    with pytest.raises(UserError, match="does not say where the claims go"):
        science_page(house)


def test_the_command_evaluates_and_puts_together(plan, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    levels = {"gfn2": {"engine": "xtb"}, "pbe": {"engine": "cp2k"}}
    fields = {"levels": levels, "structures": str(plan.recipes)}
    (tmp_path / "config.yaml").write_text(json.dumps(fields))
    plan.results.mkdir()
    assert main(["claims", "-o", "before.json"]) == 0
    write_compounds(plan, "pbe", -0.3)
    assert main(["claims"]) == 0
    assert main(["claims", "--together", "before.json", "results/claims.json", "-o", "all.csv"]) == 0
    assert "g1  supported  LiC6 forms" in capsys.readouterr().out
    verdicts = {row["id"]: row["verdict"] for row in CLAIMS.read(tmp_path / "all.csv").rows}
    assert (verdicts["g1"], verdicts["g2"]) == (SUPPORTED, NOT_SHOWN)
