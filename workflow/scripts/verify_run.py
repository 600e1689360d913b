"""Compare the level of a run with the reference on frames of the run, and say whether the run is trusted."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.verification.collected import verify
from iondrill.config.models import Config
from iondrill.prepare.plan import Plan

with logged(snakemake.log[0]):
    verify(
        Plan(Config.model_validate(snakemake.params.config)),
        snakemake.wildcards.run,
        Path(snakemake.input.chosen),
        {name: Path(path) for name, path in snakemake.output.items()},
    )
