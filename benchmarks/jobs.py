"""What planning and running many jobs costs: ``python benchmarks/jobs.py 1000 [--run]``.

A project of so many adsorption jobs is planned by ``snakemake -n``; with ``--run`` it is run too, by an engine that
computes nothing. CPU seconds are given, of which a busy machine says the same as an idle one.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
FACET = {
    "kind": "facet",
    "miller": [1, 0, 0],
    "reconstruction": "2x1",
    "layers": 4,
    "fixed_layers": 1,
    "cell": [2, 2],
}
SITES = ["bridge", "cave", "pedestal", "top", "valley-bridge"]
IONS = ["Li", "Na"]


def make_project(folder: Path, n_jobs: int) -> None:
    """Write a configuration that calls for at least so many relaxations of slabs with an ion."""
    per_facet = len(SITES) * len(IONS)
    facets = [f"facet-{i:04d}" for i in range(-(-n_jobs // per_facet))]
    (folder / "structures/facets").mkdir(parents=True)
    for name in facets:
        (folder / f"structures/facets/{name}.yaml").write_text(yaml.safe_dump(FACET))
    content = {
        "levels": {"gfn2": {"engine": "xtb"}},
        "adsorption": {"level": "gfn2", "facets": facets, "ions": IONS, "sites": SITES, "fmax_eV_A": 0.1},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(content))


def cost_s(folder: Path, *options: str, **variables: str) -> float:
    """Return the CPU time of a Snakemake and all that it starts, s."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [
        str(Path(sys.executable).with_name("snakemake")),
        "results/adsorption.csv",
        "-s",
        str(ROOT / "Snakefile"),
    ]
    subprocess.run(
        [*command, "-d", str(folder), "--cores", "1", *options],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", type=int, nargs="+")
    parser.add_argument("--run", action="store_true", help="run them too, by an engine that computes nothing")
    options = parser.parse_args()
    for n_jobs in options.jobs:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_project(folder, n_jobs)
            first, again = cost_s(folder, "-n", "-q", "all"), cost_s(folder, "-n", "-q", "all")
            print(f"{n_jobs} jobs: planned in {first:.1f} s, with the sites known {again:.1f} s", flush=True)
            if options.run:
                noop = f"{ROOT / 'benchmarks/noop'}:{ROOT / 'workflow'}"
                spent = cost_s(folder, "-q", "all", PYTHONPATH=noop) - again
                print(f"{n_jobs} jobs: run in {spent:.1f} s, {spent / n_jobs:.2f} s each", flush=True)


if __name__ == "__main__":
    main()
