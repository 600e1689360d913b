"""Relax a supercell of diamond, with or without an ion inside."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.engines.execute import execute
from iondrill.jobs.name import JobId
from iondrill.prepare.plan import Plan

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    plan = Plan(Config.model_validate(snakemake.params.config))
    job = JobId.parse("interstitials", Path(snakemake.output.result).parent.name)
    start = plan.interstitials.start(job)
    print(execute(snakemake.params.job, start, Path(snakemake.output.result), Path(snakemake.output.structure)))
