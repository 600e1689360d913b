"""Run or resume molecular dynamics, and publish its frames; none where a part of the start did not converge."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.engines.execute import execute, pass_over, publish
from iondrill.engines.length import FRAMES
from iondrill.files import is_empty
from iondrill.geometry.checks import read_structure
from iondrill.jobs.job import Job
from iondrill.prepare.start import NO_START, with_fixed_edge


def run(spec, start, files):
    """Run from the start structure."""
    result = execute(spec, with_fixed_edge(read_structure(start), snakemake.params.fix), *files)
    if result.status == "converged":
        publish(Job.model_validate(spec), files[0].parent)
    return result


with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    spec, start = snakemake.params.job, Path(snakemake.input.structure)
    files = Path(snakemake.output.result), Path(snakemake.output.structure)
    files[0].with_name(FRAMES).unlink(missing_ok=True)
    print(pass_over(spec, NO_START, *files) if is_empty(start) else run(spec, start, files))
