# the wavefunction is no declared output: a point that does not converge has none, and keeps its record
rule run_elf_point:
    input:
        structure=lambda wildcards: f"{RESULTS}/structures/{plan.md.start_structure(wildcards.run)}.extxyz",
        trajectory=f"{RESULTS}/md/{{run}}/trajectory.traj",
        guess=guess_of("{run}.{step}.{level}"),
        spin=[],
    output:
        **cubes_of("{level}", output=True),
        result=f"{RESULTS}/jobs/elf/{{run}}.{{step}}.{{level}}/result.json",
        structure=f"{RESULTS}/jobs/elf/{{run}}.{{step}}.{{level}}/structure.extxyz",
    log:
        f"{RESULTS}/logs/run_elf_point/{{run}}.{{step}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/run_elf_point/{{run}}.{{step}}.{{level}}.tsv"
    # before the sites: more comes after it
    priority: 60
    group:
        FRAMES
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: ranks_of("elf", "{run}.{step}.{level}")
    resources:
        **requests("elf", "{run}.{step}.{level}"),
    params:
        job=job_spec("elf", "{run}.{step}.{level}", "frame {step} of run {run}"),
        step=lambda wildcards: int(wildcards.step),
    message:
        "Wavefunction of {wildcards.run} at step {wildcards.step}"
    script:
        "../scripts/run_elf_point.py"


use rule run_elf_point as run_elf_part with:
    input:
        structure=lambda wildcards: f"{RESULTS}/structures/{plan.md.start_structure(wildcards.run)}.extxyz",
        trajectory=f"{RESULTS}/md/{{run}}/trajectory.traj",
        guess=guess_of("{run}.{step}.{part}.{level}"),
        spin=lambda wildcards: results_of(filter(None, [plan.relax.spin_job_of_part(wildcards.run, wildcards.part)])),
    output:
        result=f"{RESULTS}/jobs/elf/{{run}}.{{step}}.{{part}}.{{level}}/result.json",
        structure=f"{RESULTS}/jobs/elf/{{run}}.{{step}}.{{part}}.{{level}}/structure.extxyz",
    log:
        f"{RESULTS}/logs/run_elf_part/{{run}}.{{step}}.{{part}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/run_elf_part/{{run}}.{{step}}.{{part}}.{{level}}.tsv"
    wildcard_constraints:
        part="nd|rest",
    threads: ranks_of("elf", "{run}.{step}.{part}.{level}")
    resources:
        **requests("elf", "{run}.{step}.{part}.{level}"),
    params:
        job=job_spec("elf", "{run}.{step}.{part}.{level}", "{part} of frame {step} of run {run}"),
        step=lambda wildcards: int(wildcards.step),
    message:
        "Wavefunction of {wildcards.run} at step {wildcards.step}, {wildcards.part} alone"


rule map_elf:
    input:
        **cubes_of(plan.config.elf.level),
        trajectory=f"{RESULTS}/md/{{run}}/trajectory.traj",
        result=f"{RESULTS}/jobs/elf/{{run}}.{{step}}.{plan.config.elf.level}/result.json",
        structure=f"{RESULTS}/jobs/elf/{{run}}.{{step}}.{plan.config.elf.level}/structure.extxyz",
    output:
        data=f"{RESULTS}/elf/{{run}}/{{step}}.npz",
        figure=report(
            f"{RESULTS}/elf/{{run}}/{{step}}.png",
            caption="../report/elf.rst",
            category="ELF",
            labels={"run": "{run}", "step": "{step}"},
        ),
        safe=f"{RESULTS}/elf/{{run}}/{{step}}.cividis.png",
        contacts=f"{RESULTS}/elf/{{run}}/{{step}}.csv",
        profiles=f"{RESULTS}/elf/{{run}}/{{step}}.profiles.csv",
        bonds=f"{RESULTS}/elf/{{run}}/{{step}}.bonds.csv",
    log:
        f"{RESULTS}/logs/map_elf/{{run}}.{{step}}.log",
    group:
        FRAMES
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        settings=plan.config.elf.model_dump(mode="json", include={"spacing_A", "margin_A"}),
        level=plan.config.levels[plan.config.elf.level].title,
        steps=lambda wildcards: plan.elf.steps(wildcards.run),
        timestep_fs=lambda wildcards: plan.config.md.runs[wildcards.run].timestep_fs,
        spin_D0=SPIN_D0,
    message:
        "ELF map of {wildcards.run} at step {wildcards.step}"
    script:
        "../scripts/map_elf.py"


rule map_elf_grid:
    input:
        result=f"{RESULTS}/jobs/elf/{{run}}.{{step}}.{plan.config.elf.level}/result.json",
        structure=f"{RESULTS}/jobs/elf/{{run}}.{{step}}.{plan.config.elf.level}/structure.extxyz",
    output:
        data=f"{RESULTS}/elf/{{run}}/{{step}}.grid.npz",
    log:
        f"{RESULTS}/logs/map_elf_grid/{{run}}.{{step}}.log",
    group:
        FRAMES
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        spin_D0=SPIN_D0,
    message:
        "ELF in space of {wildcards.run} at step {wildcards.step}"
    script:
        "../scripts/map_elf_grid.py"


rule film_elf:
    input:
        frames_of(".png"),
    output:
        film=report(
            f"{RESULTS}/elf/{{run}}/film.gif",
            caption="../report/film.rst",
            category="ELF",
            labels={"run": "{run}", "step": "film"},
        ),
    log:
        f"{RESULTS}/logs/film_elf/{{run}}.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    message:
        "Film of the ELF of {wildcards.run}"
    script:
        "../scripts/film_elf.py"


rule map_difference:
    input:
        trajectory=f"{RESULTS}/md/{{run}}/trajectory.traj",
        results=point_and_parts("result.json"),
        structures=point_and_parts("structure.extxyz"),
    output:
        data=f"{RESULTS}/elf/{{run}}/{{step}}.difference.npz",
        figure=report(
            f"{RESULTS}/elf/{{run}}/{{step}}.difference.png",
            caption="../report/difference.rst",
            category="Density difference",
            labels={"run": "{run}", "step": "{step}"},
        ),
    log:
        f"{RESULTS}/logs/map_difference/{{run}}.{{step}}.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        settings=plan.config.elf.model_dump(mode="json", include={"spacing_A", "margin_A"}),
        level=plan.config.levels[plan.config.elf.level].title,
        steps=lambda wildcards: plan.elf.steps(wildcards.run),
        timestep_fs=lambda wildcards: plan.config.md.runs[wildcards.run].timestep_fs,
    message:
        "Density difference of {wildcards.run} at step {wildcards.step}"
    script:
        "../scripts/map_difference.py"


rule summarise_elf:
    input:
        contacts=frames_of(".csv"),
        profiles=frames_of(".profiles.csv"),
        bonds=frames_of(".bonds.csv"),
    output:
        contacts=f"{RESULTS}/elf/{{run}}/summary.csv",
        profiles=f"{RESULTS}/elf/{{run}}/profiles.csv",
        bonds=f"{RESULTS}/elf/{{run}}/bonds.csv",
    log:
        f"{RESULTS}/logs/summarise_elf/{{run}}.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    message:
        "ELF along the contacts of {wildcards.run}"
    script:
        "../scripts/summarise_elf.py"
