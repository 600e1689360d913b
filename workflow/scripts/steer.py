"""Steer a structure along an order parameter: inwards from its start, or back from where that has come to.

Nothing is steered from a start of which a part did not converge, nor back where the way in did not.
"""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.engines.base import read_result
from iondrill.engines.execute import execute, pass_over, publish
from iondrill.files import is_empty
from iondrill.geometry.checks import read_structure
from iondrill.jobs.job import Job
from iondrill.prepare.start import NO_START, with_fixed_edge


def steer(spec, files):
    """Steer from the start, or from the end of the way in."""
    atoms = with_fixed_edge(read_structure(Path(snakemake.input.structure)), snakemake.params.fix)
    for record in map(Path, snakemake.input.before):
        atoms.set_positions(read_structure(record.with_name("last.extxyz")).positions, apply_constraint=False)
    result = execute(spec, atoms, *files)
    if result.status == "converged":
        publish(Job.model_validate(spec), files[0].parent)
    return result


with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    files = Path(snakemake.output.result), Path(snakemake.output.structure)
    done = all(read_result(Path(record)).status == "converged" for record in snakemake.input.before)
    why = NO_START if is_empty(Path(snakemake.input.structure)) else "" if done else "the way in did not converge"
    spec = snakemake.params.job
    print(pass_over(spec, why, *files) if why else steer(spec, files))
