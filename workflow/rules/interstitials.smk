INTERSTITIALS = f"{RESULTS}/jobs/interstitials"


rule relax_interstitial:
    output:
        result=f"{INTERSTITIALS}/diamond.{{placed}}.x{{repeats}}.{{level}}/result.json",
        structure=f"{INTERSTITIALS}/diamond.{{placed}}.x{{repeats}}.{{level}}/relaxed.extxyz",
    log:
        f"{RESULTS}/logs/relax_interstitial/diamond.{{placed}}.x{{repeats}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/relax_interstitial/diamond.{{placed}}.x{{repeats}}.{{level}}.tsv"
    wildcard_constraints:
        placed=r"clean|[A-Z][a-z]?-[a-z]+",
        repeats=r"\d",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: ranks_of("interstitials", "diamond.{placed}.x{repeats}.{level}")
    resources:
        **requests("interstitials", "diamond.{placed}.x{repeats}.{level}"),
    params:
        job=job_spec("interstitials", "diamond.{placed}.x{repeats}.{level}", "{placed} in diamond, as built"),
        config=plan.config.model_dump(mode="json"),
    message:
        "Relax {wildcards.placed} in {wildcards.repeats}³ cells of diamond at {wildcards.level}"
    script:
        "../scripts/relax_interstitial.py"


rule tabulate_interstitials:
    input:
        results=records_of(plan.interstitials.jobs),
    output:
        f"{RESULTS}/interstitials.csv",
    log:
        f"{RESULTS}/logs/tabulate_interstitials.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Table of ions inside diamond"
    script:
        "../scripts/tabulate_interstitials.py"
