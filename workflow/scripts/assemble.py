"""Put a relaxed nanodiamond before the edge of a relaxed flake."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.engines.base import read_converged
from iondrill.geometry.assembly import assemble
from iondrill.geometry.checks import read_structure
from iondrill.geometry.io import write_structure
from iondrill.geometry.recipes import load_recipe
from iondrill.geometry.registry import origins

with logged(snakemake.log[0]):
    for path in snakemake.input.results:
        read_converged(Path(path))
    *cluster, flake = (read_structure(Path(path)) for path in snakemake.input.parts)
    name, recipes = snakemake.wildcards.name, Path(snakemake.params.recipes)
    atoms = assemble(cluster[0] if cluster else None, flake, load_recipe(name, recipes))
    print(write_structure(atoms, Path(snakemake.output.structure), origins(name, recipes)))
