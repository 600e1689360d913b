"""Compute the energy of an isolated atom."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.engines.execute import execute
from iondrill.prepare.start import isolated_atom

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    atoms = isolated_atom(snakemake.params.ion)
    print(execute(snakemake.params.job, atoms, Path(snakemake.output.result), Path(snakemake.output.structure)))
