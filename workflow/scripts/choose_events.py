"""Say in which saved frames of a run its events are, and which map shows each; no row if it did not converge."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.elf.event_frames import EVENTS, begins
from iondrill.files import is_empty

with logged(snakemake.log[0]):
    files = Path(snakemake.input.order_parameters), Path(snakemake.input.events)
    rows = [] if is_empty(files[0]) else begins(*files, snakemake.params.wanted, snakemake.params.mapped)
    EVENTS.write(rows, Path(snakemake.output.events))
