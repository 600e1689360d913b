"""Put the tables of all frames of a run into one each: contacts, profiles, bonds."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.files import write_text

with logged(snakemake.log[0]):
    for name in ("contacts", "profiles", "bonds"):
        tables = [Path(path).read_text(encoding="utf-8").splitlines() for path in snakemake.input.get(name)]
        lines = [tables[0][0], *(line for table in tables for line in table[1:])]
        write_text(Path(snakemake.output.get(name)), "\n".join(lines) + "\n")
