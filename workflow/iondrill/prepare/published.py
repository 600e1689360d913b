"""Which files a finished run leaves for others: Snakemake asks for each, so that a missing one is made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from iondrill.jobs.name import JobId
    from iondrill.prepare.plan import Plan

GEOMETRIES = {
    "relax": ("relaxed.extxyz",),
    "md": ("last.extxyz",),
    "adsorption": ("relaxed.extxyz",),
    "barriers": ("path.extxyz", "profile.csv"),
}
"""What a job publishes besides its record; others: ``structure.extxyz``."""
OF_STRUCTURE = ("structures/{0}.extxyz", "structures/{0}.json")
OF_RUN = (
    "md/{0}/trajectory.traj",
    "md/{0}/order_parameters.csv",
    "md/{0}/events.json",
    "charges/{0}.csv",
    "figures/{0}.svg",
)
OF_RUNS = ("contrasts.csv", "contrasts.json", "contrasts.md", "diffraction.csv", "figures/diffraction.svg")
OF_MAPS = ("elf/{0}/summary.csv", "elf/{0}/profiles.csv", "elf/{0}/bonds.csv", "elf/{0}/film.gif")
MAP = ("npz", "png", "cividis.png", "csv", "profiles.csv", "bonds.csv")
DIFFERENCE = ("difference.npz", "difference.png")
OF_ALL = ("report.html", "status.json", "figures/structures", "figures/elf")


def job_files(plan: Plan, job: JobId) -> list[Path]:
    """Return what a job publishes: its record, and geometries."""
    names = ("structure.extxyz",) if job.subject.is_atom else GEOMETRIES.get(job.stage, ("structure.extxyz",))
    return [plan.folder(job) / name for name in ("result.json", *names)]


def published(plan: Plan) -> list[Path]:
    """Return every file that the default target of a plan leaves, each once."""
    stage, runs = plan.config.adsorption, plan.config.md.run
    names = [pattern.format(name) for name in plan.structures() for pattern in OF_STRUCTURE]
    names += [pattern.format(run) for run in runs for pattern in OF_RUN]
    names += OF_RUNS if runs else ()
    for run in runs:
        steps = plan.elf.steps(run)
        names += [pattern.format(run) for pattern in OF_MAPS] if steps else []
        endings = (*MAP, *(DIFFERENCE if plan.elf.parts(run) else ()))
        names += [f"elf/{run}/{step}.{ending}" for step in steps for ending in endings]
        names += [f"elf/{run}/{step}.grid.npz" for step in plan.elf.isosurface_steps(run)]
    names += ("adsorption.csv", "adsorption_levels.csv") if stage.facets else ()
    names += ("figures/adsorption.svg",) if plan.adsorption.fillings else ()
    files = [plan.results / name for name in (*names, *OF_ALL)]
    return list(dict.fromkeys([*(file for job in plan.executed() for file in job_files(plan, job)), *files]))
