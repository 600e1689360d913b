"""Relax an ion on a site of a relaxed clean slab."""

from pathlib import Path

from iondrill.build.checks import read_structure
from iondrill.engines.execute import execute, prerelaxed
from iondrill.prepare.start import slab_with_ion
from iondrill.scripting import logged

with logged(snakemake.log[0]):
    built, relaxed = (read_structure(Path(path)) for path in (snakemake.input.slab, snakemake.input.structure))
    atoms = slab_with_ion(built, relaxed, snakemake.params.site, snakemake.params.ion)
    atoms, start = prerelaxed(atoms, snakemake.input.prerelaxed, built)
    files = Path(snakemake.output.result), Path(snakemake.output.structure)
    print(execute(snakemake.params.job, atoms, *files, start=start))
