"""Adsorption energies at a learned level: what a row takes beside its forces, and what the whole workflow takes a row.

The rows are Li and Na on all sites of C(100)-2×1 and of Pandey's C(111), in copies under other names: a
configuration that is written here. The first figure is of a calculator that costs nothing (no energy, no force): all
is overhead: start geometry, relaxation, points above and below, files, state, record; each row is run as
`workflow/scripts/relax_sites.py` runs it. The second is `snakemake results/adsorption.csv` on two cores, planning,
clean slabs and table included, with the potential that is shipped for these facets; slabs are built and sites found
before, as they are kept. A thousand rows in three minutes are 0.18 s a row. The level has
no limit of the grade: it is the time that is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import yaml
from ase.calculators.calculator import Calculator, all_changes
from frame import ROOT, Row, benchmark, cost

from iondrill.config.models import Config
from iondrill.engines.execute import execute
from iondrill.geometry.registry import build
from iondrill.prepare.plan import Plan
from iondrill.prepare.site_cache import sites_of
from iondrill.prepare.start import slab_with_ions

FACETS, IONS, COVERAGES = ("C100-2x1", "C111-2x1-pandey"), ("Li", "Na"), (1,)
ROWS, WARM_UP = 1000, 3
LEVEL = {
    "engine": "ase",
    "calculator": "fitted",
    "arguments": {"potential": str(ROOT / "structures/potentials/facets")},
    "largest_grade": None,
}


class Nothing(Calculator):
    """No energy and no force."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": 0.0, "forces": np.zeros((len(self.atoms), 3))}


def make_project(folder, level, copies):
    """Write a project of some copies of the facets; return its configuration."""
    recipes = {
        f"{name}-{k}": (ROOT / f"structures/facets/{name}.yaml").read_text() for k in range(copies) for name in FACETS
    }
    (folder / "structures/facets").mkdir(parents=True)
    for name, recipe in recipes.items():
        (folder / f"structures/facets/{name}.yaml").write_text(recipe)
    content = {
        "levels": {"own": level, "gfn2": {"engine": "xtb"}},
        "relax": {"level": "own"},
        "md": {"level": "own", "run": []},
        "elf": {"frames": 0},
        "adsorption": {
            "level": "own",
            "facets": list(recipes),
            "ions": list(IONS),
            "n": list(COVERAGES),
            "prerelax": None,
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(content))
    return Config.model_validate(content | {name: str(folder / name) for name in ("structures", "results")})


def overhead(folder):
    """Return the CPU seconds of each row of a facet's copy with a calculator that costs nothing."""
    plan = Plan(
        make_project(folder, {"engine": "ase", "calculator": f"{Path(__file__).stem}.Nothing", "quick": True}, 1)
    )
    taken = []
    for facet in plan.config.adsorption.facets:
        slab = build(facet, folder / "structures")
        sites = sites_of(slab)
        for job in plan.adsorption.of_facet(facet, "own")[1:]:

            def row(job=job, slab=slab, sites=sites):
                start = slab_with_ions(slab, slab, job.subject, sites)
                record, geometry = (plan.folder(job) / name for name in ("result.json", "relaxed.extxyz"))
                execute(plan.job(job, "").model_dump(mode="json"), start, record, geometry)

            taken.append(cost(row))
    return taken[WARM_UP:]


def all_rows(folder, n_rows):
    """Return what at least so many rows take, and the records of their relaxations."""
    per_copy = len(Plan(make_project(folder / "one", LEVEL, 1)).adsorption.fillings)
    project = folder / "all"
    make_project(project, LEVEL, -(-n_rows // per_copy))
    snakemake(project, "--until", "build_structure")
    taken = cost(lambda: snakemake(project))
    found = project.glob("results/jobs/adsorption/*-*.*.own/result.json")
    return taken, [json.loads(path.read_text()) for path in found if ".clean." not in path.parent.name]


def snakemake(project, *more):
    """Run the workflow up to the table."""
    program = Path(sys.executable).with_name("snakemake")
    words = [program, "results/adsorption.csv", "-s", ROOT / "Snakefile", "-d", project, "--cores", "2", "-q", "all"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*words, *more], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def rows(options):
    os.environ["OMP_NUM_THREADS"] = "1"
    n_rows = 4 if options.quick else ROWS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        taken = overhead(folder / "nothing")
        ours = median(one.cpu_s for one in taken)
        note = f"median of {len(taken)} rows; wall {median(one.wall_s for one in taken):.3f} s"
        yield Row("adsorption row, no cost of forces", "a limit", "s", ours=ours, wanted=0.03, note=note)
        work = "adsorption row at a learned level, with the workflow"
        spent, records = all_rows(folder, n_rows)
        steps = median(record["n_ionic_steps"] for record in records)
        converged = sum(record["status"] == "converged" for record in records)
        note = f"wall, two cores; {len(records)} rows, {converged} converged, of {steps:.0f} steps each (median)"
        note += f"; CPU time {spent.cpu_s / len(records):.2f} s"
        yield Row(work, "a limit", "s", ours=spent.wall_s / len(records), wanted=0.18, note=note)


if __name__ == "__main__":
    benchmark("adsorption_rows", rows, "nep-adapters", pairs=1)
