"""Write the RO-Crate of a finished run."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.prepare.plan import Plan
from iondrill.publish.crate import write_crate

with logged(snakemake.log[0]):
    for one in write_crate(Plan(Config.model_validate(snakemake.params.config)), Path(snakemake.output[0])):
        print(f"missing: {one}")
