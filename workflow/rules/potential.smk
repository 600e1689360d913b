potential_plan = PotentialPlan(plan.config)
POTENTIAL = potential_plan.folder.as_posix()
LABELS = f"{POTENTIAL}/generation-{{generation}}/labels"


wildcard_constraints:
    trajectory=r"[A-Za-z0-9.+_-]+",
    generation=r"\d+",
    slot=r"\d+",
    seed=r"\d+",
    own=r"[A-Za-z0-9][A-Za-z0-9+_-]*",


rule explore_frames:
    output:
        f"{POTENTIAL}/explore/{{trajectory}}.extxyz",
    log:
        f"{RESULTS}/logs/explore_frames/{{trajectory}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/explore_frames/{{trajectory}}.tsv"
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Explore: {wildcards.trajectory}"
    script:
        "../scripts/explore_frames.py"


rule select_frames:
    input:
        frames=lambda wildcards: potential_plan.frames(int(wildcards.generation)),
        labels=lambda wildcards: potential_plan.label_records(int(wildcards.generation) - 1),
        known=potential_plan.known,
    output:
        f"{POTENTIAL}/generation-{{generation}}/selected.extxyz",
    log:
        f"{RESULTS}/logs/select_frames/{{generation}}.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Choose the frames of generation {wildcards.generation}"
    script:
        "../scripts/select_frames.py"


rule label_frame:
    input:
        f"{POTENTIAL}/generation-{{generation}}/selected.extxyz",
    output:
        f"{LABELS}/{{slot}}.json",
    log:
        f"{RESULTS}/logs/label_frame/{{generation}}-{{slot}}.log",
    group:
        "labels"
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: plan.config.levels[plan.config.potential.reference].ranks if potential_plan.there else 1
    resources:
        mem_mb=4000,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Label frame {wildcards.slot} of generation {wildcards.generation}"
    script:
        "../scripts/label_frame.py"


rule teach_network:
    input:
        known=potential_plan.known,
    output:
        network=f"{POTENTIAL}/teacher/network.pth",
        elements=f"{POTENTIAL}/teacher/elements.json",
        judged=f"{POTENTIAL}/teacher/judged.json",
    log:
        f"{RESULTS}/logs/teach_network.log",
    benchmark:
        f"{RESULTS}/benchmarks/teach_network.tsv"
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    threads: 4
    resources:
        mem_mb=8000,
        runtime=480,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Fine-tune a pretrained network to the labels"
    script:
        "../scripts/teach_network.py"


rule pretrain_potential:
    input:
        explored=lambda wildcards: potential_plan.explored(),
        known=potential_plan.known,
        frames=potential_plan.more_frames,
        teacher=[f"{POTENTIAL}/teacher/{name}" for name in ("network.pth", "elements.json") if potential_plan.teacher],
    output:
        cheap=f"{POTENTIAL}/pretrained/cheap.extxyz",
        rounds=f"{POTENTIAL}/pretrained/rounds.json",
        model=f"{POTENTIAL}/pretrained/nep.txt",
        parameters=f"{POTENTIAL}/pretrained/potential.json",
    log:
        f"{RESULTS}/logs/pretrain_potential.log",
    benchmark:
        f"{RESULTS}/benchmarks/pretrain_potential.tsv"
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Fit a potential to cheap labels"
    script:
        "../scripts/pretrain_potential.py"


rule fit_potential:
    input:
        labels=lambda wildcards: potential_plan.label_records(int(wildcards.generation)),
        known=potential_plan.known,
        start=said_of(lambda: potential_plan.start_files),
    output:
        model=f"{POTENTIAL}/generation-{{generation}}/fit-{{seed}}/nep.txt",
        parameters=f"{POTENTIAL}/generation-{{generation}}/fit-{{seed}}/potential.json",
        grade=f"{POTENTIAL}/generation-{{generation}}/fit-{{seed}}/environments.npz",
    log:
        f"{RESULTS}/logs/fit_potential/{{generation}}-{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/fit_potential/{{generation}}-{{seed}}.tsv"
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Fit the potential of generation {wildcards.generation}, seed {wildcards.seed}"
    script:
        "../scripts/fit_potential.py"


rule judge_potential:
    input:
        fits=lambda wildcards: [f"{folder}/nep.txt" for folder in potential_plan.fits(int(wildcards.generation))],
        grades=lambda wildcards: [
            f"{folder}/environments.npz" for folder in potential_plan.fits(int(wildcards.generation))
        ],
        labels=lambda wildcards: potential_plan.label_records(int(wildcards.generation)),
        known=potential_plan.known,
        before=lambda wildcards: (
            f"{POTENTIAL}/generation-{int(wildcards.generation) - 1}/judged.json" if int(wildcards.generation) else []
        ),
    output:
        f"{POTENTIAL}/generation-{{generation}}/judged.json",
    log:
        f"{RESULTS}/logs/judge_potential/{{generation}}.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Judge the potential of generation {wildcards.generation}"
    script:
        "../scripts/judge_potential.py"


rule run_potential:
    input:
        lambda wildcards: [
            f"{potential_plan.fits(int(wildcards.generation))[0]}/{name}"
            for name in ("nep.txt", "potential.json", "environments.npz")
        ],
    output:
        f"{POTENTIAL}/generation-{{generation}}/runs/{{own}}.extxyz",
    log:
        f"{RESULTS}/logs/run_potential/{{generation}}-{{own}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/run_potential/{{generation}}-{{own}}.tsv"
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Run {wildcards.own} with the potential of generation {wildcards.generation}"
    script:
        "../scripts/run_potential.py"


rule write_card:
    input:
        teacher=f"{POTENTIAL}/teacher/judged.json" if potential_plan.teacher else [],
        rounds=f"{POTENTIAL}/pretrained/rounds.json" if potential_plan.pretrained else [],
        judged=lambda wildcards: potential_plan.judged(),
        fit=lambda wildcards: f"{potential_plan.fits(potential_plan.last)[0]}/nep.txt",
        labels=lambda wildcards: potential_plan.label_records(potential_plan.last),
        known=potential_plan.known,
    output:
        card=f"{POTENTIAL}/card.json",
        labels=f"{POTENTIAL}/labels.extxyz",
        model=f"{POTENTIAL}/nep.txt",
        parameters=f"{POTENTIAL}/potential.json",
        grade=f"{POTENTIAL}/environments.npz",
    log:
        f"{RESULTS}/logs/write_card.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "The potential, its labels and its card"
    script:
        "../scripts/write_card.py"
