rule relax:
    input:
        structure=f"{RESULTS}/structures/{{name}}.extxyz",
        prerelaxed=prerelaxation_of("relax", "{name}{state}.{level}"),
        slab=[],
    output:
        result=f"{RESULTS}/jobs/relax/{{name}}{{state}}.{{level}}/result.json",
        structure=f"{RESULTS}/jobs/relax/{{name}}{{state}}.{{level}}/relaxed.extxyz",
    log:
        f"{RESULTS}/logs/relax/{{name}}{{state}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/relax/{{name}}{{state}}.{{level}}.tsv"
    wildcard_constraints:
        state=r"(\.m\d+)?",
    # all else waits for these, and the dynamics is the longest job
    priority: 200
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: ranks_of("relax", "{name}{state}.{level}")
    resources:
        **requests("relax", "{name}{state}.{level}"),
    params:
        job=job_text("relax", "{name}{state}.{level}", "{name} as built"),
    message:
        "Relax {wildcards.name}{wildcards.state} at {wildcards.level}"
    shell:
        RELAX


ruleorder: keep_spin_state > relax


rule keep_spin_state:
    input:
        results=lambda wildcards: results_of(
            plan.relax.spin_jobs(JobId("relax", Subject(wildcards.name), wildcards.level))
        ),
    output:
        result=f"{RESULTS}/jobs/relax/{{name}}.{{level}}/result.json",
        structure=f"{RESULTS}/jobs/relax/{{name}}.{{level}}/relaxed.extxyz",
    log:
        f"{RESULTS}/logs/keep_spin_state/{{name}}.{{level}}.log",
    wildcard_constraints:
        name="|".join(name for name in plan.relax.structures if spin_states(plan.project.recipe(name))) or "(?!)",
    priority: 200
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        multiplicities=lambda wildcards: spin_states(plan.project.recipe(wildcards.name)),
    message:
        "Keep the multiplicity of lowest energy of {wildcards.name} at {wildcards.level}"
    script:
        "../scripts/keep_spin_state.py"
