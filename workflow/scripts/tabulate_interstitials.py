"""Tabulate energies of ions inside diamond; a row of which a part did not converge says so and has no number."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.energies.interstitial import INTERSTITIALS, Interstitial
from iondrill.config.models import Config
from iondrill.engines.base import read_result
from iondrill.geometry.checks import read_structure
from iondrill.prepare.plan import Plan

with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    stage = plan.interstitials
    rows = [
        Interstitial(
            job.structure,
            job.subject.ion,
            job.subject.site,
            stage.repeats(job),
            *(
                read_result(plan.folder(part) / "result.json")
                for part in (job, stage.clean(stage.repeats(job)), stage.atom(job.subject.ion))
            ),
            relaxed=read_structure(plan.folder(job) / "relaxed.extxyz"),
        )
        for job in stage.rows()
    ]
    INTERSTITIALS.write(rows, Path(snakemake.output[0]))
