"""Choose the frames of a run that are compared with the reference, and cut pieces out of them."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.verification.collected import choose_frames
from iondrill.config.models import Config
from iondrill.geometry.checks import read_structure
from iondrill.prepare.plan import Plan

with logged(snakemake.log[0]):
    choose_frames(
        Plan(Config.model_validate(snakemake.params.config)),
        snakemake.wildcards.run,
        read_structure(Path(snakemake.input.structure)),
        Path(snakemake.output.chosen),
    )
