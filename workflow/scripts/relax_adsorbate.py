"""Relax ions on a site of a relaxed clean slab."""

from pathlib import Path

from iondrill.build.checks import read_structure
from iondrill.engines.execute import execute, prerelaxed
from iondrill.prepare.sitelist import sites_of
from iondrill.prepare.start import slab_with_ions
from iondrill.scripting import logged

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    built, relaxed = (read_structure(Path(path)) for path in (snakemake.input.slab, snakemake.input.structure))
    sites = sites_of(built, Path(snakemake.input.slab).parents[1] / ".cache")
    atoms = slab_with_ions(built, relaxed, snakemake.params.ions, snakemake.params.site, sites)
    atoms, start = prerelaxed(atoms, snakemake.input.prerelaxed, built)
    files = Path(snakemake.output.result), Path(snakemake.output.structure)
    print(execute(snakemake.params.job, atoms, *files, start=start))
