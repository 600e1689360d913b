"""The part of docs/reliability.md that the drill writes."""

from __future__ import annotations

import platform
import subprocess
from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING

from faultdrill.faults import FAULTS
from faultdrill.runs import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from faultdrill.campaign import Outcome

PAGE = ROOT / "docs/reliability.md"
BEGIN, END = "<!-- written by make drill: begin -->", "<!-- written by make drill: end -->"
LEVELS = {"gfn2": "GFN2", "pbe-d3": "CP2K"}
WORDS = 90


def write_page(outcomes: Sequence[Outcome], page: Path = PAGE) -> None:
    """Put the tables of a drill between the two marks of the page."""
    text = page.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    page.write_text(f"{before}{BEGIN}\n{tables(outcomes)}\n{after}", encoding="utf-8")


def tables(outcomes: Sequence[Outcome]) -> str:
    """Return what a drill says: of each kind of fault, and of each run."""
    n_faults = sum(len(outcome.faults) for outcome in outcomes)
    equal = sum(not outcome.differences for outcome in outcomes)
    versions = [f"{name} {version(name)}" for name in ("snakemake", "snakemake-executor-plugin-slurm", "tblite", "ase")]
    counts = Counter(word.partition(" ")[0] for outcome in outcomes for word in outcome.by_hand)
    lines = [
        f"{n_faults} faults in {len(outcomes)} runs; {equal} runs ended as if nothing had happened.",
        (
            f"By hand, as the messages asked: `snakemake --unlock` {counts['unlocked']} times, after a killed driver; "
            f"{counts['removed']} damaged files removed."
        ),
        (
            f"Python {platform.python_version()}, {', '.join(versions)}; {program('slurmctld', '-V')}; "
            f"{program('cp2k.psmp', '--version')}."
        ),
        "",
        *table(
            ("fault", "in life", *(f"{where}, {name}" for where in WHERE for name in LEVELS.values())), kinds(outcomes)
        ),
        "",
        *table(("run", "seed", "faults, in order", "starts", "extra SCF cycles", "outcome"), map(run, outcomes)),
    ]
    return "\n".join(lines)


WHERE = ("local", "Slurm")


def kinds(outcomes: Sequence[Outcome]) -> Iterable[tuple[str, ...]]:
    """Yield a row for each kind of fault: how often it struck."""
    count = Counter((kind, each.executor, each.level) for each in outcomes for kind, _ in each.faults)
    for kind, fault in FAULTS.items():
        struck = [count[kind, where, level] for where in WHERE for level in LEVELS]
        yield (kind, fault.meaning, *(str(number or "") for number in struck))


def run(outcome: Outcome) -> tuple[str, ...]:
    """Return the row of a run."""
    faults = "; ".join(f"{kind} ({what})" for kind, what in outcome.faults)
    ending = "; ".join(outcome.differences)[:WORDS] or "equal"
    extra = f"{100 * outcome.extra_cycles:+.0f} %"
    return f"{outcome.executor}, {LEVELS[outcome.level]}", str(outcome.seed), faults, str(outcome.starts), extra, ending


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    cells = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in cells]


def program(*command: str) -> str:
    """Return the first line that a program says of its version."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return f"no {command[0]}"
    return next(iter(done.stdout.strip().splitlines()), command[0])
