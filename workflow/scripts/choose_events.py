"""Say in which saved frames of a run its events are, and which frame's map shows each."""

import json
from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.elf.event_frames import EVENTS, choose
from iondrill.analyse.tables import read_columns

with logged(snakemake.log[0]):
    saved = read_columns(Path(snakemake.input.order_parameters))
    happened = json.loads(Path(snakemake.input.events).read_text(encoding="utf-8"))["events"]
    rows = choose(snakemake.params.wanted, saved, happened, snakemake.params.mapped)
    EVENTS.write(rows, Path(snakemake.output.events))
