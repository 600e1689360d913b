"""Write and validate the job folders of engines that read files; run nothing. What holds a result is left alone."""

import json
from pathlib import Path

from iondrill.build.checks import read_structure
from iondrill.config.models import Config
from iondrill.engines.written import write_inputs
from iondrill.files import write_text
from iondrill.prepare import intercalation
from iondrill.prepare.plan import Plan
from iondrill.prepare.start import as_built, held
from iondrill.scripting import logged

with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    manifest = []
    for job_id in plan.written():
        folder = plan.folder(job_id)
        name = plan.structure_of(job_id)
        if job_id.stage == "convergence":
            atoms = plan.points[job_id.name].start(plan.recipes)
        elif job_id.stage == "intercalation":
            atoms = intercalation.start(job_id.subject, plan.recipes)
        else:
            atoms = as_built(job_id.subject, read_structure(plan.structure_file(name)) if name else None)
        if job_id.stage == "md":
            atoms = held(atoms, plan.config.md.runs[job_id.subject].fix)
        job = plan.job(job_id, note="isolated atom" if job_id.subject.startswith("atom.") else "as built, not relaxed")
        manifest.append(write_inputs(job, atoms, folder))
        print(f"{folder}: {', '.join(manifest[-1]['checks'])}")
    write_text(Path(snakemake.output.manifest), json.dumps(manifest, indent=1) + "\n")
