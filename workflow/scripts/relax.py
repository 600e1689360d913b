"""Relax a structure: a crystal or cluster, a clean slab, or ions on a site of one.

A command of its own, for a `shell:` rule: what Snakemake puts before a `script:` takes a tenth of a second to start,
and of these jobs there are thousands.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING

from iondrill.scripting import logged
from iondrill.engines.execute import execute, prerelaxed
from iondrill.geometry.checks import read_structure
from iondrill.jobs.job import Job
from iondrill.prepare.site_cache import sites_of
from iondrill.prepare.start import slab_with_ions

if TYPE_CHECKING:
    from argparse import Namespace

    from ase import Atoms


def arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--job", type=json.loads, required=True, help="what is computed, JSON")
    parser.add_argument("--structure", type=Path, required=True, help="what is relaxed; with ions: the slab below them")
    parser.add_argument("--prerelaxed", nargs="*", help="record and geometry of the pre-relaxation, or nothing")
    parser.add_argument("--slab", type=Path, nargs="?", help="with ions: the slab as built, whose sites these are")
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--relaxed", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--runtime", type=float, help="minutes that the job has asked for")
    return parser.parse_args()


def start_of(given: Namespace) -> tuple[Atoms, Atoms | None]:
    """Return the start geometry without a pre-relaxation, and where there are ions, the slab as built."""
    atoms = read_structure(given.structure)
    if given.slab is None:
        return atoms, None
    built = read_structure(given.slab)
    subject = Job.model_validate(given.job).id.subject
    return slab_with_ions(built, atoms, subject, sites_of(built)), built


given = arguments()
with logged(given.log, given.runtime):
    atoms, built = start_of(given)
    atoms, start = prerelaxed(atoms, given.prerelaxed, built)
    print(execute(given.job, atoms, given.result, given.relaxed, start=start))
