"""Compute the wavefunction of one frame."""

from pathlib import Path

from iondrill.engines.execute import execute
from iondrill.geometry.checks import read_structure
from iondrill.prepare.start import frame
from iondrill.scripting import logged

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    template = read_structure(Path(snakemake.input.structure))
    atoms = frame(Path(snakemake.input.trajectory), snakemake.params.step, template)
    files = Path(snakemake.output.result), Path(snakemake.output.structure)
    before = [Path(path).parent for path in snakemake.input.guess]
    print(execute(snakemake.params.job, atoms, *files, guess_from=before))
