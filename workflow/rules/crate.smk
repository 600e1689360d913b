rule write_crate:
    input:
        [path.as_posix() for path in result_paths(plan, lambda file: file.crate)],
        f"{RESULTS}/.accepted",
    output:
        f"{RESULTS}/crate.zip",
    log:
        f"{RESULTS}/logs/write_crate.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "RO-Crate of the run"
    script:
        "../scripts/write_crate.py"
