rule judge_claims:
    input:
        judged_by,
    output:
        table=f"{RESULTS}/claims.csv",
        data=f"{RESULTS}/claims.json",
    log:
        f"{RESULTS}/logs/judge_claims.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "The paper's claims"
    script:
        "../scripts/judge_claims.py"
