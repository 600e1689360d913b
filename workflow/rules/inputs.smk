rule write_inputs:
    input:
        structures=[f"{RESULTS}/structures/{name}.extxyz" for name in plan.written_structures()],
        recipes=own(said_of(lambda: written_from(plan))),
    output:
        manifest=f"{RESULTS}/inputs.json",
        records=[f"{RESULTS}/jobs/{job.stage}/{job.name}/inputs.json" for job in WRITTEN],
    log:
        f"{RESULTS}/logs/write_inputs.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
        templates=[templates_digest(engine) for engine, level in LEVELS.items() if not level.in_process],
        made_from=digests_of(lambda: written_from(plan)),
    message:
        "Write and validate the job folders of file engines"
    script:
        "../scripts/write_inputs.py"
