"""Tabulate adsorption energies; a row whose parts did not all converge says why and has none."""

from itertools import chain
from pathlib import Path

import numpy as np

from iondrill.analyse.adsorption import Adsorption, write_csv
from iondrill.build.checks import read_structure
from iondrill.build.recipes import load_recipe
from iondrill.build.sites import find_sites
from iondrill.config.models import Config
from iondrill.engines.base import read_result
from iondrill.prepare.plan import JobId, Plan
from iondrill.scripting import logged


def rows(plan, level):
    """Yield a row for each site, ion and facet at a level."""
    stage = plan.config.adsorption

    def folder(subject):
        return plan.folder(JobId("adsorption", f"{subject}.{level}"))

    for facet in stage.facets:
        slab = read_structure(plan.structure_file(facet))
        in_plane = slab.cell.array[:2]
        places = {site.label: np.array(site.places) @ in_plane for site in find_sites(slab)}
        for ion in stage.ions:
            for site in plan.sites(facet):
                yield Adsorption(
                    facet=facet,
                    termination=load_recipe(facet, plan.recipes).termination,
                    adsorbate=ion,
                    site=site,
                    level=plan.config.levels[level],
                    combined=read_result(folder(f"{facet}.{ion}-{site}") / "result.json"),
                    substrate=read_result(folder(f"{facet}.clean") / "result.json"),
                    atom=read_result(folder(f"atom.{ion}") / "result.json"),
                    geometry=read_structure(folder(f"{facet}.{ion}-{site}") / "relaxed.extxyz"),
                    sites=places,
                )


with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    by_level = (rows(plan, level) for level in plan.config.adsorption.levels)
    write_csv(chain.from_iterable(by_level), Path(snakemake.output.table))
