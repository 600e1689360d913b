BARRIERS = f"{RESULTS}/jobs/barriers"


rule find_barrier:
    input:
        slab=f"{RESULTS}/structures/{{facet}}.extxyz",
        results=ends_of("result.json"),
        structures=ends_of("relaxed.extxyz"),
    output:
        result=f"{BARRIERS}/{{facet}}.{{ion}}-{{start}}_{{end}}.{{level}}/result.json",
        path=f"{BARRIERS}/{{facet}}.{{ion}}-{{start}}_{{end}}.{{level}}/path.extxyz",
        profile=f"{BARRIERS}/{{facet}}.{{ion}}-{{start}}_{{end}}.{{level}}/profile.csv",
    log:
        f"{RESULTS}/logs/find_barrier/{{facet}}.{{ion}}-{{start}}_{{end}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/find_barrier/{{facet}}.{{ion}}-{{start}}_{{end}}.{{level}}.tsv"
    wildcard_constraints:
        start=r"[a-z0-9-]+",
        end=r"[a-z0-9-]+",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: ranks_of("barriers", "{facet}.{ion}-{start}_{end}.{level}")
    resources:
        **requests("barriers", "{facet}.{ion}-{start}_{end}.{level}"),
    params:
        job=job_spec("barriers", "{facet}.{ion}-{start}_{end}.{level}", "{ion} from {start} to {end} on {facet}"),
    message:
        "Path of {wildcards.ion} from {wildcards.start} to {wildcards.end} on {wildcards.facet} at {wildcards.level}"
    script:
        "../scripts/find_barrier.py"


rule tabulate_barriers:
    input:
        results=records_of(plan.barriers.jobs),
    output:
        table=f"{RESULTS}/barriers.csv",
        figure=report(
            f"{RESULTS}/figures/barriers.svg",
            caption="../report/barriers.rst",
            category="Barriers",
            labels={"what": "energy along each path"},
        ),
    log:
        f"{RESULTS}/logs/tabulate_barriers.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Table of barriers"
    script:
        "../scripts/tabulate_barriers.py"
