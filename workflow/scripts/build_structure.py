"""Build a structure from its recipe and write it with the record of its checks."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.geometry.io import write_structure
from iondrill.geometry.registry import build, origins

with logged(snakemake.log[0]):
    name, recipes = snakemake.wildcards.name, Path(snakemake.params.recipes)
    print(write_structure(build(name, recipes), Path(snakemake.output.structure), origins(name, recipes)))
