"""What planning and running many jobs costs: ``python benchmarks/jobs.py 1000 [--run]``.

A project of so many adsorption jobs is planned by ``snakemake -n``; with ``--run`` it is run too, by an engine that
computes nothing; wall seconds want an idle machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import yaml
from frame import ROOT, cost

sys.path.insert(0, str(ROOT / "tools"))

from faultdrill.projects import C100

SITES = ["bridge", "cave", "pedestal", "top", "valley-bridge"]
IONS = ["Li", "Na"]


def make_project(folder: Path, n_jobs: int) -> None:
    """Write a configuration that calls for at least so many relaxations of slabs with an ion."""
    per_facet = len(SITES) * len(IONS)
    facets = [f"facet-{i:04d}" for i in range(-(-n_jobs // per_facet))]
    (folder / "structures/facets").mkdir(parents=True)
    for name in facets:
        (folder / f"structures/facets/{name}.yaml").write_text(yaml.safe_dump(C100))
    content = {
        "levels": {"gfn2": {"engine": "xtb"}},
        "adsorption": {"level": "gfn2", "facets": facets, "ions": IONS, "sites": SITES, "fmax_eV_A": 0.1},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(content))


def run(folder: Path, *options: str, **variables: str) -> None:
    """Run Snakemake on two cores up to the table of adsorption energies."""
    command = [
        str(Path(sys.executable).with_name("snakemake")),
        "results/adsorption.csv",
        "-s",
        str(ROOT / "Snakefile"),
    ]
    subprocess.run(
        [*command, "-d", str(folder), "--cores", "2", "-q", "all", *options],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", type=int, nargs="+")
    parser.add_argument("--run", action="store_true", help="run them too, by an engine that computes nothing")
    options = parser.parse_args()
    # each job would compile all that it imports
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    noop = f"{ROOT / 'benchmarks/noop'}:{ROOT / 'workflow'}"
    for wanted in options.jobs:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_project(folder, wanted)
            first, again = cost(partial(run, folder, "-n")), cost(partial(run, folder, "-n"))
            print(
                f"{wanted} jobs: planned in {first.cpu_s:.1f} s, with the sites known {again.cpu_s:.1f} s", flush=True
            )
            if options.run:
                # to build a slab is work: it is done before
                run(folder, "--until", "build_structure")
                spent = cost(partial(run, folder, PYTHONPATH=noop))
                done = len(list(folder.glob("results/jobs/adsorption/*/result.json")))
                wall_s, cpu_s = (spent.wall_s - again.wall_s) / done, (spent.cpu_s - again.cpu_s) / done
                print(f"{done} jobs run: each {wall_s:.2f} s on two cores, {cpu_s:.2f} s of CPU time", flush=True)


if __name__ == "__main__":
    main()
