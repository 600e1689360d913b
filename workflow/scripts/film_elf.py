"""Put the ELF maps of a run into a film."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.report.figures.film import write_film

with logged(snakemake.log[0]):
    write_film([Path(path) for path in snakemake.input], Path(snakemake.output.film))
