"""From the results that there are to the ledger, and ledgers of several runs put together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from iondrill.analyse.claims.found import Checked, Found, Standing
from iondrill.analyse.claims.ledger import ledger
from iondrill.analyse.claims.verdict import CLAIMS, NOT_SHOWN, Decided, decide
from iondrill.analyse.dynamics.cases import factors, verification_of
from iondrill.analyse.tables import read_table
from iondrill.config.levels import DftLevel
from iondrill.errors import UserError
from iondrill.files import write_text
from iondrill.prepare.result_files import result_paths

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from iondrill.analyse.claims.found import Rows
    from iondrill.config.models import Config
    from iondrill.prepare.plan import Plan

RULE = (
    "A claim is supported or refuted where the whole interval lies in the region that its criterion names, at a level "
    "that the claim asks for and that did not fail its verification. Of comparisons, at most one in twenty as clear "
    "may be chance (Benjamini and Yekutieli 2001). Everything else is not shown."
)


def evaluate(plan: Plan) -> list[Decided]:
    """Return a row for each claim, from what results of a plan there are."""
    found, drawn = read_found(plan), set(result_paths(plan, lambda _: True))
    rows = [decide(claim, found) for claim in ledger().claims]
    # of a figure that no rule of the plan draws there is no link
    return [row if plan.results / row.figure in drawn else row._replace(figure="") for row in rows]


def read_found(plan: Plan) -> Found:
    """Read the tables of a plan that are there.

    Raises
    ------
    UserError
        If one is damaged.
    """
    results, runs = plan.results, list(plan.config.md.run)
    changes = _rows(results / "contrasts.csv")
    verified = {run: verification for run in runs if (verification := verification_of(plan, run)) is not None}
    mapped = {run: results / f"elf/{run}" for run in runs}
    return Found(
        levels=standings(plan.config),
        run_levels={run: plan.md.of_run(run).level for run in runs},
        checked={run: Checked(one.verdict, one.sentence, *one.reasons[:1]) for run, one in verified.items()},
        cases=_cases(plan, changes),
        findings=_json(results / "contrasts.json").get("findings", []),
        changes=[row for row in changes if not row["run"]],
        charges={run: _rows(folder / "charges.csv") for run, folder in mapped.items()},
        contacts={run: _rows(folder / "summary.csv") for run, folder in mapped.items()},
        elf_level=plan.config.elf.level,
        profiles=_json(results / "free_energy.json").get("profiles", []),
        adsorption=_rows(results / "adsorption.csv"),
        differences=_rows(results / "adsorption_levels.csv"),
        interstitials=_rows(results / "interstitials.csv"),
        shells=_rows(results / "shells.csv"),
        insertion=_rows(results / "insertion.csv"),
        compounds=_rows(results / "intercalation.csv"),
        reflections=_rows(results / "diffraction.csv"),
    )


def standings(config: Config) -> dict[str, Standing]:
    """Return what each level of a configuration is."""
    return {
        name: Standing(level.title, "reference" if isinstance(level, DftLevel) else "other")
        for name, level in config.levels.items()
    }


def _cases(plan: Plan, changes: Rows) -> Rows:
    """Return name, level, runs and factors of each case, from ``contrasts.csv`` and what its runs are made of."""
    runs: dict[tuple[str, str], list[str]] = {}
    for row in changes:
        if row["run"] in plan.config.md.runs and row["run"] not in runs.setdefault((row["case"], row["level"]), []):
            runs[row["case"], row["level"]].append(row["run"])
    return [
        {"name": name, "level": level, "runs": several, "factors": factors(plan, several[0])}
        for (name, level), several in runs.items()
    ]


def _rows(path: Path) -> Rows:
    return read_table(path).rows if path.is_file() else []


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise UserError.of(path, "is no JSON", "remove it, and it is made again") from None
    return content


def judge(plan: Plan) -> list[Decided]:
    """Evaluate the claims of a plan and write ``claims.csv`` and ``claims.json``."""
    rows = evaluate(plan)
    write_table(rows, plan.results / "claims.csv")
    write_data(rows, plan.results / "claims.json")
    return rows


def write_table(rows: Sequence[Decided], path: Path) -> None:
    """Write the ledger as ``claims.csv``."""
    CLAIMS.write(rows, path)


def write_data(rows: Sequence[Decided], path: Path) -> None:
    """Write the ledger as ``claims.json``: the paper, the rule, and under ``claims`` an object for each claim."""
    content = {"paper": ledger().paper, "rule": RULE, "claims": [row._asdict() for row in rows]}
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_claims(path: Path) -> list[Decided]:
    """Read a ``claims.json``.

    Raises
    ------
    UserError
        If it cannot be read, or holds something else.
    """
    try:
        return [Decided(**row) for row in json.loads(path.read_text(encoding="utf-8"))["claims"]]
    except OSError as error:
        raise UserError.of(path, f"cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError):
        raise UserError.of(path, "is no ledger of claims", "allowed: claims.json, by `snakemake claims`") from None


def together(ledgers: Sequence[Sequence[Decided]]) -> list[Decided]:
    """Return one ledger of several: of each claim the row that decides it, or has a number, of most seeds.

    Where one supports a claim and another refutes it, nothing is shown.
    """
    nothing = [decide(claim, Found()) for claim in ledger().claims]
    return [_of_several([*(row for rows in ledgers for row in rows if row.id == one.id), one]) for one in nothing]


def _of_several(rows: Sequence[Decided]) -> Decided:
    decided = [row for row in rows if row.verdict != NOT_SHOWN]
    if len({row.verdict for row in decided}) > 1:
        both = " ".join(f"{row.verdict.capitalize()}: {row.sentence}" for row in decided)
        return decided[0]._replace(verdict=NOT_SHOWN, sentence=f"Not shown: runs contradict each other. {both}")
    # of equals the first
    return max(rows, key=lambda row: (row.verdict != NOT_SHOWN, row.value is not None, row.n or 0))
