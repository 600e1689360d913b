SHELLS = f"{RESULTS}/jobs/shells"


rule relax_shell:
    input:
        lambda wildcards: (
            f"{RESULTS}/structures/{wildcards.name}.extxyz"
            if wildcards.shell == "clean"
            else f"{SHELLS}/{wildcards.name}.clean.{wildcards.level}/relaxed.extxyz"
        ),
    output:
        result=f"{SHELLS}/{{name}}.{{shell}}.{{level}}/result.json",
        structure=f"{SHELLS}/{{name}}.{{shell}}.{{level}}/relaxed.extxyz",
    log:
        f"{RESULTS}/logs/relax_shell/{{name}}.{{shell}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/relax_shell/{{name}}.{{shell}}.{{level}}.tsv"
    wildcard_constraints:
        shell=r"clean|(?:[A-Z][a-z]?\d+)+",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: ranks_of("shells", "{name}.{shell}.{level}")
    resources:
        **requests("shells", "{name}.{shell}.{level}"),
    params:
        job=job_spec("shells", "{name}.{shell}.{level}", "{shell} on {name}"),
    message:
        "Relax {wildcards.name} with {wildcards.shell} at {wildcards.level}"
    script:
        "../scripts/relax_shell.py"


rule tabulate_shells:
    input:
        results=records_of(plan.shells.jobs),
    output:
        f"{RESULTS}/shells.csv",
    log:
        f"{RESULTS}/logs/tabulate_shells.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Table of shells of ions on nanodiamonds"
    script:
        "../scripts/tabulate_shells.py"
