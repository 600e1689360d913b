ADSORPTION = f"{RESULTS}/jobs/adsorption"


use rule relax as relax_slab with:
    input:
        structure=f"{RESULTS}/structures/{{facet}}.extxyz",
        prerelaxed=prerelaxation_of("adsorption", "{facet}.clean.{level}"),
        slab=[],
    output:
        result=f"{ADSORPTION}/{{facet}}.clean.{{level}}/result.json",
        structure=f"{ADSORPTION}/{{facet}}.clean.{{level}}/relaxed.extxyz",
    log:
        f"{RESULTS}/logs/relax_slab/{{facet}}.clean.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/relax_slab/{{facet}}.{{level}}.tsv"
    priority: 50
    threads: ranks_of("adsorption", "{facet}.clean.{level}")
    resources:
        **requests("adsorption", "{facet}.clean.{level}"),
    params:
        job=job_text("adsorption", "{facet}.clean.{level}", "{facet} as built"),
    message:
        "Relax the clean slab {wildcards.facet} at {wildcards.level}"


use rule relax as relax_adsorbate with:
    input:
        structure=f"{ADSORPTION}/{{facet}}.clean.{{level}}/relaxed.extxyz",
        prerelaxed=prerelaxation_of("adsorption", "{facet}.{ions}-{site}.{level}"),
        slab=f"{RESULTS}/structures/{{facet}}.extxyz",
    output:
        result=f"{ADSORPTION}/{{facet}}.{{ions}}-{{site}}.{{level}}/result.json",
        structure=f"{ADSORPTION}/{{facet}}.{{ions}}-{{site}}.{{level}}/relaxed.extxyz",
    log:
        f"{RESULTS}/logs/relax_adsorbate/{{facet}}.{{ions}}-{{site}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/relax_adsorbate/{{facet}}.{{ions}}-{{site}}.{{level}}.tsv"
    priority: 0
    group:
        SITES
    threads: ranks_of("adsorption", "{facet}.{ions}-{site}.{level}")
    resources:
        **requests("adsorption", "{facet}.{ions}-{site}.{level}"),
    params:
        job=job_text("adsorption", "{facet}.{ions}-{site}.{level}", "{ions} at {site} on {facet}, relaxed clean"),
    message:
        "Relax {wildcards.ions} at {wildcards.site} on {wildcards.facet} at {wildcards.level}"


# at a quick level a job relaxes whole facets; Snakemake prefers these rules, which have no wildcards, to those above
for facets, level in plan.adsorption.together():

    rule:
        name:
            f"relax_sites_{facets[0]}_{level}"
        input:
            [f"{RESULTS}/structures/{facet}.extxyz" for facet in facets],
        output:
            [
                path.as_posix()
                for facet in facets
                for job in plan.adsorption.of_facet(facet, level)
                for path in job_files(plan, job)
            ],
        log:
            f"{RESULTS}/logs/relax_sites/{facets[0]}.{level}.log",
        benchmark:
            f"{RESULTS}/benchmarks/relax_sites/{facets[0]}.{level}.tsv"
        priority: 50
        conda:
            "../envs/iondrill.yaml"
        envmodules:
            *MODULES,
        resources:
            mem_mb=most_memory([job for facet in facets for job in plan.adsorption.of_facet(facet, level)]),
            runtime=240,
        params:
            config=plan.config.model_dump(mode="json"),
            facets=facets,
            level=level,
        message:
            f"Relax {plan.adsorption.words(facets)} at {level}"
        script:
            "../scripts/relax_sites.py"


rule run_atom:
    output:
        result=f"{ADSORPTION}/atom.{{ion}}.{{level}}/result.json",
        structure=f"{ADSORPTION}/atom.{{ion}}.{{level}}/structure.extxyz",
    log:
        f"{RESULTS}/logs/run_atom/atom.{{ion}}.{{level}}.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: ranks_of("adsorption", "atom.{ion}.{level}")
    resources:
        **requests("adsorption", "atom.{ion}.{level}"),
    params:
        job=job_spec("adsorption", "atom.{ion}.{level}", "isolated atom"),
        ion=lambda wildcards: wildcards.ion,
    message:
        "Reference atom {wildcards.ion} at {wildcards.level}"
    script:
        "../scripts/run_atom.py"


rule tabulate_adsorption:
    input:
        results=results_of(plan.adsorption.jobs()),
        slabs=expand(f"{RESULTS}/structures/{{facet}}.extxyz", facet=plan.config.adsorption.facets),
        recorded=plan.adsorption.recorded,
        metals=f"{RESULTS}/intercalation.csv" if plan.config.adsorption.metal == "computed" else [],
    output:
        table=f"{RESULTS}/adsorption.csv",
        statuses=f"{RESULTS}/adsorption.json",
        differences=f"{RESULTS}/adsorption_levels.csv",
    log:
        f"{RESULTS}/logs/tabulate_adsorption.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
        # of the studies that are there: `snakemake convergence` makes them
        errors=error_estimates(plan),
    message:
        "Table of adsorption energies"
    script:
        "../scripts/tabulate_adsorption.py"
