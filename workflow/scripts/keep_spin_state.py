"""Of the relaxations of a structure with several multiplicities, keep the one of lowest energy."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.collect.spin import keep_lowest
from iondrill.engines.base import read_result
from iondrill.geometry.checks import read_structure
from iondrill.geometry.io import write_structure

with logged(snakemake.log[0]):
    files = dict(zip(snakemake.params.multiplicities, map(Path, snakemake.input.results), strict=True))
    result, kept = keep_lowest({multiplicity: read_result(path) for multiplicity, path in files.items()})
    chosen = files[snakemake.params.multiplicities[0] if kept is None else kept]
    write_structure(read_structure(chosen.with_name("relaxed.extxyz")), Path(snakemake.output.structure))
    result.write(Path(snakemake.output.result))
    print(result)
