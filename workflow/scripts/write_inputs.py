"""Write and validate the job folders of engines that read files; run nothing."""

import json
from pathlib import Path

from iondrill.build.checks import read_structure
from iondrill.config.models import Config
from iondrill.engines.registry import engine, write_folder
from iondrill.files import write_text
from iondrill.prepare.plan import Plan
from iondrill.prepare.start import as_built
from iondrill.scripting import logged

with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    manifest = []
    for job_id in plan.written():
        folder = plan.folder(job_id)
        name = plan.structure_of(job_id)
        if job_id.stage == "convergence":
            atoms = plan.points[job_id.name].start(plan.recipes)
        else:
            atoms = as_built(job_id.subject, read_structure(plan.structure_file(name)) if name else None)
        job = plan.job(job_id, note="isolated atom" if len(atoms) == 1 else "as built, not relaxed")
        files = write_folder(job, atoms, folder)
        checks = engine(job.level.engine).validate_inputs(folder)
        record = {"folder": str(folder), "files": sorted(path.name for path in files), "checks": checks}
        write_text(folder / "inputs.json", json.dumps(record, indent=1) + "\n")
        manifest.append(record)
        print(f"{folder}: {', '.join(checks)}")
    write_text(Path(snakemake.output.manifest), json.dumps(manifest, indent=1) + "\n")
