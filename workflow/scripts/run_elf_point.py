"""Compute the wavefunction of one frame."""

from pathlib import Path

from iondrill.engines.execute import execute
from iondrill.prepare.start import frame
from iondrill.scripting import logged

with logged(snakemake.log[0]):
    atoms = frame(Path(snakemake.input.trajectory), snakemake.params.step)
    print(execute(snakemake.params.job, atoms, Path(snakemake.output.result), Path(snakemake.output.structure)))
