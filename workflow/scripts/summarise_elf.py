"""Put the contacts of all frames into one table."""

from pathlib import Path

from iondrill.files import write_text
from iondrill.scripting import logged

with logged(snakemake.log[0]):
    tables = [Path(path).read_text(encoding="utf-8").splitlines() for path in snakemake.input]
    lines = [tables[0][0], *(line for table in tables for line in table[1:])]
    write_text(Path(snakemake.output[0]), "\n".join(lines) + "\n")
