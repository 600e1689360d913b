"""Time and memory of each stage of the default run, both cores' use, and the same for the paper's system made larger.

The default run is the one that `make run` left in this folder, by its own account: each log ends with what its job
took. Then 327 atoms (the paper's C75 before a bilayer of C96H24 with 12 Li) take two steps of molecular dynamics with
GFN2 and are mapped once, on one core, some minutes: not part of `make bench`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import yaml
from frame import ROOT, Row, benchmark

from iondrill.errors import TOOK

SPENT = re.compile(rf"^{TOOK}[\d.]+ s, ([\d.]+) s of CPU time, at most (\d+) MB in one process$", re.MULTILINE)
ELAPSED = re.compile(r"^Elapsed time: (\d+):(\d+):([\d.]+)$", re.MULTILINE)
ENGINES = {"relax", "relax_slab", "relax_adsorbate", "run_atom", "run_md", "run_elf_point"}
SITES = "relax_sites"
"""Of some facets at a level each."""
RUN = {"assembly": "large", "steps": 2, "relax_parts": False, "thermalise": {"time_fs": 0}}
LARGE = {
    "levels": {"gfn2": {"engine": "xtb"}},
    "md": {"level": "gfn2", "run": ["large"], "runs": {"large": RUN}},
    "elf": {"level": "gfn2", "frames": 1},
}
ASSEMBLY = {
    "kind": "assembly",
    "cluster": "nd75-c3v",
    "flake": "c96-aa-li12",
    "tip": [-1, -1, -1],
    "box": {"vacuum_A": 15},
}


def snakemake(folder):
    """Run the workflow in a folder, on one core."""
    words = [Path(sys.executable).with_name("snakemake"), "-s", ROOT / "Snakefile", "-d", folder]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    words += ["--cores", "1", "--quiet", "all"]
    subprocess.run(words, check=True, env=environment, stdout=subprocess.DEVNULL)


def elapsed_s(folder):
    """Return how long the longest run of Snakemake in a folder took."""
    logs = (path.read_text(errors="replace") for path in folder.glob(".snakemake/log/*.log"))
    times = [tuple(map(float, found)) for text in logs for found in ELAPSED.findall(text)]
    return max(3600 * h + 60 * m + s for h, m, s in times)


def stages(folder):
    """Yield for each rule its number of jobs, their CPU time in s together, and the most memory of one in MB."""
    found = defaultdict(list)
    for path in sorted(folder.glob("results/logs/**/*.log")):
        rule = path.relative_to(folder / "results/logs").parts[0].removesuffix(".log")
        found[rule] += [(float(cpu_s), float(memory_MB)) for cpu_s, memory_MB in SPENT.findall(path.read_text())]
    for rule, jobs in sorted(found.items(), key=lambda item: -sum(cpu_s for cpu_s, _ in item[1])):
        if jobs:
            yield rule, len(jobs), sum(cpu_s for cpu_s, _ in jobs), max(memory_MB for _, memory_MB in jobs)


def described(name, found):
    """Yield a row for each stage."""
    for rule, n, cpu_s, memory_MB in found:
        note = f"{cpu_s:.3g} s of CPU time" + (f" in {n} jobs" if n > 1 else "")
        yield Row(f"{name}: memory of {rule}", "none", "MB", ours=memory_MB, note=note)


def rows(options):
    if not options.quick:
        found = list(stages(ROOT))
        cpu_s, wall_s = sum(cpu_s for _, _, cpu_s, _ in found), elapsed_s(ROOT)
        engines_s = sum(cpu_s for rule, _, cpu_s, _ in found if rule in ENGINES or rule.startswith(SITES))
        note = f"{cpu_s:.0f} s of CPU time in {wall_s:.0f} s, {engines_s / cpu_s:.1%} of it in jobs of the engine"
        idle = 1 - cpu_s / (2 * wall_s)
        yield Row("default run: share of two cores that no job uses", "a limit", "", ours=idle, wanted=0.15, note=note)
        yield from described("default run", found)
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder)
        shutil.copytree(ROOT / "structures", large / "structures")
        (large / "structures/assemblies/large.yaml").write_text(yaml.safe_dump(ASSEMBLY))
        (large / "config.yaml").write_text(yaml.safe_dump(LARGE))
        snakemake(large)
        yield from described("327 atoms", stages(large))


if __name__ == "__main__":
    benchmark("default_run", rows, pairs=1)
