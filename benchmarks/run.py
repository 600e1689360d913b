"""Run the benchmarks one after the other, print one table, and write docs/benchmarks.md.

python benchmarks/run.py [--quick]; quick: once, small, nothing kept.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import table

HERE = Path(__file__).parent
ALONE = ("startup", "cube_reading", "elf_grid", "order_parameters", "adsorption_sites", "gfn2_step", "noop_jobs")


def main() -> int:
    """Run them, and return how many failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    failed = 0
    for name in ALONE:
        print(f"\n{name}", flush=True)
        words = [sys.executable, HERE / f"{name}.py", *(["--quick"] if options.quick else [])]
        failed += subprocess.run(words, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False).returncode != 0
    if not options.quick:
        print()
        table.main()
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
