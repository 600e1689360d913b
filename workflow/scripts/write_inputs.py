"""Write and validate the job folders of engines that read files; run nothing. What holds a result is left alone."""

import json
from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.engines.inputs_only import write_inputs
from iondrill.files import write_text
from iondrill.prepare.plan import Plan

with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    manifest = []
    for job_id in plan.written():
        folder = plan.folder(job_id)
        atoms = plan.stage(job_id).start(job_id)
        job = plan.job(job_id, note="isolated atom" if job_id.subject.is_atom else "as built, not relaxed")
        manifest.append(write_inputs(job, atoms, folder))
        print(f"{folder}: {', '.join(manifest[-1]['checks'])}")
    write_text(Path(snakemake.output.manifest), json.dumps(manifest, indent=1) + "\n")
