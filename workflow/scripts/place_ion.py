"""Compute the energy of two layers with an ion at a place between them, or without."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.engines.execute import execute
from iondrill.jobs.name import JobId
from iondrill.prepare.plan import Plan

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    plan = Plan(Config.model_validate(snakemake.params.config))
    start = plan.insertion.start(JobId.parse("insertion", Path(snakemake.output.result).parent.name))
    print(execute(snakemake.params.job, start, Path(snakemake.output.result), Path(snakemake.output.structure)))
