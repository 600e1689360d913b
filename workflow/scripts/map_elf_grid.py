"""Evaluate the ELF of a frame on a grid in space."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.elf.grid import elf_on_grid
from iondrill.analyse.elf.point import read_point
from iondrill.files import is_empty, leave_empty

with logged(snakemake.log[0]):
    if is_empty(Path(snakemake.input.structure)):
        leave_empty(map(Path, snakemake.output))
    else:
        point = read_point(snakemake.input.result, snakemake.input.structure, snakemake.params.spin_D0)
        elf_on_grid(*point).write(Path(snakemake.output.data))
