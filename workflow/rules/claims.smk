def judged_by(wildcards):
    """Return the tables that claims are judged by: of a target of its own where it is asked for beside, or is there."""
    asked = {"all", *workflow.dag_settings.targets}
    return [
        path.as_posix()
        for file in RESULT_FILES
        if file.claims
        for path in said_of(lambda: list(file.paths(plan)))(wildcards)
        if file.target in asked or path.is_file()
    ]


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
