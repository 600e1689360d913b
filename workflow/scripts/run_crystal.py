"""Compute the energy of a crystal at one strain."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.engines.execute import execute
from iondrill.geometry.crystal import Strain, build_crystal, load_crystal

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    recipe = load_crystal(snakemake.wildcards.crystal, Path(snakemake.params.recipes))
    atoms = build_crystal(recipe, Strain(*snakemake.params.strain))
    print(execute(snakemake.params.job, atoms, Path(snakemake.output.result), Path(snakemake.output.structure)))
