# the frames are no declared output: a run that does not converge publishes none, and keeps its record
rule run_md:
    input:
        structure=lambda wildcards: f"{RESULTS}/structures/{plan.md.start_structure(wildcards.run)}.extxyz",
    output:
        result=f"{RESULTS}/jobs/md/{{run}}.{{level}}/result.json",
        structure=f"{RESULTS}/jobs/md/{{run}}.{{level}}/last.extxyz",
    log:
        f"{RESULTS}/logs/run_md/{{run}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/run_md/{{run}}.{{level}}.tsv"
    # the longest jobs start first
    priority: 100
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: ranks_of("md", "{run}.{level}")
    resources:
        **requests("md", "{run}.{level}"),
    params:
        job=job_spec("md", "{run}.{level}"),
        fix=lambda wildcards: plan.config.md.runs[wildcards.run].fix,
    message:
        "Molecular dynamics {wildcards.run} at {wildcards.level}"
    script:
        "../scripts/run_md.py"


rule analyse_md:
    input:
        structure=lambda wildcards: f"{RESULTS}/structures/{plan.md.start_structure(wildcards.run)}.extxyz",
        result=lambda wildcards: f"{RESULTS}/jobs/md/{wildcards.run}.{plan.md.of_run(wildcards.run).level}/result.json",
    output:
        trajectory=f"{RESULTS}/md/{{run}}/trajectory.traj",
        order_parameters=f"{RESULTS}/md/{{run}}/order_parameters.csv",
        thermalisation=f"{RESULTS}/md/{{run}}/thermalisation.csv",
        events=f"{RESULTS}/md/{{run}}/events.json",
        charges=f"{RESULTS}/charges/{{run}}.csv",
    log:
        f"{RESULTS}/logs/analyse_md/{{run}}.log",
    priority: 60
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        save_every=lambda wildcards: plan.config.md.runs[wildcards.run].save_every,
        temperature_K=lambda wildcards: plan.config.md.runs[wildcards.run].temperature_K,
        thermalised=lambda wildcards: plan.config.md.runs[wildcards.run].thermalise.time_fs > 0,
        charge=lambda wildcards: plan.md.charge_of(wildcards.run),
        events=plan.config.md.events.model_dump(),
        scheme=lambda wildcards: plan.config.levels[plan.md.of_run(wildcards.run).level].charge_scheme,
    message:
        "Trajectory, order parameters, events and charges of {wildcards.run}"
    script:
        "../scripts/analyse_md.py"
