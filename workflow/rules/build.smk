rule build_structure:
    input:
        recipe=lambda wildcards: plan.recipe_files(wildcards.name),
    output:
        structure=f"{RESULTS}/structures/{{name}}.extxyz",
        record=f"{RESULTS}/structures/{{name}}.json",
    log:
        f"{RESULTS}/logs/build_structure/{{name}}.log",
    priority: 200
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        recipes=str(RECIPES),
        made_from=lambda wildcards: digest_of_files(plan.recipe_files(wildcards.name)),
    message:
        "Build {wildcards.name}"
    script:
        "../scripts/build_structure.py"


rule assemble:
    input:
        recipe=lambda wildcards: plan.recipe_files(wildcards.name),
        parts=lambda wildcards: expand(
            f"{RESULTS}/jobs/relax/{{part}}.{wildcards.level}/relaxed.extxyz",
            part=plan.parts_of(wildcards.name),
        ),
        results=lambda wildcards: expand(
            f"{RESULTS}/jobs/relax/{{part}}.{wildcards.level}/result.json",
            part=plan.parts_of(wildcards.name),
        ),
    output:
        structure=f"{RESULTS}/structures/{{name}}.{{level}}.extxyz",
        record=f"{RESULTS}/structures/{{name}}.{{level}}.json",
    log:
        f"{RESULTS}/logs/assemble/{{name}}.{{level}}.log",
    priority: 200
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        recipes=str(RECIPES),
        made_from=lambda wildcards: digest_of_files(plan.recipe_files(wildcards.name)),
    message:
        "Assemble {wildcards.name} from parts relaxed at {wildcards.level}"
    script:
        "../scripts/assemble.py"
