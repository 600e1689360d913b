"""Say how every job ended and whether an adsorption energy came of them; `accept_status` ends Snakemake by it."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.report.outcome import outcome

with logged(snakemake.log[0]):
    table = snakemake.input.get("adsorption") or None
    found = outcome([Path(path) for path in snakemake.input.results], table and Path(table))
    found.write(Path(snakemake.output[0]))
    print(found.status)
