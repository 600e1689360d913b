"""Tabulate formation energies; a crystal of which a point did not converge says why and has none."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.energies.formation import INTERCALATION, Crystal, table
from iondrill.config.models import Config
from iondrill.engines.base import read_result
from iondrill.geometry.checks import read_structure
from iondrill.geometry.crystal import strains
from iondrill.jobs.name import ATOM, JobId, Subject
from iondrill.prepare.plan import Plan

with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    level = plan.intercalation.settings.level

    def crystal(name, recipe):
        """Return a crystal with what was computed of it."""
        folders = {
            strain: plan.folder(JobId("intercalation", Subject(name), level, variant=strain.label))
            for strain in strains(recipe)
        }
        points = {strain: read_result(folder / "result.json") for strain, folder in folders.items()}
        structures = {strain: read_structure(folder / "structure.extxyz") for strain, folder in folders.items()}
        return Crystal(name, level, recipe, points, structures)

    crystals = [crystal(name, recipe) for name, recipe in plan.intercalation.crystals.items()]
    atoms = {
        element: read_result(plan.folder(JobId("adsorption", Subject(ATOM, element), level)) / "result.json")
        for element in plan.intercalation.metals.values()
    }
    INTERCALATION.write(table(crystals, atoms), Path(snakemake.output[0]))
