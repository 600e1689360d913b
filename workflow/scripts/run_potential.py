"""Run dynamics with a generation's potential, whose frames the next one may label."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.potential import stages
from iondrill.potential.plan import PotentialPlan

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    plan = PotentialPlan(Config.model_validate(snakemake.params.config))
    potential, wildcards = Path(snakemake.input[0]).parent, snakemake.wildcards
    stages.run_own(plan, int(wildcards.generation), wildcards.own, potential, Path(snakemake.output[0]))
