"""Tabulate formation energies; a crystal of which a point did not converge says why and has none."""

from pathlib import Path

from iondrill.analyse.formation import Crystal, table, write_csv
from iondrill.build.checks import read_structure
from iondrill.build.crystal import load_crystal, strains
from iondrill.config.models import Config
from iondrill.engines.base import read_result
from iondrill.prepare.intercalation import metals
from iondrill.prepare.plan import Plan
from iondrill.prepare.subjects import JobId
from iondrill.scripting import logged

with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    stage = plan.config.intercalation

    def folder(stage_name, subject):
        """Return the folder of a job."""
        return plan.folder(JobId(stage_name, f"{subject}.{stage.level}"))

    def crystal(name):
        """Return a crystal with what was computed of it."""
        recipe = load_crystal(name, plan.recipes)
        folders = {strain: folder("intercalation", f"{name}.{strain.label}") for strain in strains(recipe)}
        points = {strain: read_result(place / "result.json") for strain, place in folders.items()}
        structures = {strain: read_structure(place / "structure.extxyz") for strain, place in folders.items()}
        return Crystal(name, stage.level, recipe, points, structures)

    crystals = [crystal(name) for name in stage.crystals]
    elements = metals(plan.config, plan.recipes).values()
    atoms = {element: read_result(folder("adsorption", f"atom.{element}") / "result.json") for element in elements}
    write_csv(table(crystals, atoms), Path(snakemake.output[0]))
