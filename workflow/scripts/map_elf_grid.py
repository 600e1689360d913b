"""Evaluate the ELF of a frame on a grid in space; of a single point that did not converge the file is empty."""

from pathlib import Path

from iondrill.scripting import all_converged, logged
from iondrill.analyse.elf.grid import elf_on_grid
from iondrill.analyse.elf.point import read_point
from iondrill.files import leave_empty

with logged(snakemake.log[0]):
    if all_converged([snakemake.input.result]):
        point = read_point(snakemake.input.result, snakemake.input.structure, snakemake.params.spin_D0)
        elf_on_grid(*point).write(Path(snakemake.output.data))
    else:
        leave_empty(map(Path, snakemake.output))
