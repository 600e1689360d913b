"""End with status 1, and say why, where the run's `status.json` says anything but "converged"."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.report.outcome import Outcome

with logged(snakemake.log[0]):
    Outcome.read(Path(snakemake.input.status)).accept(snakemake.input.report)
