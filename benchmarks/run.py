"""Run the benchmarks one after the other, print one table, and write docs/benchmarks.md.

python benchmarks/run.py [--cp2k] [--quick]; cp2k: those that need CP2K alone; quick: once, small, nothing kept.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import table

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
LANES = (
    ("startup", "cube_reading", "elf_grid", "order_parameters", "noop_jobs"),
    ("gfn2_step", "nep_step", "adsorption_sites", "adsorption_rows"),
)
"""One core each, side by side: what is compared is CPU time."""
WITH_CP2K = (("elf_slice",), ("slab_relaxation", "md_step"))
ALONE = ("md_forces",)
"""With CP2K, after the others: it takes most of the memory."""


def run(names: Iterable[str], *, quick: bool) -> int:
    """Run benchmarks one after the other, print what each says when it ends, and return how many failed."""
    failed = 0
    for name in names:
        words = [sys.executable, HERE / f"{name}.py", *(["--quick"] if quick else [])]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        print(f"\n{name}\n{done.stdout}", end="", flush=True)
        failed += done.returncode != 0
    return failed


def main() -> int:
    """Run them, and return how many failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cp2k", action="store_true")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    with ThreadPoolExecutor() as lanes:
        failed = sum(lanes.map(lambda names: run(names, quick=options.quick), WITH_CP2K if options.cp2k else LANES))
    if options.cp2k:
        failed += run(ALONE, quick=options.quick)
    if not options.quick:
        print()
        table.main()
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
