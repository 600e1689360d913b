"""Relax facets, and all ions on all sites of each, one after the other: each has a folder and a record of its own."""

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


def relax(plan, job, start, note):
    """Relax a slab; return the file of its last geometry."""
    record, geometry = (plan.folder(job) / name for name in ("result.json", "relaxed.extxyz"))
    result = execute(plan.job(job, note).model_dump(mode="json"), start, record, geometry)
    print(f"{job.name}: {result.status}, {result.n_ionic_steps} steps")
    return geometry


def relax_facet(plan, built, jobs):
    """Relax a clean slab and then its rows; yield what went wrong with rows.

    The others are made all the same: Snakemake takes the outputs of a failed job away, but their states stay.
    """
    clean, *rows = jobs
    relaxed, sites = read_structure(relax(plan, clean, built, f"{clean.structure} as built")), sites_of(built)
    for job in rows:
        note = f"{job.subject.ions} at {job.subject.site} on {job.structure}, relaxed clean"
        try:
            relax(plan, job, slab_with_ions(built, relaxed, job.subject, sites), note)
        except StoppedError:
            raise
        except UserError as error:
            yield from error.problems


with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    plan, problems = Plan(Config.model_validate(snakemake.params.config)), []
    for facet, path in zip(snakemake.params.facets, snakemake.input, strict=True):
        try:
            problems += relax_facet(
                plan, read_structure(Path(path)), plan.adsorption.of_facet(facet, snakemake.params.level)
            )
        except StoppedError:
            raise
        except UserError as error:  # as with rows
            problems += error.problems
    if problems:
        raise UserError(*problems)
