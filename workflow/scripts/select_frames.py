"""Choose the frames of a generation that are labelled."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.potential import stages
from iondrill.potential.plan import PotentialPlan

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    plan = PotentialPlan(Config.model_validate(snakemake.params.config))
    generation = int(snakemake.wildcards.generation)
    stages.choose(plan, generation, snakemake.input.frames, snakemake.input.labels, Path(snakemake.output[0]))
