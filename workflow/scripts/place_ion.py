"""Compute the energy of two layers with an ion at a place between them, or without."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.engines.execute import execute, pass_over
from iondrill.errors import UserError
from iondrill.geometry.checks import check_distances
from iondrill.jobs.name import JobId
from iondrill.prepare.plan import Plan

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    plan = Plan(Config.model_validate(snakemake.params.config))
    record, geometry = Path(snakemake.output.result), Path(snakemake.output.structure)
    start = plan.insertion.start(JobId.parse("insertion", record.parent.name))
    try:
        check_distances(start, "the place")
    except UserError as error:  # layers so near have no room for it there
        print(pass_over(snakemake.params.job, str(error), record, geometry))
    else:
        print(execute(snakemake.params.job, start, record, geometry))
