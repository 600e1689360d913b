"""Compare runs side by side, and say what they support; a run that did not converge is left out."""

from pathlib import Path

from iondrill.analyse.contrasts import read_cases, write_contrasts
from iondrill.config.models import Config
from iondrill.engines.base import read_result
from iondrill.prepare.plan import Plan
from iondrill.scripting import logged

with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    status = {
        run: read_result(Path(path)).status
        for run, path in zip(plan.config.md.run, snakemake.input.results, strict=True)
    }
    finished = [run for run, ended in status.items() if ended == "converged"]
    left_out = [run for run in status if run not in finished]
    write_contrasts(read_cases(plan, finished), left_out, Path(snakemake.output.table).parent)
