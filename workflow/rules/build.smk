rule build_structure:
    input:
        recipe=own(recipe_files_of_structure),
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
        made_from=lambda wildcards: digest_of_files(recipe_files_of_structure(wildcards)),
    message:
        "Build {wildcards.name}"
    script:
        "../scripts/build_structure.py"


rule assemble:
    input:
        recipe=own(recipe_files_of_structure),
        parts=relaxed_parts("relaxed.extxyz"),
        results=relaxed_parts("result.json"),
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
        made_from=lambda wildcards: digest_of_files(recipe_files_of_structure(wildcards)),
    message:
        "Assemble {wildcards.name} from parts relaxed at {wildcards.level}"
    script:
        "../scripts/assemble.py"
