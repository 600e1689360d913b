# iondrill: what a nanodiamond does to lithiated graphite, and how Li and Na bind to diamond facets.
# Settings: config.yaml, read by rules/common.smk (every key: docs/configuration.md).
# Targets: all (default), inputs, paper_figures, claims, convergence, barriers, intercalation, interstitials, shells, insertion, free_energy, potential, crate.
import sys
from importlib.util import find_spec

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.6")
if find_spec("iondrill") is None:
    raise WorkflowError(
        "Snakemake's Python does not have the package iondrill, which comes with this workflow: clone its repository, "
        f"and in the clone give the command `{sys.executable} -m pip install -e .`"
    )


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/slurm.smk"
include: "workflow/rules/build.smk"
include: "workflow/rules/relax.smk"
include: "workflow/rules/md.smk"
include: "workflow/rules/contrasts.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/crate.smk"
include: "workflow/rules/diffraction.smk"
include: "workflow/rules/elf.smk"
include: "workflow/rules/verify.smk"
include: "workflow/rules/adsorption.smk"
include: "workflow/rules/barriers.smk"
include: "workflow/rules/convergence.smk"
include: "workflow/rules/intercalation.smk"
include: "workflow/rules/interstitials.smk"
include: "workflow/rules/shells.smk"
include: "workflow/rules/insertion.smk"
include: "workflow/rules/free_energy.smk"
include: "workflow/rules/potential.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/digests.smk"


rule all:
    default_target: True
    input:
        PUBLISHED,
        f"{RESULTS}/.accepted",


# these take seconds each: no need for a scheduler's queue
localrules:
    all,
    inputs,
    barriers,
    claims,
    crate,
    free_energy,
    intercalation,
    insertion,
    interstitials,
    shells,
    potential,
    convergence,
    build_structure,
    assemble,
    keep_spin_state,
    tabulate_adsorption,
    tabulate_barriers,
    tabulate_convergence,
    tabulate_intercalation,
    tabulate_insertion,
    tabulate_interstitials,
    tabulate_shells,
    check_convergence,
    compare_runs,
    choose_frames,
    choose_events,
    judge_claims,
    verify_run,
    ask_gates,
    summarise_elf,
    check_status,
    accept_status,
    judge_potential,
    write_card,


onstart:
    look_when_jobs_end()


onerror:
    # of the whole run only: Snakemake starts the processes of single jobs, and dry runs, without it
    report_what_there_is()


rule inputs:
    input:
        f"{RESULTS}/inputs.json",


rule barriers:
    input:
        made_by("barriers"),
        files_of(plan.barriers.jobs),


rule claims:
    input:
        f"{RESULTS}/claims.json",
        f"{RESULTS}/claims.csv",


rule crate:
    input:
        f"{RESULTS}/crate.zip",


rule intercalation:
    input:
        made_by("intercalation"),
        files_of(plan.intercalation.jobs),


rule interstitials:
    input:
        made_by("interstitials"),
        files_of(plan.interstitials.jobs),


rule shells:
    input:
        made_by("shells"),
        files_of(plan.shells.jobs),


rule insertion:
    input:
        made_by("insertion"),
        files_of(plan.insertion.jobs),


rule free_energy:
    input:
        made_by("free_energy"),
        files_of(plan.free_energy.jobs),


rule potential:
    input:
        said_of(lambda: f"{RESULTS}/potential/{potential_plan.stage.name}/card.json"),


rule convergence:
    input:
        made_by("convergence"),
        files_of(plan.convergence.jobs),
