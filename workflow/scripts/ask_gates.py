"""Ask a learned level questions whose answer is known."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.verification.gates import ask
from iondrill.config.models import Config
from iondrill.prepare.plan import Plan

with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    ask(plan, snakemake.wildcards.level, Path(snakemake.output[0]))
