"""Adsorption energies at a learned level: what a row takes beside its forces, and what the whole workflow takes a row.

The rows are C(110)-1×1:H and C(111)-1×1:H × Li, Na × all sites, in copies under other names: a configuration that is
written here. The first figure is of a calculator that costs nothing (no energy, no force), so that all is overhead:
start geometry, relaxation, points above and below, files, state, record; each row is run as
`workflow/scripts/relax_sites.py` runs it. The second is `snakemake results/adsorption.csv` on two cores, planning,
clean slabs and table included, with a NEP that is fitted here to a few labels by GFN2; slabs are built and sites found
before, as they are kept. A thousand rows in three minutes are 0.18 s a row. A potential of so few labels says little,
and its rows may end outside its training: the level has no limit of the grade, and it is the time that is measured.
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
from ase.calculators.singlepoint import SinglePointCalculator
from frame import ROOT, Row, benchmark, cost

from iondrill.config.levels import XtbLevel
from iondrill.config.models import Config
from iondrill.config.potential import FitSettings
from iondrill.engines.execute import execute
from iondrill.engines.xtb.calculator import XtbCalculator
from iondrill.geometry.registry import build
from iondrill.geometry.surfaces.adsorbate import add_adsorbate
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.potential.fit import MADE_FOR_IT, fit
from iondrill.prepare.plan import Plan
from iondrill.prepare.site_cache import sites_of
from iondrill.prepare.start import slab_with_ions

FACETS, IONS, COVERAGES = ("C110-1x1-H", "C111-1x1-H"), ("Li", "Na"), (1,)
ROWS, WARM_UP = 40, 3
SHAKEN_A = (0.0, 0.03)
"""Of the labels: one of each width, facet and ion."""
FIT = FitSettings(epochs=60, neurons=10, n_max=4, basis_size=6, batch=2, dispersion="learned")


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
        "adsorption": {"level": "own", "facets": list(recipes), "ions": list(IONS), "n": list(COVERAGES)},
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
        for job in plan.adsorption.rows(facet, "own"):

            def row(job=job, slab=slab, sites=sites):
                start = slab_with_ions(slab, slab, job.subject, sites)
                record, geometry = (plan.folder(job) / name for name in ("result.json", "relaxed.extxyz"))
                execute(plan.job(job, "").model_dump(mode="json"), start, record, geometry)

            taken.append(cost(row))
    return taken[WARM_UP:]


def labels():
    """Return slabs with an ion, and what GFN2 says of them."""
    found, rng = [], np.random.default_rng(1)
    for name in FACETS:
        slab = build(name, ROOT / "structures")
        site = find_sites(slab)[0]
        for ion in IONS:
            for width_A in SHAKEN_A:
                atoms = add_adsorbate(slab, site, ion)
                atoms.set_constraint()
                atoms.positions += rng.normal(scale=width_A, size=atoms.positions.shape) if width_A else 0.0
                atoms.calc = XtbCalculator(XtbLevel(engine="xtb", electronic_temperature_K=2500))
                results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
                atoms.calc, atoms.info = SinglePointCalculator(atoms, **results), {}
                found.append(atoms)
    return found


def all_rows(folder, n_rows):
    """Return what so many rows take at a fitted potential, and the records of their relaxations."""
    fit(labels(), FIT, folder / "potential", seed=1)
    level = {"engine": "ase", "calculator": "fitted", "arguments": {"potential": "potential"}, "largest_grade": None}
    per_copy = len(Plan(make_project(folder / "one", level, 1)).adsorption.fillings)
    project = folder / "all"
    make_project(project, level, -(-n_rows // per_copy))
    (folder / "potential").rename(project / "potential")
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
        note = f"median of {len(taken)} rows of 41 and 65 atoms; wall {median(one.wall_s for one in taken):.3f} s"
        yield Row("adsorption row, no cost of forces", "a limit", "s", ours=ours, wanted=0.03, note=note)
        work = "adsorption row at a NEP, with the workflow"
        if not MADE_FOR_IT.is_file():
            yield Row(work, "a limit", "s", note="no trainer: make fit-environment")
            return
        spent, records = all_rows(folder, n_rows)
        steps = median(record["n_ionic_steps"] for record in records)
        converged = sum(record["status"] == "converged" for record in records)
        note = f"wall, two cores; {len(records)} rows, {converged} converged, of {steps:.0f} steps each (median)"
        note += f"; CPU time {spent.cpu_s / len(records):.2f} s"
        yield Row(work, "a limit", "s", ours=spent.wall_s / len(records), wanted=0.18, note=note)


if __name__ == "__main__":
    benchmark("adsorption_rows", rows, "nep-adapters", pairs=1)
