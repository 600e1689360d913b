"""Judge a generation's potential on trajectories that its fit never saw."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.potential import stages
from iondrill.potential.plan import PotentialPlan

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    plan = PotentialPlan(Config.model_validate(snakemake.params.config))
    generation, given = int(snakemake.wildcards.generation), snakemake.input
    folders = [str(Path(path).parent) for path in given.fits]
    stages.judge_generation(plan, generation, folders, given.labels, Path(snakemake.output[0]))
