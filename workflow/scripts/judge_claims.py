"""Say of each claim of the paper whether the results support it, refute it or do not show it."""

from iondrill.scripting import logged
from iondrill.analyse.claims.evaluate import judge
from iondrill.config.models import Config
from iondrill.prepare.plan import Plan

with logged(snakemake.log[0]):
    for row in judge(Plan(Config.model_validate(snakemake.params.config))):
        print(f"{row.id}: {row.verdict}")
