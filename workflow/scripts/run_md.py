"""Run, or go on with, molecular dynamics, and publish its frames."""

import os
from pathlib import Path

from iondrill.build.checks import read_structure
from iondrill.engines.execute import execute
from iondrill.prepare.journal import state_folder
from iondrill.prepare.start import with_fixed_edge
from iondrill.scripting import logged

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    atoms = with_fixed_edge(read_structure(Path(snakemake.input.structure)), snakemake.params.fix)
    record = Path(snakemake.output.result)
    frames = record.with_name("frames.bin")
    frames.unlink(missing_ok=True)
    result = execute(snakemake.params.job, atoms, record, Path(snakemake.output.structure))
    if result.status == "converged":
        frames.unlink(missing_ok=True)  # of the run that was waited for
        os.link(state_folder(record.parent, result.input_hash) / "frames.bin", frames)
    print(result)
