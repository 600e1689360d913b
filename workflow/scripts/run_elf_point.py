"""Compute the wavefunction of one frame, or of a part of it alone.

Nothing of an event without a frame of its own, and nothing of a run that did not converge.
"""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.elf.event_frames import NOT_CONVERGED, read_events, step_of, why_no_frame
from iondrill.engines.base import read_converged
from iondrill.engines.execute import execute, pass_over
from iondrill.files import is_empty
from iondrill.geometry.checks import read_structure
from iondrill.prepare.start import frame, part


def compute(step, files):
    """Run the single point on the frame of a step."""
    atoms = frame(Path(snakemake.input.trajectory), step, read_structure(Path(snakemake.input.structure)))
    if (name := snakemake.wildcards.get("part")) is not None:
        atoms = part(atoms, name)
    spin = [read_converged(Path(path)).multiplicity for path in snakemake.input.spin]
    job = {**snakemake.params.job, **({"multiplicity": spin[0]} if spin else {})}
    before = [Path(path).parent for path in snakemake.input.guess]
    return execute(job, atoms, *files, guess_from=before)


with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    wanted, events = snakemake.wildcards.frame, read_events(map(Path, snakemake.input.events))
    files = Path(snakemake.output.result), Path(snakemake.output.structure)
    step = step_of(wanted, events)
    if is_empty(Path(snakemake.input.trajectory)):
        done = pass_over(snakemake.params.job, NOT_CONVERGED, *files)
    elif step is None:
        done = pass_over(snakemake.params.job, why_no_frame(wanted, events), *files)
    else:
        done = compute(step, files)
    print(done)
