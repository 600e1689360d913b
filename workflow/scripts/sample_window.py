"""Run or resume restrained dynamics in a window, from the frame of the steering that is nearest to it.

Nothing is run where the steering did not converge.
"""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.energies.sampled import nearest_frame
from iondrill.engines.base import read_result
from iondrill.engines.execute import execute, pass_over, publish
from iondrill.geometry.checks import read_structure
from iondrill.jobs.job import Job
from iondrill.prepare.start import with_fixed_edge


def sample(spec, steering, files):
    """Run the window."""
    job = Job.model_validate(spec)
    start = with_fixed_edge(read_structure(Path(snakemake.input.structure)), snakemake.params.fix)
    atoms = nearest_frame(steering, start, job.task.restraint.coordinate, job.task.restraint.at_A)
    result = execute(spec, atoms, *files)
    if result.status == "converged":
        publish(job, files[0].parent)
    return result


with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    steering, spec = Path(snakemake.input.steering), snakemake.params.job
    files = Path(snakemake.output.result), Path(snakemake.output.structure)
    done = read_result(steering).status == "converged"
    print(sample(spec, steering, files) if done else pass_over(spec, "the steering did not converge", *files))
