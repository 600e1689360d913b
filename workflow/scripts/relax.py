"""Relax a structure."""

from pathlib import Path

from iondrill.build.checks import read_structure
from iondrill.engines.execute import execute, prerelaxed
from iondrill.scripting import logged

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    atoms = read_structure(Path(snakemake.input.structure))
    atoms, start = prerelaxed(atoms, snakemake.input.prerelaxed)
    files = Path(snakemake.output.result), Path(snakemake.output.structure)
    print(execute(snakemake.params.job, atoms, *files, start=start))
