"""Put a relaxed nanodiamond before the edge of a relaxed flake; where one did not converge, the files are empty."""

from pathlib import Path

from iondrill.scripting import all_converged, logged
from iondrill.files import leave_empty
from iondrill.geometry.assembly import assemble
from iondrill.geometry.checks import read_structure
from iondrill.geometry.io import write_structure
from iondrill.geometry.recipes import load_recipe
from iondrill.geometry.registry import origins


def put_together():
    """Write the assembly; return what was written."""
    *cluster, flake = (read_structure(Path(path)) for path in snakemake.input.parts)
    name, recipes = snakemake.wildcards.name, Path(snakemake.params.recipes)
    atoms = assemble(cluster[0] if cluster else None, flake, load_recipe(name, recipes))
    return write_structure(atoms, Path(snakemake.output.structure), origins(name, recipes))


with logged(snakemake.log[0]):
    if all_converged(snakemake.input.results):
        print(put_together())
    else:
        leave_empty(map(Path, snakemake.output))
