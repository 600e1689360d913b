"""Compare runs side by side, and say what they support."""

from iondrill.scripting import logged
from iondrill.analyse.dynamics.contrasts import compare_runs
from iondrill.config.models import Config
from iondrill.prepare.plan import Plan

with logged(snakemake.log[0]):
    compare_runs(Plan(Config.model_validate(snakemake.params.config)))
