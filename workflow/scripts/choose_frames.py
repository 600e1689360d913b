"""Choose the frames of a run that are compared with the reference, and cut pieces; none if it did not converge."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.verification.collected import choose_frames
from iondrill.config.models import Config
from iondrill.files import is_empty, leave_empty
from iondrill.geometry.checks import read_structure
from iondrill.prepare.plan import Plan


def choose():
    """Choose from the frames that there are."""
    choose_frames(
        Plan(Config.model_validate(snakemake.params.config)),
        snakemake.wildcards.run,
        read_structure(Path(snakemake.input.structure)),
        Path(snakemake.output.chosen),
    )


with logged(snakemake.log[0]):
    if is_empty(Path(snakemake.input.trajectory)):
        leave_empty(map(Path, snakemake.output))
    else:
        choose()
