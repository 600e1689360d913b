"""Say of every single point how it ended; end with status 1 if one did not converge."""

import json
from pathlib import Path

from iondrill.scripting import logged
from iondrill.engines.base import read_result
from iondrill.errors import Problem, UserError
from iondrill.files import write_text

with logged(snakemake.log[0]):
    results = {path: read_result(Path(path)) for path in snakemake.input.results}
    problems = [
        Problem(path, f"{result.status}: {result.attempts[-1].reason}", f"see {snakemake.input.report}")
        for path, result in results.items()
        if result.status != "converged"
    ]
    if problems:
        raise UserError(*problems)
    write_text(Path(snakemake.output[0]), json.dumps({path: r.status for path, r in results.items()}, indent=1))
