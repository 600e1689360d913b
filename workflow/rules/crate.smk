rule write_crate:
    input:
        f"{RESULTS}/report.html",
        f"{RESULTS}/.accepted",
        [f"{RESULTS}/contrasts.md", f"{RESULTS}/diffraction.csv"] if plan.config.md.run else [],
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
