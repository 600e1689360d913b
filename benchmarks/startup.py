"""What one waits for before anything is computed: `import iondrill`, `iondrill check`, `snakemake -n`.

Each runs in a fresh process in the root of the repository, with the default config; what counts is the CPU time of the
process, from its second start on: the first one compiles. Limits: 0.3, 1 and 3 s. The heavy libraries must not be
loaded by the import. What ASE brings in of SciPy by way of `ase.constraints`, `iondrill.deferred` puts off.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from frame import ROOT, Row, benchmark, cost

BIN = Path(sys.executable).parent
HEAVY = ("pymatgen", "pyscf", "tblite", "matplotlib", "scipy", "ase", "snakemake")
WORKS = (
    ("import iondrill", [sys.executable, "-c", "import iondrill"], 0.3),
    ("iondrill --version", [BIN / "iondrill", "--version"], 0.3),
    ("iondrill check", [BIN / "iondrill", "check"], 1),
    ("snakemake -n", [BIN / "snakemake", "-n", "--quiet"], 3),
)


def rows(options):
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for name, words, wanted in WORKS:
        subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
        taken = [
            cost(lambda words=words: subprocess.run(words, cwd=ROOT, check=True, capture_output=True))
            for _ in range(options.pairs)
        ]
        seconds = [one.cpu_s for one in taken]
        note = f"{min(seconds):.2g}–{max(seconds):.2g}; wall {min(one.wall_s for one in taken):.2g} at best"
        yield Row(name, "a limit", "s", ours=median(seconds), wanted=wanted, note=note)
    code = f"import sys, iondrill.cli; print(*(set({HEAVY}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    yield Row("heavy libraries loaded by iondrill.cli", "none", "", ours=len(loaded), wanted=0, note=" ".join(loaded))


if __name__ == "__main__":
    benchmark("startup", rows)
