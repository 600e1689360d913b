"""Compute the wavefunction of one frame, or of a part of it alone."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.engines.base import read_converged
from iondrill.engines.execute import execute
from iondrill.geometry.checks import read_structure
from iondrill.prepare.start import frame, part

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    template = read_structure(Path(snakemake.input.structure))
    atoms = frame(Path(snakemake.input.trajectory), snakemake.params.step, template)
    if (name := snakemake.wildcards.get("part")) is not None:
        atoms = part(atoms, name)
    spin = [read_converged(Path(path)).multiplicity for path in snakemake.input.spin]
    job = {**snakemake.params.job, **({"multiplicity": spin[0]} if spin else {})}
    files = Path(snakemake.output.result), Path(snakemake.output.structure)
    before = [Path(path).parent for path in snakemake.input.guess]
    print(execute(job, atoms, *files, guess_from=before))
