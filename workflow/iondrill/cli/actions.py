"""What the commands of ``iondrill`` do: each takes its options and returns the exit status."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

from iondrill.errors import UserError

if TYPE_CHECKING:
    import argparse


def submit(options: argparse.Namespace) -> int:
    """Submit a job script."""
    from iondrill.cli import cluster

    wish = cluster.Wish(options.cores, options.mem_mb, options.minutes)
    scheduler = options.scheduler or cluster.find_scheduler()
    print(cluster.submit(scheduler, wish, shlex.split(options.extra), options.subject))
    return 0


def ask(options: argparse.Namespace) -> int:
    """Say how a submitted job is."""
    from iondrill.cli import cluster

    print(cluster.state(options.scheduler or cluster.find_scheduler(), options.subject))
    return 0


def init(options: argparse.Namespace) -> int:
    """Write a project."""
    from iondrill.cli.init import init

    for path in init(options.folder, options.profile):
        print(path)
    print(f"Next: cd {shlex.quote(str(options.folder))}, edit config.yaml, `iondrill check`, `snakemake`.")
    return 0


def check(options: argparse.Namespace) -> int:
    """Check configuration and recipes."""
    from iondrill.config.project import project_first
    from iondrill.engines.advice import advice
    from iondrill.prepare.checks.configuration import check

    files = project_first(options.configfile)
    try:
        summary = check(*files)
        advised = advice(files, summary.elements)
    except UserError as error:
        if options.json:
            problems = [{"where": one.where, "found": one.found, "allowed": one.allowed} for one in error.problems]
            print(json.dumps({"problems": problems}, indent=2))
            return 1
        raise
    if options.json:
        remarks = [{"where": one.where, "found": one.found, "advice": one.allowed} for one in advised]
        counts = {name: getattr(summary, name) for name in ("structures", "calculations", "elsewhere", "written")}
        print(json.dumps({**counts, "problems": [], "advice": remarks}, indent=2))
    else:
        for one in advised:
            print(one)
        said = f"{summary.structures} structures, {summary.calculations} calculations in the default run"
        said += f", {summary.elsewhere} more in other targets" if summary.elsewhere else ""
        said += f", {summary.written} only written as inputs" if summary.written else ""
        print(f"{', '.join(map(str, files))}: {said}, no problems")
    return 0


def status(options: argparse.Namespace) -> int:
    """Say of every job how far it is."""
    from iondrill.cli.status import as_text, chosen, missing, survey
    from iondrill.config.project import project_first, read_config
    from iondrill.prepare.plan import Plan

    plan = Plan(read_config(*project_first(options.configfile)))
    jobs = survey(plan)
    shown = chosen(jobs, options.only)
    if options.json:
        print(json.dumps([job.model_dump() for job in shown], indent=1))
        return 0
    print(as_text(jobs, shown))
    for path in missing(plan, jobs):
        print(f"missing: {path}; `snakemake` makes it")
    return 0


def report(options: argparse.Namespace) -> int:
    """Write the page of a run, done or not."""
    from iondrill.config.project import project_first, read_config
    from iondrill.report.follow import follow
    from iondrill.report.pair import write_pair
    from iondrill.report.partial import report_so_far

    config = read_config(*project_first(options.configfile))
    if options.folders:
        write_pair(options.folders, config, options.output)
        print(f"The page of both: {options.output}")
        return 0
    if options.follow:
        follow(config, options.port, lambda line: print(line, flush=True))
        return 0
    page, results = report_so_far(config)
    for item in results.missing:
        print(f"{item.what}: {' '.join(f'{item.state} {item.why}'.split())}")
    print(f"The report: {page}")
    return 0


def claims(options: argparse.Namespace) -> int:
    """Evaluate the ledger of claims on what there is, or put ledgers together."""
    from iondrill.analyse.claims.evaluate import evaluate, read_claims, together, write_data, write_table
    from iondrill.config.project import project_first, read_config
    from iondrill.prepare.plan import Plan

    plan = Plan(read_config(*project_first(options.configfile)))
    rows = together(list(map(read_claims, options.together))) if options.together else evaluate(plan)
    for row in rows:
        print(f"{row.id:<3} {row.verdict:<10} {row.claim}: {row.sentence}")
    path = options.output or plan.results / "claims.json"
    (write_table if path.suffix == ".csv" else write_data)(rows, path)
    print(f"The ledger: {path}")
    return 0


def analyse(options: argparse.Namespace) -> int:
    """Write order parameters, and perhaps events, of a trajectory."""
    from iondrill.cli.analyse import analyse

    for remark in analyse(options.trajectory, options.structure, options.output, options.events):
        print(f"iondrill: remark: {remark}", file=sys.stderr)
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Say what was found on this machine."""
    from iondrill.cli.doctor import as_text, examine

    findings = examine()
    if options.json:
        print(json.dumps([finding._asdict() for finding in findings], indent=2))
    else:
        print(as_text(findings))
    return 0 if all(finding.found for finding in findings if finding.needed) else 1


def elf_check(options: argparse.Namespace) -> int:
    """Say what the ELF of one spin is made with at a level."""
    from iondrill.cli.elf_check import elf_check
    from iondrill.config.project import project_first

    print(elf_check(project_first(options.configfile), options.level))
    return 0


def new_facet(options: argparse.Namespace) -> int:
    """Write a starter file for a facet."""
    from iondrill.cli.new import new_facet

    keys = ("miller", "reconstruction", "hydrogenated", "crystal", "element", "layers", "cell")
    chosen = {key: value for key in keys if (value := getattr(options, key))}
    starter = new_facet(options.name, options.structures, chosen)
    print(f"{starter.path}: {starter.formula}, sites {', '.join(starter.sites)}")
    print(
        f"Say what it must show, name {options.name} under adsorption.facets in config.yaml, and run `iondrill check`."
    )
    return 0


def schema(options: argparse.Namespace) -> int:
    """Print a JSON Schema."""
    from iondrill.cli.docs import schemas

    print(schemas()[options.what], end="")
    return 0


def docs(options: argparse.Namespace) -> int:
    """Write schemas and reference pages, or say which are out of date."""
    from iondrill.cli.docs import outdated, write

    if not options.check:
        write(options.root, options.parser)
        return 0
    stale = outdated(options.root, options.parser)
    for path in stale:
        print(f"iondrill: {path}: is out of date; run `iondrill docs`", file=sys.stderr)
    return 1 if stale else 0
