rule diffract:
    input:
        f"{RESULTS}/contrasts.csv",
    output:
        table=f"{RESULTS}/diffraction.csv",
        figure=report(
            f"{RESULTS}/figures/diffraction.svg",
            caption="../report/diffraction.rst",
            category="Diffraction",
            labels={"what": "(00l) reflections"},
        ),
    log:
        f"{RESULTS}/logs/diffract.log",
    conda:
        "../envs/iondrill.yaml"
    envmodules:
        *MODULES,
    message:
        "Diffraction of layers"
    script:
        "../scripts/diffract.py"
