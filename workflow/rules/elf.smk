# frames are named by their step, or by the event that they are of: where it is only the finished run says, so that of
# one that did not happen the files are empty
rule choose_events:
    input:
        order_parameters=f"{RESULTS}/md/{{run}}/order_parameters.csv",
        events=f"{RESULTS}/md/{{run}}/events.json",
    output:
        events=f"{RESULTS}/elf/{{run}}/events.csv",
    log:
        f"{RESULTS}/logs/choose_events/{{run}}.log",
    priority: 60
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        wanted=plan.elf.events,
        mapped=lambda wildcards: plan.elf.steps(wildcards.run),
    message:
        "Frames of the events of {wildcards.run}"
    script:
        "../scripts/choose_events.py"


# the wavefunction is no declared output: a point that does not converge has none, and keeps its record
rule run_elf_point:
    input:
        structure=lambda wildcards: f"{RESULTS}/structures/{plan.md.start_structure(wildcards.run)}.extxyz",
        trajectory=f"{RESULTS}/md/{{run}}/trajectory.traj",
        events=event_of,
        guess=guess_of("{run}.{frame}.{level}"),
        spin=[],
    output:
        **cubes_of("{level}", output=True),
        result=f"{RESULTS}/jobs/elf/{{run}}.{{frame}}.{{level}}/result.json",
        structure=f"{RESULTS}/jobs/elf/{{run}}.{{frame}}.{{level}}/structure.extxyz",
    log:
        f"{RESULTS}/logs/run_elf_point/{{run}}.{{frame}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/run_elf_point/{{run}}.{{frame}}.{{level}}.tsv"
    # before the sites: more comes after it
    priority: 60
    group:
        FRAMES
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: ranks_of("elf", "{run}.{frame}.{level}")
    resources:
        **requests("elf", "{run}.{frame}.{level}"),
    params:
        job=job_spec("elf", "{run}.{frame}.{level}", "frame {frame} of run {run}"),
    message:
        "Wavefunction of {wildcards.run} at frame {wildcards.frame}"
    script:
        "../scripts/run_elf_point.py"


use rule run_elf_point as run_elf_part with:
    input:
        structure=lambda wildcards: f"{RESULTS}/structures/{plan.md.start_structure(wildcards.run)}.extxyz",
        trajectory=f"{RESULTS}/md/{{run}}/trajectory.traj",
        events=event_of,
        guess=guess_of("{run}.{frame}.{part}.{level}"),
        spin=lambda wildcards: results_of(filter(None, [plan.relax.spin_job_of_part(wildcards.run, wildcards.part)])),
    output:
        result=f"{RESULTS}/jobs/elf/{{run}}.{{frame}}.{{part}}.{{level}}/result.json",
        structure=f"{RESULTS}/jobs/elf/{{run}}.{{frame}}.{{part}}.{{level}}/structure.extxyz",
    log:
        f"{RESULTS}/logs/run_elf_part/{{run}}.{{frame}}.{{part}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/run_elf_part/{{run}}.{{frame}}.{{part}}.{{level}}.tsv"
    wildcard_constraints:
        part="nd|rest",
    threads: ranks_of("elf", "{run}.{frame}.{part}.{level}")
    resources:
        **requests("elf", "{run}.{frame}.{part}.{level}"),
    params:
        job=job_spec("elf", "{run}.{frame}.{part}.{level}", "{part} of frame {frame} of run {run}"),
    message:
        "Wavefunction of {wildcards.run} at frame {wildcards.frame}, {wildcards.part} alone"


rule map_elf:
    input:
        **cubes_of(plan.config.elf.level),
        trajectory=f"{RESULTS}/md/{{run}}/trajectory.traj",
        events=events_of,
        result=f"{RESULTS}/jobs/elf/{{run}}.{{frame}}.{plan.config.elf.level}/result.json",
        structure=f"{RESULTS}/jobs/elf/{{run}}.{{frame}}.{plan.config.elf.level}/structure.extxyz",
    output:
        data=f"{RESULTS}/elf/{{run}}/{{frame}}.npz",
        figure=report(
            f"{RESULTS}/elf/{{run}}/{{frame}}.png",
            caption="../report/elf.rst",
            category="ELF",
            labels={"run": "{run}", "step": "{frame}"},
        ),
        safe=f"{RESULTS}/elf/{{run}}/{{frame}}.cividis.png",
        contacts=f"{RESULTS}/elf/{{run}}/{{frame}}.csv",
        profiles=f"{RESULTS}/elf/{{run}}/{{frame}}.profiles.csv",
        bonds=f"{RESULTS}/elf/{{run}}/{{frame}}.bonds.csv",
    log:
        f"{RESULTS}/logs/map_elf/{{run}}.{{frame}}.log",
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
        "ELF map of {wildcards.run} at frame {wildcards.frame}"
    script:
        "../scripts/map_elf.py"


rule map_elf_grid:
    input:
        events=event_of,
        result=f"{RESULTS}/jobs/elf/{{run}}.{{frame}}.{plan.config.elf.level}/result.json",
        structure=f"{RESULTS}/jobs/elf/{{run}}.{{frame}}.{plan.config.elf.level}/structure.extxyz",
    output:
        data=f"{RESULTS}/elf/{{run}}/{{frame}}.grid.npz",
    log:
        f"{RESULTS}/logs/map_elf_grid/{{run}}.{{frame}}.log",
    group:
        FRAMES
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        spin_D0=SPIN_D0,
    message:
        "ELF in space of {wildcards.run} at frame {wildcards.frame}"
    script:
        "../scripts/map_elf_grid.py"


rule film_elf:
    input:
        maps=frames_of(".png"),
        events=events_of,
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
        events=events_of,
        results=point_and_parts("result.json"),
        structures=point_and_parts("structure.extxyz"),
    output:
        data=f"{RESULTS}/elf/{{run}}/{{frame}}.difference.npz",
        figure=report(
            f"{RESULTS}/elf/{{run}}/{{frame}}.difference.png",
            caption="../report/difference.rst",
            category="Density difference",
            labels={"run": "{run}", "step": "{frame}"},
        ),
    log:
        f"{RESULTS}/logs/map_difference/{{run}}.{{frame}}.log",
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
        "Density difference of {wildcards.run} at frame {wildcards.frame}"
    script:
        "../scripts/map_difference.py"


rule summarise_elf:
    input:
        contacts=frames_of(".csv"),
        profiles=frames_of(".profiles.csv"),
        bonds=frames_of(".bonds.csv"),
        structures=points_of("structure.extxyz"),
        events=events_of,
    output:
        contacts=f"{RESULTS}/elf/{{run}}/summary.csv",
        profiles=f"{RESULTS}/elf/{{run}}/profiles.csv",
        bonds=f"{RESULTS}/elf/{{run}}/bonds.csv",
        charges=f"{RESULTS}/elf/{{run}}/charges.csv",
    log:
        f"{RESULTS}/logs/summarise_elf/{{run}}.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        frames=lambda wildcards: [str(frame) for frame in plan.elf.frames(wildcards.run)],
        timestep_fs=lambda wildcards: plan.config.md.runs[wildcards.run].timestep_fs,
        charge=lambda wildcards: plan.md.charge_of(wildcards.run),
    message:
        "ELF along the contacts of {wildcards.run}"
    script:
        "../scripts/summarise_elf.py"
