"""Say in which saved frames of a run its events are, and which frame's map shows each."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.elf.event_frames import EVENTS, begins

with logged(snakemake.log[0]):
    files = Path(snakemake.input.order_parameters), Path(snakemake.input.events)
    EVENTS.write(begins(*files, snakemake.params.wanted, snakemake.params.mapped), Path(snakemake.output.events))
