rule relax:
    input:
        structure=f"{RESULTS}/structures/{{name}}.extxyz",
        prerelaxed=prerelaxation_of("relax", "{name}.{level}"),
    output:
        result=f"{RESULTS}/jobs/relax/{{name}}.{{level}}/result.json",
        structure=f"{RESULTS}/jobs/relax/{{name}}.{{level}}/relaxed.extxyz",
    log:
        f"{RESULTS}/logs/relax/{{name}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/relax/{{name}}.{{level}}.tsv"
    # all else waits for these, and the dynamics is the longest job
    priority: 200
    conda:
        "../envs/iondrill.yaml"
    params:
        job=job_spec("relax", "{name}.{level}", "{name} as built"),
    message:
        "Relax {wildcards.name} at {wildcards.level}"
    script:
        "../scripts/relax.py"
