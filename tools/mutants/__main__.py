"""``python -m mutants``: samples of wrong code, and which of them the tests notice; docs/tests.md holds the result."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from typing import TYPE_CHECKING

from mutants.page import write_page
from mutants.sample import LEAST, everything, sample
from mutants.trial import ROOT
from mutants.verdict import verdicts

if TYPE_CHECKING:
    from mutants.verdict import Verdict

ENOUGH = 0.9


def main() -> int:
    """Try samples, or all of a module; return 1 if fewer than nine in ten of one are killed."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="which samples (default: 1)")
    parser.add_argument("--size", type=int, default=330, help="mutants in each, at least (default: 330)")
    parser.add_argument("--all-of", metavar="MODULE", help="all mutants of modules whose path begins so, no sample")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (default: all cores)")
    parser.add_argument("--page", action="store_true", help="write the result into docs/tests.md")
    options = parser.parse_args()
    results = {}
    for seed in options.seed:
        chosen = everything(options.all_of) if options.all_of else sample(options.size, seed)
        results[seed] = verdicts(chosen, seed, options.workers)
        tell(results[seed], options.all_of.replace("/", "-") if options.all_of else f"seed-{seed}")
    if options.page:
        write_page(results, LEAST)
    return 1 if any(share(some) < ENOUGH for some in results.values()) else 0


def share(results: list[Verdict]) -> float:
    """Return which part was killed."""
    return sum(not each.survived for each in results) / len(results)


def tell(results: list[Verdict], name: str) -> None:
    """Print what was killed by module, and write the survivors into results.mutants."""
    tried, survived = Counter(r.module for r in results), Counter(r.module for r in results if r.survived)
    for module, n in sorted(tried.items()):
        print(f"{module:34} {n - survived[module]:4} of {n:4} killed, {100 * (1 - survived[module] / n):.0f} %")
    folder = ROOT / "results.mutants"
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.txt"
    file.write_text("".join(f"{each}\n\n" for each in results if each.survived), encoding="utf-8")
    print(
        f"{len(results) - survived.total()} of {len(results)} killed, {100 * share(results):.1f} %; the others: {file}"
    )


if __name__ == "__main__":
    sys.exit(main())
