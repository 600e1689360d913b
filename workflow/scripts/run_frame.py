"""Compute one frame of a run, or a piece of it, as it lies in a file; nothing of a run that did not converge."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.elf.event_frames import NOT_CONVERGED
from iondrill.engines.execute import execute, pass_over
from iondrill.files import is_empty
from iondrill.geometry.checks import read_structure


def compute(source, files):
    """Run the single point on the frame of a file."""
    atoms = read_structure(source)
    for name in ("cap", "parent"):
        atoms.arrays.pop(name, None)
    return execute(snakemake.params.job, atoms, *files)


with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    source = Path(snakemake.input.structure)
    files = Path(snakemake.output.result), Path(snakemake.output.structure)
    print(pass_over(snakemake.params.job, NOT_CONVERGED, *files) if is_empty(source) else compute(source, files))
