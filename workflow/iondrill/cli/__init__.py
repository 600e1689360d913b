"""The command ``iondrill``: start recipes, check a configuration, look at a run and a machine, write the reference."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iondrill.cli import echem, publish
from iondrill.deferred import install
from iondrill.errors import MESSAGE_PREFIX, UserError, said_of

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130
"""As shells count: 128 and the number of SIGINT."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0 if all is well, 1 if something must be mended, 2 if the arguments are wrong, 130 after an interrupt.
    """
    install()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Å is no reason to stop
    options = _parser().parse_args(arguments)
    try:
        status = int(options.command(options))
        sys.stdout.flush()
    except UserError as error:
        for problem in error.problems:
            print(f"{MESSAGE_PREFIX}{problem}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()
        return 1
    except OSError as error:
        print(f"{MESSAGE_PREFIX}{said_of(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{MESSAGE_PREFIX}stopped", file=sys.stderr)
        return INTERRUPTED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="iondrill", description=__doc__)
    parser.add_argument("--version", action="version", version=f"iondrill {version('iondrill')}")
    commands = parser.add_subparsers(metavar="command", required=True)

    _add_init(commands)
    check = commands.add_parser("check", help="check configuration and recipes; report all mistakes at once")
    _add_configfile(check)
    check.add_argument("--json", action="store_true", help="write the outcome as JSON to stdout")
    check.set_defaults(command=_check)

    _add_status(commands)
    _add_report(commands)

    _add_claims(commands)

    analyse = commands.add_parser(
        "analyse", help="compute order parameters and events of a trajectory from any program"
    )
    analyse.add_argument("trajectory", type=Path, metavar="TRAJECTORY", help=".xyz, .extxyz, .traj, frames.bin, …")
    analyse.add_argument(
        "--structure", type=Path, required=True, metavar="START", help="the start, with the array fragment (.extxyz)"
    )
    analyse.add_argument("-o", "--output", type=Path, required=True, metavar="CSV", help="table to write")
    analyse.add_argument("--events", type=Path, metavar="JSON", help="events to write, by the default criteria")
    analyse.set_defaults(command=_analyse)

    doctor = commands.add_parser("doctor", help="list what was found on this machine, and what to install")
    doctor.add_argument("--json", action="store_true", help="write the findings as JSON")
    doctor.set_defaults(command=_doctor)

    new = commands.add_parser("new", help="write a commented starter file; never replace a file")
    kinds = new.add_subparsers(metavar="kind", required=True)
    facet = kinds.add_parser("facet", help="for structures/facets")
    facet.add_argument("name", help="of the recipe; its file is structures/facets/NAME.yaml")
    facet.add_argument("--miller", nargs=3, type=int, default=[1, 0, 0], metavar=("H", "K", "L"), help="default: 1 0 0")
    facet.add_argument("--reconstruction", help="1x1, as cut, by default")
    facet.add_argument("--hydrogenated", action="store_true", help="hydrogen on the top")
    facet.add_argument("--crystal", help="diamond by default")
    facet.add_argument("--element", help="C by default")
    facet.add_argument("--layers", type=int, help="by default as many as make the slab 6 Å thick")
    facet.add_argument("--cell", nargs=2, type=int, metavar=("N", "M"), help="repeats of the 1×1 cell")
    facet.add_argument("--structures", type=Path, default=Path("structures"), metavar="DIR", help="default: structures")
    facet.set_defaults(command=_new_facet)

    _add_cluster(commands)
    _add_elf_check(commands)
    echem.register(commands)
    publish.register(commands, _add_configfile)

    _add_reference(commands)
    return parser


def _add_reference(commands: Any) -> None:
    schema = commands.add_parser("schema", help="print the JSON Schema, for editors")
    schema.add_argument("what", nargs="?", choices=["config", "recipe", "crystal"], default="config")
    schema.set_defaults(command=_schema)

    docs = commands.add_parser("docs", help="write schemas/ and the reference pages in docs/")
    docs.add_argument("--root", type=Path, default=Path(), metavar="DIR", help="the repository (default: here)")
    docs.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    docs.set_defaults(command=_docs)


def _add_init(commands: Any) -> None:
    init = commands.add_parser("init", help="write a project of your own: configuration, Snakefile, profile")
    init.add_argument("folder", type=Path, metavar="DIR", help="made if it is not there; no file is replaced")
    init.add_argument("--profile", default="default", metavar="NAME", help="default, slurm, cluster-generic, …")
    init.set_defaults(command=_init)


def _add_status(commands: Any) -> None:
    status = commands.add_parser("status", help="list how far every job is, and why it stopped")
    _add_configfile(status)
    status.add_argument("--only", default="", metavar="STATES", help="list these alone: failed,running")
    status.add_argument("--json", action="store_true", help="write the table as JSON")
    status.set_defaults(command=_status)


def _add_report(commands: Any) -> None:
    report = commands.add_parser("report", help="write the page from the results so far, failures first")
    _add_configfile(report)
    report.add_argument(
        "--follow", action="store_true", help="serve the page on 127.0.0.1 while the workflow runs; write nothing"
    )
    report.add_argument("--port", type=int, default=0, help="of --follow; by default any that is free")
    report.add_argument(
        "folders", nargs="*", type=Path, metavar="FOLDER", help="two folders of results: both on one page"
    )
    report.add_argument(
        "-o", "--output", type=Path, default=Path("pair.html"), metavar="HTML", help="page of two folders: pair.html"
    )
    report.set_defaults(command=_report)


def _add_cluster(commands: Any) -> None:
    cluster = commands.add_parser("cluster", help="for Snakemake's executor cluster-generic: PBS, SGE and LSF")
    acts = cluster.add_subparsers(metavar="what", required=True)
    submit = acts.add_parser("submit", help="submit a job script; print the number of the job")
    for name in ("cores", "mem-mb", "minutes"):
        submit.add_argument(f"--{name}", type=int, required=True)
    submit.add_argument("--extra", default="", metavar="WORDS", help="more options: '-q long -A account'")
    submit.add_argument("subject", type=Path, metavar="SCRIPT")
    ask = acts.add_parser("status", help="print running, success or failed")
    ask.add_argument("subject", metavar="NUMBER")
    for each, command in ((submit, _submit), (ask, _ask)):
        each.add_argument("--scheduler", choices=["pbs", "sge", "lsf"], help="by default the one that is found")
        each.set_defaults(command=command)


def _add_elf_check(commands: Any) -> None:
    elf = commands.add_parser(
        "elf-check", help="compute methane twice at a level; say which D0 its engine's ELF of a spin has"
    )
    elf.add_argument("level", metavar="LEVEL", help="of engine cp2k or vasp; its program runs here")
    _add_configfile(elf)
    elf.set_defaults(command=_elf_check)


def _add_claims(commands: Any) -> None:
    claims = commands.add_parser(
        "claims", help="say of each claim of the paper what the results so far say; run nothing"
    )
    _add_configfile(claims)
    claims.add_argument(
        "--together", type=Path, nargs="+", metavar="LEDGER", help="of several runs: their claims.json as one"
    )
    claims.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help=".json or .csv; default: claims.json in the results"
    )
    claims.set_defaults(command=_claims)


def _add_configfile(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--configfile",
        "--configfiles",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="configuration files, later ones overriding earlier ones, and all of them config.yaml of this folder",
    )


def _submit(options: argparse.Namespace) -> int:
    """Submit a job script."""
    from iondrill.cli import cluster

    wish = cluster.Wish(options.cores, options.mem_mb, options.minutes)
    scheduler = options.scheduler or cluster.find_scheduler()
    print(cluster.submit(scheduler, wish, shlex.split(options.extra), options.subject))
    return 0


def _ask(options: argparse.Namespace) -> int:
    """Say how a submitted job is."""
    from iondrill.cli import cluster

    print(cluster.state(options.scheduler or cluster.find_scheduler(), options.subject))
    return 0


def _init(options: argparse.Namespace) -> int:
    """Write a project."""
    from iondrill.cli.init import init

    for path in init(options.folder, options.profile):
        print(path)
    print(f"Next: cd {shlex.quote(str(options.folder))}, edit config.yaml, `iondrill check`, `snakemake`.")
    return 0


def _check(options: argparse.Namespace) -> int:
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


def _status(options: argparse.Namespace) -> int:
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


def _report(options: argparse.Namespace) -> int:
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


def _claims(options: argparse.Namespace) -> int:
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


def _analyse(options: argparse.Namespace) -> int:
    """Write order parameters, and perhaps events, of a trajectory."""
    from iondrill.cli.analyse import analyse

    for remark in analyse(options.trajectory, options.structure, options.output, options.events):
        print(f"iondrill: remark: {remark}", file=sys.stderr)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    """Say what was found on this machine."""
    from iondrill.cli.doctor import as_text, examine

    findings = examine()
    if options.json:
        print(json.dumps([finding._asdict() for finding in findings], indent=2))
    else:
        print(as_text(findings))
    return 0 if all(finding.found for finding in findings if finding.needed) else 1


def _elf_check(options: argparse.Namespace) -> int:
    """Say what the ELF of one spin is made with at a level."""
    from iondrill.cli.elf_check import elf_check
    from iondrill.config.project import project_first

    print(elf_check(project_first(options.configfile), options.level))
    return 0


def _new_facet(options: argparse.Namespace) -> int:
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


def _schema(options: argparse.Namespace) -> int:
    """Print a JSON Schema."""
    from iondrill.cli.docs import schemas

    print(schemas()[options.what], end="")
    return 0


def _docs(options: argparse.Namespace) -> int:
    """Write schemas and reference pages, or say which are out of date."""
    from iondrill.cli.docs import outdated, write

    if not options.check:
        write(options.root)
        return 0
    stale = outdated(options.root)
    for path in stale:
        print(f"iondrill: {path}: is out of date; run `iondrill docs`", file=sys.stderr)
    return 1 if stale else 0
