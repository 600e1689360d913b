"""The default run and the paper's system made larger: both cores' use, and time and memory of each stage.

The default configuration is run on two cores in a folder of its own; then 327 atoms (the paper's C75 before a bilayer
of C96H24 with 12 Li) take two steps of molecular dynamics with GFN2 and are mapped once, on one core. What each stage
takes stands at the end of its log. A quarter of an hour: not part of `make bench`.
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
from frame import ROOT, Row, benchmark, cost

SPENT = re.compile(r"^Took [\d.]+ s, ([\d.]+) s of CPU time, at most (\d+) MB in one process$", re.MULTILINE)
RUN = {"assembly": "large", "steps": 2, "relax_parts": False}
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


def snakemake(folder, cores):
    """Run the workflow in a folder, and return what it took."""
    words = [Path(sys.executable).with_name("snakemake"), "-s", ROOT / "Snakefile", "-d", folder]
    words += ["--cores", str(cores), "--quiet", "all"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return cost(lambda: subprocess.run(words, check=True, env=environment, stdout=subprocess.DEVNULL))


def project(folder, config):
    """Make a folder with the recipes and a configuration."""
    shutil.copytree(ROOT / "structures", folder / "structures")
    (folder / "config.yaml").write_text(config)
    return folder


def stages(folder):
    """Yield for each rule its number of jobs, their CPU time in s together, and the most memory of one in MB."""
    found = defaultdict(list)
    for path in sorted(folder.glob("results/logs/**/*.log")):
        rule = path.relative_to(folder / "results/logs").parts[0].removesuffix(".log")
        found[rule] += [(float(cpu_s), float(memory_MB)) for cpu_s, memory_MB in SPENT.findall(path.read_text())]
    for rule, jobs in sorted(found.items(), key=lambda item: -sum(cpu_s for cpu_s, _ in item[1])):
        if jobs:
            yield rule, len(jobs), sum(cpu_s for cpu_s, _ in jobs), max(memory_MB for _, memory_MB in jobs)


def rows(options):
    with tempfile.TemporaryDirectory() as folder:
        large = project(Path(folder, "large"), yaml.safe_dump(LARGE))
        (large / "structures/assemblies/large.yaml").write_text(yaml.safe_dump(ASSEMBLY))
        works = {"327 atoms": (large, 1)}
        if not options.quick:
            works = {"default run": (project(Path(folder, "default"), (ROOT / "config.yaml").read_text()), 2)} | works
        for name, (where, cores) in works.items():
            taken = snakemake(where, cores)
            if cores == 2:
                idle = 1 - taken.cpu_s / (2 * taken.wall_s)
                note = f"{taken.cpu_s:.0f} s of CPU time in {taken.wall_s:.0f} s"
                yield Row(f"{name}: share of two cores that is idle", "a limit", "", ours=idle, wanted=0.15, note=note)
            for rule, n, cpu_s, memory_MB in stages(where):
                note = f"{cpu_s:.3g} s of CPU time" + (f" in {n} jobs" if n > 1 else "")
                yield Row(f"{name}: memory of {rule}", "none", "MB", ours=memory_MB, note=note)


if __name__ == "__main__":
    benchmark("default_run", rows)
