"""Compute one frame of a run, or a piece of it, as it lies in a file."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.engines.execute import execute
from iondrill.geometry.checks import read_structure

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    atoms = read_structure(Path(snakemake.input.structure))
    for name in ("cap", "parent"):
        atoms.arrays.pop(name, None)
    print(execute(snakemake.params.job, atoms, Path(snakemake.output.result), Path(snakemake.output.structure)))
