FREE_ENERGY = f"{RESULTS}/jobs/free_energy"


wildcard_constraints:
    profile=r"[A-Za-z0-9][A-Za-z0-9+_-]*",
    way="in|out",
    seed=r"\d+",
    window=r"\d+",


rule steer:
    input:
        structure=structure_of_profile,
        before=lambda wildcards: (
            [f"{FREE_ENERGY}/{wildcards.profile}.pull-in-s{wildcards.seed}.{wildcards.level}/result.json"]
            if wildcards.way == "out"
            else []
        ),
    output:
        result=f"{FREE_ENERGY}/{{profile}}.pull-{{way}}-s{{seed}}.{{level}}/result.json",
        structure=f"{FREE_ENERGY}/{{profile}}.pull-{{way}}-s{{seed}}.{{level}}/last.extxyz",
    log:
        f"{RESULTS}/logs/steer/{{profile}}.{{way}}-s{{seed}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/steer/{{profile}}.{{way}}-s{{seed}}.{{level}}.tsv"
    priority: 90
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: ranks_of("free_energy", "{profile}.pull-{way}-s{seed}.{level}")
    resources:
        **requests("free_energy", "{profile}.pull-{way}-s{seed}.{level}"),
    params:
        job=job_spec("free_energy", "{profile}.pull-{way}-s{seed}.{level}", "steered {way}"),
        fix=lambda wildcards: run_of_profile(wildcards).fix,
    message:
        "Steering {wildcards.way} for {wildcards.profile}, seed {wildcards.seed}"
    script:
        "../scripts/steer.py"


rule sample_window:
    input:
        structure=structure_of_profile,
        steering=f"{FREE_ENERGY}/{{profile}}.pull-{{way}}-s{{seed}}.{{level}}/result.json",
    output:
        result=f"{FREE_ENERGY}/{{profile}}.w{{window}}-{{way}}-s{{seed}}.{{level}}/result.json",
        structure=f"{FREE_ENERGY}/{{profile}}.w{{window}}-{{way}}-s{{seed}}.{{level}}/last.extxyz",
    log:
        f"{RESULTS}/logs/sample_window/{{profile}}.w{{window}}-{{way}}-s{{seed}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample_window/{{profile}}.w{{window}}-{{way}}-s{{seed}}.{{level}}.tsv"
    priority: 80
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: ranks_of("free_energy", "{profile}.w{window}-{way}-s{seed}.{level}")
    resources:
        **requests("free_energy", "{profile}.w{window}-{way}-s{seed}.{level}"),
    params:
        job=job_spec("free_energy", "{profile}.w{window}-{way}-s{seed}.{level}", "from the steering {way}"),
        fix=lambda wildcards: run_of_profile(wildcards).fix,
    message:
        "Window {wildcards.window} of {wildcards.profile}, {wildcards.way}, seed {wildcards.seed}"
    script:
        "../scripts/sample_window.py"


rule tabulate_free_energy:
    input:
        results=records_of(plan.free_energy.jobs),
        structures=said_of(
            lambda: sorted(
                {
                    f"{RESULTS}/structures/{plan.md.start_structure(profile.run)}.extxyz"
                    for profile in plan.free_energy.profiles.values()
                }
            )
        ),
    output:
        table=f"{RESULTS}/free_energy.csv",
        data=f"{RESULTS}/free_energy.json",
        figure=report(
            f"{RESULTS}/figures/free_energy.svg",
            caption="../report/free_energy.rst",
            category="Free energy",
            labels={"what": "along order parameters"},
        ),
    log:
        f"{RESULTS}/logs/tabulate_free_energy.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Free energies"
    script:
        "../scripts/tabulate_free_energy.py"
