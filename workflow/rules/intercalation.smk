INTERCALATION = f"{RESULTS}/jobs/intercalation"


rule run_crystal:
    input:
        recipe=own(lambda wildcards: [str(crystal_path(wildcards.crystal, RECIPES))]),
    output:
        result=f"{INTERCALATION}/{{crystal}}.{{strain}}.{{level}}/result.json",
        structure=f"{INTERCALATION}/{{crystal}}.{{strain}}.{{level}}/structure.extxyz",
    log:
        f"{RESULTS}/logs/run_crystal/{{crystal}}.{{strain}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/run_crystal/{{crystal}}.{{strain}}.{{level}}.tsv"
    wildcard_constraints:
        crystal=r"[A-Za-z0-9][A-Za-z0-9+_-]*",
        strain=r"a\d+c\d+",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: ranks_of("intercalation", "{crystal}.{strain}.{level}")
    resources:
        **requests("intercalation", "{crystal}.{strain}.{level}"),
    params:
        job=job_spec("intercalation", "{crystal}.{strain}.{level}", "{crystal}, strained to {strain}"),
        strain=lambda wildcards: plan.intercalation.strain(
            JobId.parse("intercalation", "{crystal}.{strain}.{level}".format(**wildcards))
        ),
        recipes=str(RECIPES),
        made_from=lambda wildcards: digest_of_files([crystal_path(wildcards.crystal, RECIPES)]),
    message:
        "Energy of {wildcards.crystal} at {wildcards.strain}, {wildcards.level}"
    script:
        "../scripts/run_crystal.py"


rule tabulate_intercalation:
    input:
        results=records_of(plan.intercalation.jobs),
        recipes=said_of(lambda: plan.intercalation.files),
    output:
        f"{RESULTS}/intercalation.csv",
    log:
        f"{RESULTS}/logs/tabulate_intercalation.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
        made_from=digests_of(lambda: plan.intercalation.files),
    message:
        "Table of formation energies"
    script:
        "../scripts/tabulate_intercalation.py"
