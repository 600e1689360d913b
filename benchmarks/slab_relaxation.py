"""SCF cycles of a relaxation in CP2K with k-points: lithium on a slab, as the workflow does it, against a cold start.

Ours is a job of the workflow: it relaxes with GFN2 first, begins BFGS with springs along the bonds, and the SCF of
each geometry with the density of the one before. Theirs begins at the ideal geometry, the ion where its radius
touches the slab, BFGS with CP2K's own model of the bonds, and each SCF from superposed atoms, which is what CP2K
2023.1 does with k-points unless it is told otherwise. All else is alike: thresholds, grid, mixing. What counts is a
number, which does not depend on the machine: one run each. C(100)-2×1 with lithium in the pedestal, 2×2 as GFN2,
which has one k-point, wants it, but of four layers, so that it takes minutes; 200 Ry, 2×2×1, spins paired, 0.2 eV/Å.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from cp2k_runs import Run, cp2k_job, run_cp2k
from frame import ROOT, Row, benchmark, cost

from iondrill.config.levels import XtbLevel
from iondrill.engines.cp2k.attempt import LOG
from iondrill.engines.cp2k.inputs import render_input
from iondrill.engines.cp2k.output import Log
from iondrill.engines.execute import execute
from iondrill.engines.folder import STRUCTURE
from iondrill.geometry.checks import read_structure
from iondrill.geometry.registry import build
from iondrill.geometry.surfaces.adsorbate import add_adsorbate
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.jobs.job import Job, Relax

LEVEL = {"eps_scf": 1e-5, "rel_cutoff_Ry": 30, "kpoints": (2, 2, 1), "smearing_K": 1000, "restricted_slabs": True}


class System(NamedTuple):
    """A slab, what makes it small, and where lithium goes."""

    facet: str
    changes: dict[str, object]
    site: str
    cutoff_Ry: float
    fmax_eV_A: float


DIAMOND = System("C100-2x1", {"layers": 4, "fixed_layers": 1, "vacuum_A": 9}, "pedestal", 200, 0.2)
QUICK = System("graphene", {"cell": [2, 2], "vacuum_A": 8}, "hollow", 120, 10.0)
WARM = XtbLevel(engine="xtb", electronic_temperature_K=2500)
"""As the level `gfn2-smeared` of the default configuration."""


def lithiated(system):
    """Return the slab as built, with lithium on its site."""
    slab = build(system.facet, ROOT / "structures", system.changes)
    sites = {site.label: site for site in find_sites(slab)}
    return add_adsorbate(slab, sites[system.site], "Li")


def by_workflow(job, atoms, folder):
    """Run a job as the workflow runs it; return CP2K's log and what it cost."""
    taken = cost(lambda: execute(job.model_dump(mode="json"), atoms, folder / "result.json", folder / STRUCTURE))
    (log,) = folder.glob(f"state/*/attempt-*/{LOG}")
    return Run(Log.read(log), taken)


def prerelaxed(atoms, folder):
    """Return the geometry that GFN2 relaxes."""
    task = Relax(fmax_eV_A=0.05, max_steps=300)
    job = Job(stage="adsorption", name="start.gfn2", level_name="gfn2", level=WARM, task=task, kind="slab")
    result = execute(job.model_dump(mode="json"), atoms, folder / "result.json", folder / STRUCTURE)
    assert result.status == "converged", result
    return read_structure(folder / STRUCTURE)


def cold(text):
    """Return an input whose every SCF begins from superposed atoms."""
    assert "SCF_GUESS RESTART" in text
    return text.replace("SCF_GUESS RESTART", "SCF_GUESS ATOMIC")


def rows(options):
    for system in (QUICK if options.quick else DIAMOND,):
        task = Relax(fmax_eV_A=system.fmax_eV_A, max_steps=60)
        job = cp2k_job("slab", task, cutoff_Ry=system.cutoff_Ry, **LEVEL)
        ideal = lithiated(system)
        with tempfile.TemporaryDirectory() as name:
            ours = by_workflow(job, prerelaxed(ideal, Path(name, "start")), Path(name, "ours"))
            theirs = run_cp2k(cold(render_input(job, ideal)), Path(name, "theirs"))
        assert ours.log.relaxed
        assert theirs.log.relaxed
        ratio = theirs.log.n_cycles / ours.log.n_cycles
        yield Row(
            f"SCF cycles to relax Li on {system.facet}, {len(ideal)} atoms",
            "cold start from the ideal geometry, no reuse",
            "cycles",
            ours=ours.log.n_cycles,
            theirs=theirs.log.n_cycles,
            ratio=(ratio,) * 3,
            wanted=2,
            note="; ".join(
                [
                    "a count: one run each",
                    f"{len(ours.log.scf)} against {len(theirs.log.scf)} SCFs",
                    f"CPU time {ours.cost.cpu_s:.0f} against {theirs.cost.cpu_s:.0f} s",
                    f"ends {1000 * (ours.log.scf[-1].energy_eV - theirs.log.scf[-1].energy_eV):+.0f} meV apart",
                ]
            ),
        )


if __name__ == "__main__":
    benchmark("slab_relaxation", rows, pairs=1)
