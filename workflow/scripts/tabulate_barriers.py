"""Tabulate barriers and draw the energy along each path; a path that did not converge says why and has no number."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.energies.barrier import BARRIERS, Barrier, read_profile
from iondrill.config.models import Config
from iondrill.engines.base import read_result
from iondrill.files import write_text
from iondrill.prepare.plan import Plan
from iondrill.report.figures.barriers import draw_profiles

with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    rows = [
        Barrier(
            facet=job.structure,
            ion=job.subject.ion,
            start=job.subject.site,
            end=job.end,
            result=read_result(plan.folder(job) / "result.json"),
            profile=read_profile(plan.folder(job) / "profile.csv"),
        )
        for job in plan.barriers.jobs()
    ]
    BARRIERS.write(rows, Path(snakemake.output.table))
    level = plan.config.levels[plan.config.barriers.level].title
    write_text(Path(snakemake.output.figure), draw_profiles(rows, level))
