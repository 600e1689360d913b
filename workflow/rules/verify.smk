# a run's own frames at a level that is trusted: how far the run can be believed
wildcard_constraints:
    slot=r"\d+",
    cut="piece|whole",


rule choose_frames:
    input:
        structure=lambda wildcards: f"{RESULTS}/structures/{plan.md.start_structure(wildcards.run)}.extxyz",
        trajectory=f"{RESULTS}/md/{{run}}/trajectory.traj",
        order_parameters=f"{RESULTS}/md/{{run}}/order_parameters.csv",
    output:
        frames=[f"{RESULTS}/verify/{{run}}/{slot}.{cut}.extxyz" for slot, cut in plan.verify.cuts()],
        chosen=f"{RESULTS}/verify/{{run}}/chosen.json",
    log:
        f"{RESULTS}/logs/choose_frames/{{run}}.log",
    priority: 60
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Frames of {wildcards.run} to compare"
    script:
        "../scripts/choose_frames.py"


rule run_frame:
    input:
        structure=f"{RESULTS}/verify/{{run}}/{{slot}}.{{cut}}.extxyz",
    output:
        result=f"{RESULTS}/jobs/verify/{{run}}.f{{slot}}.{{cut}}.{{level}}/result.json",
        structure=f"{RESULTS}/jobs/verify/{{run}}.f{{slot}}.{{cut}}.{{level}}/structure.extxyz",
    log:
        f"{RESULTS}/logs/run_frame/{{run}}.f{{slot}}.{{cut}}.{{level}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/run_frame/{{run}}.f{{slot}}.{{cut}}.{{level}}.tsv"
    priority: 60
    group:
        VERIFIED
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: ranks_of("verify", "{run}.f{slot}.{cut}.{level}")
    resources:
        **requests("verify", "{run}.f{slot}.{cut}.{level}"),
    params:
        job=job_spec("verify", "{run}.f{slot}.{cut}.{level}", "chosen frame {slot} of run {run}, {cut}"),
    message:
        "Frame {wildcards.slot} of {wildcards.run} ({wildcards.cut}) at {wildcards.level}"
    script:
        "../scripts/run_frame.py"


use rule analyse_md as analyse_twin with:
    input:
        structure=lambda wildcards: f"{RESULTS}/structures/{plan.md.start_structure(wildcards.run)}.extxyz",
        result=lambda wildcards: results_of([plan.verify.twin_of(wildcards.run)])[0],
    output:
        trajectory=f"{RESULTS}/verify/{{run}}/twin/trajectory.traj",
        order_parameters=f"{RESULTS}/verify/{{run}}/twin/order_parameters.csv",
        thermalisation=f"{RESULTS}/verify/{{run}}/twin/thermalisation.csv",
        events=f"{RESULTS}/verify/{{run}}/twin/events.json",
        charges=f"{RESULTS}/verify/{{run}}/twin/charges.csv",
    log:
        f"{RESULTS}/logs/analyse_twin/{{run}}.log",
    params:
        save_every=lambda wildcards: plan.config.md.runs[wildcards.run].save_every,
        temperature_K=lambda wildcards: plan.config.md.runs[wildcards.run].temperature_K,
        thermalised=lambda wildcards: plan.config.md.runs[wildcards.run].thermalise.time_fs > 0,
        charge=lambda wildcards: plan.md.charge_of(wildcards.run),
        events=plan.config.md.events.model_dump(),
        scheme=lambda wildcards: plan.config.levels[plan.config.md.verify.twin].charge_scheme,
    message:
        "Trajectory, order parameters and events of {wildcards.run} at the second fit"


rule ask_gates:
    output:
        f"{RESULTS}/gates/{{level}}.json",
    log:
        f"{RESULTS}/logs/ask_gates/{{level}}.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
        content=lambda wildcards: plan.config.levels[wildcards.level].content,
    message:
        "What {wildcards.level} says to questions whose answer is known"
    script:
        "../scripts/ask_gates.py"


rule verify_run:
    input:
        chosen=f"{RESULTS}/verify/{{run}}/chosen.json",
        recorded=plan.verify.recorded,
        trajectory=f"{RESULTS}/md/{{run}}/trajectory.traj",
        happened=f"{RESULTS}/md/{{run}}/events.json",
        twin=lambda wildcards: [
            plan.verify.twin_file(wildcards.run, name).as_posix()
            for name in ("order_parameters.csv", "events.json")
            if plan.verify.twin_of(wildcards.run)
        ],
        gates=lambda wildcards: [path.as_posix() for path in plan.verify.gates_of(wildcards.run)],
        points=lambda wildcards: [
            path.as_posix() for job in plan.verify.of_run(wildcards.run) for path in job_files(plan, job)
        ],
    output:
        parts=f"{RESULTS}/md/{{run}}/verification.csv",
        frames=f"{RESULTS}/md/{{run}}/verified_frames.csv",
        verdict=f"{RESULTS}/md/{{run}}/verification.json",
    log:
        f"{RESULTS}/logs/verify_run/{{run}}.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "How far {wildcards.run} can be believed"
    script:
        "../scripts/verify_run.py"
