rule run_point:
    input:
        recipe=own(lambda wildcards: recipe_files_of(JobId.parse("convergence", wildcards.point))),
    output:
        result=f"{RESULTS}/jobs/convergence/{{point}}/result.json",
        structure=f"{RESULTS}/jobs/convergence/{{point}}/structure.extxyz",
    log:
        f"{RESULTS}/logs/run_point/{{point}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/run_point/{{point}}.tsv"
    wildcard_constraints:
        point=r"[A-Za-z0-9.+_-]+",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: ranks_of("convergence", "{point}")
    resources:
        **requests("convergence", "{point}"),
    params:
        job=job_spec("convergence", "{point}", "as built"),
        point=lambda wildcards: asdict(plan.convergence.points[JobId.parse("convergence", wildcards.point)]),
        recipes=str(RECIPES),
        made_from=lambda wildcards: digest_of_files(recipe_files_of(JobId.parse("convergence", wildcards.point))),
    message:
        "Convergence: {wildcards.point}"
    script:
        "../scripts/run_point.py"


rule tabulate_convergence:
    input:
        results=lambda wildcards: results_of(plan.convergence.of_study(wildcards.study)),
    output:
        table=f"{RESULTS}/convergence/{{study}}.csv",
        summary=f"{RESULTS}/convergence/{{study}}.json",
        figure=report(
            f"{RESULTS}/convergence/{{study}}.svg",
            caption="../report/convergence.rst",
            category="Convergence",
            labels={"study": "{study}"},
        ),
    log:
        f"{RESULTS}/logs/tabulate_convergence/{{study}}.log",
    wildcard_constraints:
        study="|".join(map(re.escape, plan.convergence.studies)) or "(?!)",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Table and figure of the convergence study {wildcards.study}"
    script:
        "../scripts/tabulate_convergence.py"


rule check_convergence:
    input:
        results=results_of(plan.convergence.own_points()),
        report=expand(f"{RESULTS}/convergence/{{study}}.csv", study=plan.convergence.studies),
    output:
        f"{RESULTS}/convergence/status.json",
    log:
        f"{RESULTS}/logs/check_convergence.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    message:
        "Did the points at the reference settings converge?"
    script:
        "../scripts/check_convergence.py"
