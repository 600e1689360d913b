rule write_report:
    input:
        results=results_of(EXECUTED),
        shown=SHOWN,
    output:
        page=report(
            f"{RESULTS}/report.html", caption="../report/page.rst", category="Report", labels={"what": "the page"}
        ),
        summary=f"{RESULTS}/figures/summary.html",
        order=[
            report(
                f"{RESULTS}/figures/{run}.svg", caption="../report/order.rst", category="Dynamics", labels={"run": run}
            )
            for run in plan.config.md.run
        ],
        structures=report(
            directory(f"{RESULTS}/figures/structures"),
            patterns=["{what}.svg"],
            caption="../report/structures.rst",
            category="Structures",
            labels={"what": "{what}"},
        ),
        elf=report(
            directory(f"{RESULTS}/figures/elf"),
            patterns=["{what}.svg"],
            caption="../report/contacts.rst",
            category="ELF",
            labels={"run": "{what}", "step": "all"},
        ),
        adsorption=(
            report(
                f"{RESULTS}/figures/adsorption.svg",
                caption="../report/adsorption.rst",
                category="Adsorption",
                labels={"what": "energies"},
            )
            if plan.adsorption.fillings
            else []
        ),
    log:
        f"{RESULTS}/logs/write_report.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "Report"
    script:
        "../scripts/write_report.py"


rule paper_figures:
    input:
        report=rules.write_report.input,
        maps=[f"{RESULTS}/elf/{run}/{frame}.npz" for run in plan.config.md.run for frame in plan.elf.frames(run)],
    output:
        page=report(
            f"{RESULTS}/paper_figures/index.html",
            caption="../report/paper.rst",
            category="Paper figures",
            labels={"what": "all, with what the paper shows"},
        ),
    log:
        f"{RESULTS}/logs/paper_figures.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    params:
        config=plan.config.model_dump(mode="json"),
    message:
        "The paper's figures from this run"
    script:
        "../scripts/paper_figures.py"


rule check_status:
    input:
        results=results_of(plan.wanted()),
        adsorption=f"{RESULTS}/adsorption.csv" if plan.config.adsorption.facets else [],
    output:
        f"{RESULTS}/status.json",
    log:
        f"{RESULTS}/logs/check_status.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    message:
        "Did every job converge?"
    script:
        "../scripts/check_status.py"


# Snakemake ends with status 1 where this fails; a rule of its own, since of a rule that fails no output stays
rule accept_status:
    input:
        status=f"{RESULTS}/status.json",
        report=f"{RESULTS}/report.html",
    output:
        touch(f"{RESULTS}/.accepted"),
    log:
        f"{RESULTS}/logs/accept_status.log",
    retries: 0
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    message:
        "End as status.json says"
    script:
        "../scripts/accept_status.py"
