"""Find the path of an ion from a site of a facet to the nearest of a kind, and the energy on it."""

from pathlib import Path

from ase.io import write

from iondrill.scripting import logged
from iondrill.analyse.energies.barrier import profile, write_profile
from iondrill.engines.base import read_result
from iondrill.engines.find_barrier import find_barrier
from iondrill.files import replacing
from iondrill.geometry.checks import read_structure

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    record = Path(snakemake.output.result)
    results, structures = map(read_result, map(Path, snakemake.input.results)), map(Path, snakemake.input.structures)
    ends = (snakemake.wildcards.start, snakemake.wildcards.end)
    relaxed = dict(zip(ends, zip(results, map(read_structure, structures), strict=True), strict=True))
    built = read_structure(Path(snakemake.input.slab))
    result, band = find_barrier(snakemake.params.job, built, relaxed, record.parent)
    write_profile(*profile(*band), Path(snakemake.output.profile))
    with replacing(Path(snakemake.output.path)) as temporary:
        write(temporary, band.images, format="extxyz", write_results=False)
    result.write(record)
    print(result)
