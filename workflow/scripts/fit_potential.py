"""Fit a potential to all labels so far but those held out."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.potential import stages
from iondrill.potential.plan import PotentialPlan

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    plan = PotentialPlan(Config.model_validate(snakemake.params.config))
    folder = Path(snakemake.output.model).parent
    given, of = snakemake.input, snakemake.wildcards
    stages.fit_generation(plan, (int(of.generation), int(of.seed)), given.labels, folder)
