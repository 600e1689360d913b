rule compare_runs:
    input:
        results=results_of(plan.md.jobs()),
        order_parameters=[f"{RESULTS}/md/{run}/order_parameters.csv" for run in plan.config.md.run],
        charges=[f"{RESULTS}/charges/{run}.csv" for run in plan.config.md.run],
        verified=[f"{RESULTS}/md/{run}/verification.json" for run in plan.verify.runs()],
    output:
        table=f"{RESULTS}/contrasts.csv",
        findings=f"{RESULTS}/contrasts.json",
        page=f"{RESULTS}/contrasts.md",
    log:
        f"{RESULTS}/logs/compare_runs.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Runs side by side"
    script:
        "../scripts/compare_runs.py"
