"""Fine-tune the network that makes the cheap labels, and judge it on labels that it has not seen."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.potential.plan import PotentialPlan
from iondrill.potential.pretrain import teach_network

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    plan = PotentialPlan(Config.model_validate(snakemake.params.config))
    teach_network(plan, Path(snakemake.output.network).parent, snakemake.threads)
