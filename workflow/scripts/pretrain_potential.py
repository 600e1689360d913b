"""Fit a potential to many cheap labels: the start of the fits to the reference."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.potential.plan import PotentialPlan
from iondrill.potential.pretrain import pretrain

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    plan = PotentialPlan(Config.model_validate(snakemake.params.config))
    pretrain(plan, snakemake.input.explored, Path(snakemake.output.model).parent)
