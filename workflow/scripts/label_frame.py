"""Label one frame at the reference level, unless its label is there already."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.potential import stages
from iondrill.potential.plan import PotentialPlan

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    plan = PotentialPlan(Config.model_validate(snakemake.params.config))
    slot = int(snakemake.wildcards.slot)
    stages.label_slot(plan, Path(snakemake.input[0]), slot, Path(snakemake.output[0]))
