"""Which files a finished run leaves for others: Snakemake asks for each, so that a missing one is made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.prepare.result_files import result_paths

if TYPE_CHECKING:
    from pathlib import Path

    from iondrill.jobs.name import JobId
    from iondrill.prepare.plan import Plan

GEOMETRIES = {
    "relax": ("relaxed.extxyz",),
    "md": ("last.extxyz",),
    "free_energy": ("last.extxyz",),
    "interstitials": ("relaxed.extxyz",),
    "shells": ("relaxed.extxyz",),
    "adsorption": ("relaxed.extxyz",),
    "barriers": ("path.extxyz", "profile.csv"),
}
"""What a job publishes besides its record; others: ``structure.extxyz``."""

FINAL = ("relaxed.extxyz", "last.extxyz", "structure.extxyz")


def final_geometry(folder: Path) -> Path | None:
    """Return the file with the last geometry of a job that ended, by its folder; None if there is none."""
    return next((folder / name for name in FINAL if (folder / name).is_file()), None)


def job_files(plan: Plan, job: JobId) -> list[Path]:
    """Return what a job publishes: its record, and geometries."""
    names = ("structure.extxyz",) if job.subject.is_atom else GEOMETRIES.get(job.stage, ("structure.extxyz",))
    return [plan.folder(job) / name for name in ("result.json", *names)]


def published(plan: Plan) -> list[Path]:
    """Return every file that the default target of a plan leaves, each once."""
    of_jobs = (file for job in plan.executed() for file in job_files(plan, job))
    return list(dict.fromkeys([*of_jobs, *result_paths(plan, lambda file: file.target == "all")]))
