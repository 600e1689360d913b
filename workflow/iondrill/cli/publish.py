"""The command ``iondrill publish``: results handed on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


CRATES = ("crate", "zenodo")
"""Targets that hold a crate."""


def register(commands: Any, add_configfile: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the command to those of ``iondrill``."""
    publish = commands.add_parser("publish", help="hand results on: as a crate, to OPTIMADE, NOMAD or Zenodo")
    publish.add_argument(
        "results", nargs="?", type=Path, metavar="RESULTS", help="default: the folder of the configuration"
    )
    publish.add_argument("--to", required=True, choices=["crate", "optimade", "nomad", "zenodo"], help="what for")
    publish.add_argument("--dry-run", action="store_true", help="say what would be written or sent; do nothing")
    publish.add_argument("-o", "--output", type=Path, metavar="PATH", help="a new folder; of a crate, the .zip")
    publish.add_argument(
        "--url", default="https://zenodo.org", metavar="ADDRESS", help="service (default: https://zenodo.org)"
    )
    publish.add_argument(
        "--without-frames",
        action="store_true",
        help="of a crate: leave out trajectories, and tables with a row for each frame",
    )
    add_configfile(publish)
    publish.set_defaults(command=_publish)


def _publish(options: argparse.Namespace) -> int:
    """Hand results on."""
    from iondrill.config.project import project_first, read_config
    from iondrill.errors import UserError
    from iondrill.prepare.plan import Plan
    from iondrill.publish.targets import Order, publish

    if options.without_frames and options.to not in CRATES:
        raise UserError.of(
            "--without-frames", f"found it with --to {options.to}", f"allowed: with {' or '.join(CRATES)}"
        )
    config = read_config(*project_first(options.configfile))
    if options.results is not None:
        config = config.model_copy(update={"results": str(options.results)})
    for line in publish(
        options.to, Order(Plan(config), options.output, options.dry_run, options.url, not options.without_frames)
    ):
        print(line)
    return 0
