"""Simulate (00l) reflections of known compounds and of the gaps of the runs; write table and figure."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.dynamics.diffraction import DIFFRACTION, known_stacks, reflections, stacks_of_runs
from iondrill.files import write_text
from iondrill.report.figures.diffraction import draw_diffraction

with logged(snakemake.log[0]):
    rows = list(reflections([*known_stacks(), *stacks_of_runs(Path(snakemake.input[0]))]))
    DIFFRACTION.write(rows, Path(snakemake.output.table))
    write_text(Path(snakemake.output.figure), draw_diffraction(rows))
