"""Tabulate formation energies; a crystal of which a point did not converge says why and has none."""

from pathlib import Path

from iondrill.analyse.formation import Crystal, table, write_csv
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

    def result(stage_name, subject):
        """Return a job's record."""
        return read_result(plan.folder(JobId(stage_name, f"{subject}.{stage.level}")) / "result.json")

    recipes = {name: load_crystal(name, plan.recipes) for name in stage.crystals}
    crystals = [
        Crystal(name, stage.level, recipe, {s: result("intercalation", f"{name}.{s.label}") for s in strains(recipe)})
        for name, recipe in recipes.items()
    ]
    atoms = {element: result("adsorption", f"atom.{element}") for element in metals(plan.config, plan.recipes).values()}
    write_csv(table(crystals, atoms), Path(snakemake.output[0]))
