"""Run or resume molecular dynamics, and publish its frames."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.engines.execute import execute, publish
from iondrill.engines.length import FRAMES
from iondrill.geometry.checks import read_structure
from iondrill.jobs.job import Job
from iondrill.prepare.start import with_fixed_edge

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    atoms = with_fixed_edge(read_structure(Path(snakemake.input.structure)), snakemake.params.fix)
    record = Path(snakemake.output.result)
    record.with_name(FRAMES).unlink(missing_ok=True)
    result = execute(snakemake.params.job, atoms, record, Path(snakemake.output.structure))
    if result.status == "converged":
        publish(Job.model_validate(snakemake.params.job), record.parent)
    print(result)
