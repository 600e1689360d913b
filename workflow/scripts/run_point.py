"""Compute one point of a convergence study."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.engines.execute import execute
from iondrill.prepare.stages.sweeps import Point

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    atoms = Point(**snakemake.params.point).start(Path(snakemake.params.recipes))
    print(execute(snakemake.params.job, atoms, Path(snakemake.output.result), Path(snakemake.output.structure)))
