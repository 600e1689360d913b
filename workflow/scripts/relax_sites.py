"""Relax all ions on all sites of a facet, one after the other: each has a folder, a state and a record of its own."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.engines.base import StoppedError
from iondrill.engines.execute import execute
from iondrill.errors import UserError
from iondrill.geometry.checks import read_structure
from iondrill.prepare.plan import Plan
from iondrill.prepare.site_cache import sites_of
from iondrill.prepare.start import slab_with_ions

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    plan = Plan(Config.model_validate(snakemake.params.config))
    relaxed, built = read_structure(Path(snakemake.input.structure)), read_structure(Path(snakemake.input.slab))
    sites, problems = sites_of(built), []
    for job in plan.adsorption.rows(snakemake.params.facet, snakemake.params.level):
        note = f"{job.subject.ions} at {job.subject.site} on {job.structure}, relaxed clean"
        start = slab_with_ions(built, relaxed, job.subject, sites)
        record, geometry = (plan.folder(job) / name for name in ("result.json", "relaxed.extxyz"))
        try:
            result = execute(plan.job(job, note).model_dump(mode="json"), start, record, geometry)
            print(f"{job.name}: {result.status}, {result.n_ionic_steps} steps")
        except StoppedError:
            raise
        except UserError as error:  # the other rows are made all the same
            problems += error.problems
    if problems:
        raise UserError(*problems)
