"""What this machine has: engines (with the BLAS of xtb), executors, schedulers; and what to install."""

from __future__ import annotations

import os
import shutil
from importlib.metadata import PackageNotFoundError, distributions, version
from typing import NamedTuple

from iondrill.config.levels import LEVELS
from iondrill.engines.registry import ENGINES, engine

PREFIX = "snakemake-executor-plugin-"
SCHEDULERS = {"sbatch": "Slurm", "qsub": "PBS or Grid Engine", "bsub": "LSF", "condor_submit": "HTCondor"}
EXECUTORS = {"slurm": "sbatch", "cluster-generic": "qsub, bsub and others"}
LAUNCHERS = ("mpirun", "mpiexec", "srun")


class Finding(NamedTuple):
    """One thing that was looked for."""

    what: str
    name: str
    found: bool
    detail: str = ""
    install: str = ""
    """The command that installs it."""
    needed: bool = False
    """Whether the default run needs it."""


def examine() -> list[Finding]:
    """Look for everything that a run may use."""
    return [*_engines(), _snakemake(), *_executors(), *_schedulers(), *_launchers(), *_machine()]


def as_text(findings: list[Finding]) -> str:
    """Return the findings as lines for a terminal."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for index, finding in enumerate(findings):
        if index == 0 or findings[index - 1].what != finding.what:
            lines.append(finding.what)
        state = "found  " if finding.found else "missing"
        detail = finding.detail + (f"  [install: {finding.install}]" if finding.install else "")
        lines.append(f"  {finding.name:<{width}}  {state}  {detail}".rstrip())
    return "\n".join(lines)


def _engines() -> list[Finding]:
    findings, parts = [], []
    for name in ENGINES:
        needed = LEVELS[name].in_process  # comes with the package
        try:
            state = engine(name).available()
        except (ImportError, AttributeError) as error:
            findings.append(Finding("engines", name, found=False, detail=str(error), needed=needed))
            continue
        detail = " ".join(part for part in (state.version, state.detail) if part)
        findings.append(Finding("engines", name, state.found, detail, state.install, needed))
        parts += [
            Finding(f"calculators of engine {name}", part.engine, part.found, part.detail, part.install)
            for part in state.parts
        ]
    return [*findings, *parts]


def _snakemake() -> Finding:
    try:
        return Finding("workflow", "snakemake", found=True, detail=version("snakemake"), needed=True)
    except PackageNotFoundError:
        return Finding("workflow", "snakemake", found=False, install="pip install snakemake", needed=True)


def _executors() -> list[Finding]:
    """Return every installed executor plugin, and those that the profiles need."""
    there = {
        found.name.lower().removeprefix(PREFIX): found.version
        for found in distributions()
        if (found.name or "").lower().startswith(PREFIX)
    }
    findings = [Finding("executors", name, found=True, detail=there[name]) for name in sorted(there)]
    findings += [
        Finding("executors", name, found=False, detail=f"for {what}", install=f"pip install {PREFIX}{name}")
        for name, what in EXECUTORS.items()
        if name not in there
    ]
    return findings


def _schedulers() -> list[Finding]:
    return [_command("schedulers", name, what) for name, what in SCHEDULERS.items()]


def _launchers() -> list[Finding]:
    findings = [_command("MPI launchers", name) for name in LAUNCHERS]
    if any(finding.found for finding in findings):
        return findings
    return [findings[0]._replace(install="sudo apt-get install openmpi-bin"), *findings[1:]]


def _command(what: str, name: str, detail: str = "") -> Finding:
    path = shutil.which(name)
    return Finding(what, name, path is not None, path or detail)


def _machine() -> list[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    findings = [Finding("machine", "cores", found=True, detail=str(cores))]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory_GB = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
        findings.append(Finding("machine", "memory", found=True, detail=f"{memory_GB:.1f} GB"))
    return findings
