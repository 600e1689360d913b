"""Run or resume restrained dynamics in a window, from the frame of the steering that is nearest to it."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.energies.sampled import nearest_frame
from iondrill.engines.base import read_converged
from iondrill.engines.execute import execute, publish
from iondrill.geometry.checks import read_structure
from iondrill.jobs.job import Job
from iondrill.prepare.start import with_fixed_edge

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    job = Job.model_validate(snakemake.params.job)
    start = with_fixed_edge(read_structure(Path(snakemake.input.structure)), snakemake.params.fix)
    steering, restraint = Path(snakemake.input.steering), job.task.restraint
    read_converged(steering)
    atoms = nearest_frame(steering, start, restraint.coordinate, restraint.at_A)
    record = Path(snakemake.output.result)
    result = execute(snakemake.params.job, atoms, record, Path(snakemake.output.structure))
    if result.status == "converged":
        publish(job, record.parent)
    print(result)
