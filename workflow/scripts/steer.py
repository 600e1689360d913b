"""Steer a structure along an order parameter: inwards from its start, or back from where that has come to."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.engines.base import read_converged
from iondrill.engines.execute import execute, publish
from iondrill.geometry.checks import read_structure
from iondrill.jobs.job import Job
from iondrill.prepare.start import with_fixed_edge

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    atoms = with_fixed_edge(read_structure(Path(snakemake.input.structure)), snakemake.params.fix)
    for record in map(Path, snakemake.input.before):
        read_converged(record)
        atoms.set_positions(read_structure(record.with_name("last.extxyz")).positions, apply_constraint=False)
    record = Path(snakemake.output.result)
    result = execute(snakemake.params.job, atoms, record, Path(snakemake.output.structure))
    if result.status == "converged":
        publish(Job.model_validate(snakemake.params.job), record.parent)
    print(result)
