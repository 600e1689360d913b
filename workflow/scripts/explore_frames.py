"""Run a trajectory of an exploration, and cut frames for labels out of it."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.potential import stages
from iondrill.potential.plan import PotentialPlan

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    plan = PotentialPlan(Config.model_validate(snakemake.params.config))
    stages.explore(plan, snakemake.wildcards.trajectory, Path(snakemake.output[0]))
