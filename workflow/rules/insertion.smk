INSERTION = f"{RESULTS}/jobs/insertion"


rule place_ion:
    output:
        result=f"{INSERTION}/{{name}}.{{placed}}.{{gap}}.{{level}}/result.json",
        structure=f"{INSERTION}/{{name}}.{{placed}}.{{gap}}.{{level}}/structure.extxyz",
    log:
        f"{RESULTS}/logs/place_ion/{{name}}.{{placed}}.{{gap}}.{{level}}.log",
    wildcard_constraints:
        placed=r"clean|[A-Z][a-z]?-p\d+",
        gap=r"g\d+",
    group:
        "insertion"
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: ranks_of("insertion", "{name}.{placed}.{gap}.{level}")
    resources:
        **requests("insertion", "{name}.{placed}.{gap}.{level}"),
    params:
        job=job_spec("insertion", "{name}.{placed}.{gap}.{level}", "{placed} in {name}, {gap}"),
        config=plan.config.model_dump(mode="json"),
    message:
        "{wildcards.placed} between the layers of {wildcards.name} ({wildcards.gap}) at {wildcards.level}"
    script:
        "../scripts/place_ion.py"


rule tabulate_insertion:
    input:
        results=records_of(plan.insertion.jobs),
    output:
        f"{RESULTS}/insertion.csv",
    log:
        f"{RESULTS}/logs/tabulate_insertion.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Table of ions between layers"
    script:
        "../scripts/tabulate_insertion.py"
