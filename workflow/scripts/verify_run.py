"""Compare the level of a run with the reference on frames of the run, and say whether the run is trusted.

Nothing is said of a run that did not converge.
"""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.verification.collected import verify
from iondrill.config.models import Config
from iondrill.files import is_empty, leave_empty
from iondrill.prepare.plan import Plan

with logged(snakemake.log[0]):
    chosen = Path(snakemake.input.chosen)
    if is_empty(chosen):
        leave_empty(map(Path, snakemake.output))
    else:
        plan = Plan(Config.model_validate(snakemake.params.config))
        outputs = {name: Path(path) for name, path in snakemake.output.items()}
        verify(plan, snakemake.wildcards.run, chosen, outputs)
