"""Tabulate adsorption energies; a row whose parts did not all converge says why and has none."""

from itertools import groupby
from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.energies.adsorption import Adsorption
from iondrill.analyse.energies.adsorption_table import write_adsorption
from iondrill.analyse.energies.formation import metal_energies
from iondrill.analyse.energies.level_differences import write_differences
from iondrill.analyse.energies.recorded import recorded_differences, recorded_error
from iondrill.config.models import Config
from iondrill.engines.base import read_result
from iondrill.geometry.checks import read_structure
from iondrill.geometry.recipes import load_recipe
from iondrill.geometry.surfaces.assertions import assert_surface, faults
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.jobs.name import CLEAN, JobId, Subject
from iondrill.prepare.plan import Plan


def rows(plan, level, recorded):
    """Yield a row for each filling of a facet at a level."""

    def folder(subject):
        return plan.folder(JobId("adsorption", subject, level))

    metals = {}
    if snakemake.input.metals:
        metals = metal_energies(Path(snakemake.input.metals), plan.intercalation.metals, level)
    for facet, fillings in groupby(plan.adsorption.fillings, lambda filling: filling.structure):
        recipe, built = load_recipe(facet, plan.recipes), read_structure(plan.project.structure_file(facet))
        sites = {site.label: site.fractions @ built.cell.array[:2] for site in find_sites(built)}
        bare = folder(Subject(facet, site=CLEAN))
        clean = read_structure(bare / "relaxed.extxyz")
        clean_faults = faults(assert_surface(clean, built, recipe, "relaxed"))
        for filling in fillings:
            geometry = read_structure(folder(filling) / "relaxed.extxyz")
            yield Adsorption(
                facet=facet,
                termination=recipe.termination,
                adsorbate=filling.ion,
                site=filling.site,
                level=plan.config.levels[level],
                combined=read_result(folder(filling) / "result.json"),
                substrate=read_result(bare / "result.json"),
                atom=read_result(folder(filling.atom) / "result.json"),
                geometry=geometry,
                clean=clean,
                metal_eV=metals.get(filling.ion),
                error=snakemake.params.errors.get(f"{facet}.{filling.ion}.{level}")
                or recorded_error(recorded, filling.ion),
                sites=sites,
                faults={
                    "clean slab": clean_faults,
                    "slab with ion": faults(assert_surface(geometry, built, recipe, "with ions")),
                },
            )


with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    levels = plan.config.adsorption.levels
    files = [Path(path) for path in snakemake.input.recorded]
    recorded = {level: recorded_differences(level, plan.config.levels, files) for level in levels}
    table = [row for level in levels for row in rows(plan, level, recorded[level])]
    write_adsorption(table, Path(snakemake.output.table), Path(snakemake.output.statuses))
    more = [row for level in levels for row in recorded[level]]
    write_differences(table, levels, Path(snakemake.output.differences), more)
