"""Relax a nanodiamond, or ions on the relaxed one."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.engines.execute import execute
from iondrill.geometry.checks import read_structure
from iondrill.geometry.shells import with_shell
from iondrill.jobs.name import JobId
from iondrill.prepare.stages.shells import filling_of

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    job = JobId.parse("shells", Path(snakemake.output.result).parent.name)
    cluster = read_structure(Path(snakemake.input[0]))
    start = with_shell(cluster, filling_of(job)) if filling_of(job) else cluster
    print(execute(snakemake.params.job, start, Path(snakemake.output.result), Path(snakemake.output.structure)))
