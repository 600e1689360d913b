"""The command ``iondrill``: start recipes, check a configuration, look at a run and a machine, write the reference."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iondrill.cli import actions, echem, publish
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
    options = parser().parse_args(arguments)
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


def parser() -> argparse.ArgumentParser:
    """Return the parser of the arguments of all commands."""
    whole = argparse.ArgumentParser(prog="iondrill", description=__doc__)
    whole.add_argument("--version", action="version", version=f"iondrill {version('iondrill')}")
    commands = whole.add_subparsers(metavar="command", required=True)

    _add_init(commands)
    check = commands.add_parser("check", help="check configuration and recipes; report all mistakes at once")
    _add_configfile(check)
    check.add_argument("--json", action="store_true", help="write the outcome as JSON to stdout")
    check.set_defaults(command=actions.check)

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
    analyse.set_defaults(command=actions.analyse)

    doctor = commands.add_parser("doctor", help="list what was found on this machine, and what to install")
    doctor.add_argument("--json", action="store_true", help="write the findings as JSON")
    doctor.set_defaults(command=actions.doctor)

    new = commands.add_parser("new", help="write a commented starter file; never replace a file")
    kinds = new.add_subparsers(metavar="kind", required=True)
    facet = kinds.add_parser("facet", help="for structures/facets")
    facet.add_argument("name", metavar="NAME", help="of the recipe; its file is structures/facets/NAME.yaml")
    facet.add_argument("--miller", nargs=3, type=int, default=[1, 0, 0], metavar=("H", "K", "L"), help="default: 1 0 0")
    facet.add_argument("--reconstruction", help="1x1, as cut, by default")
    facet.add_argument("--hydrogenated", action="store_true", help="hydrogen on the top")
    facet.add_argument("--crystal", help="diamond by default")
    facet.add_argument("--element", help="C by default")
    facet.add_argument("--layers", type=int, help="by default as many as make the slab 6 Å thick")
    facet.add_argument("--cell", nargs=2, type=int, metavar=("N", "M"), help="repeats of the 1×1 cell")
    facet.add_argument("--structures", type=Path, default=Path("structures"), metavar="DIR", help="default: structures")
    facet.set_defaults(command=actions.new_facet)

    _add_cluster(commands)
    _add_elf_check(commands)
    echem.register(commands)
    publish.register(commands, _add_configfile)

    _add_reference(commands, whole)
    return whole


def _add_reference(commands: Any, whole: argparse.ArgumentParser) -> None:
    schema = commands.add_parser("schema", help="print the JSON Schema, for editors")
    schema.add_argument(
        "what", nargs="?", choices=["config", "recipe", "crystal"], default="config", help="default: config"
    )
    schema.set_defaults(command=actions.schema)

    docs = commands.add_parser("docs", help="write schemas/ and the reference pages in docs/")
    docs.add_argument("--root", type=Path, default=Path(), metavar="DIR", help="the repository (default: here)")
    docs.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    docs.set_defaults(command=actions.docs, parser=whole)


def _add_init(commands: Any) -> None:
    init = commands.add_parser("init", help="write a project of your own: configuration, Snakefile, profile")
    init.add_argument("folder", type=Path, metavar="DIR", help="made if it is not there; no file is replaced")
    init.add_argument("--profile", default="default", metavar="NAME", help="default, slurm, cluster-generic, …")
    init.set_defaults(command=actions.init)


def _add_status(commands: Any) -> None:
    status = commands.add_parser("status", help="list how far every job is, and why it stopped")
    _add_configfile(status)
    status.add_argument("--only", default="", metavar="STATES", help="list these alone: failed,running")
    status.add_argument("--json", action="store_true", help="write the table as JSON")
    status.set_defaults(command=actions.status)


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
    report.set_defaults(command=actions.report)


def _add_cluster(commands: Any) -> None:
    cluster = commands.add_parser("cluster", help="for Snakemake's executor cluster-generic: PBS, SGE and LSF")
    acts = cluster.add_subparsers(metavar="what", required=True)
    submit = acts.add_parser("submit", help="submit a job script; print the number of the job")
    for name, words in (("cores", "of one machine"), ("mem-mb", "memory of the job"), ("minutes", "its wall time")):
        submit.add_argument(f"--{name}", type=int, required=True, metavar="NUMBER", help=words)
    submit.add_argument("--extra", default="", metavar="WORDS", help="more options: '-q long -A account'")
    submit.add_argument("subject", type=Path, metavar="SCRIPT", help="what Snakemake wrote for the job")
    ask = acts.add_parser("status", help="print running, success or failed")
    ask.add_argument("subject", metavar="NUMBER", help="of the job, as submit printed it")
    for each, command in ((submit, actions.submit), (ask, actions.ask)):
        each.add_argument("--scheduler", choices=["pbs", "sge", "lsf"], help="by default the one that is found")
        each.set_defaults(command=command)


def _add_elf_check(commands: Any) -> None:
    elf = commands.add_parser(
        "elf-check", help="compute methane twice at a level; say which D0 its engine's ELF of a spin has"
    )
    elf.add_argument("level", metavar="LEVEL", help="of engine cp2k or vasp; its program runs here")
    _add_configfile(elf)
    elf.set_defaults(command=actions.elf_check)


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
    claims.set_defaults(command=actions.claims)


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
