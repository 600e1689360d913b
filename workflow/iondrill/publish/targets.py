"""What ``iondrill publish`` writes, and what it would."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from iondrill.errors import UserError
from iondrill.files import write_text
from iondrill.publish.crate import write_crate
from iondrill.publish.energies import energies
from iondrill.publish.nomad import nomad
from iondrill.publish.optimade import optimade
from iondrill.publish.zenodo import SERVICE, citation_file, deposit, metadata, token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from iondrill.prepare.plan import Plan

TARGETS = ("crate", "optimade", "nomad", "zenodo")
NEXT = {
    "optimade": "next, with optimade-maker: optimake serve {}",
    "nomad": "next: upload its contents; with nomad-lab: nomad parse {}/<job>/workflow.archive.yaml",
}


class Order(NamedTuple):
    """What to hand on.

    Attributes
    ----------
    plan : Plan
        Of the run.
    output : Path or None
        Where to; by default in the results.
    dry_run : bool
        Whether to write and send nothing.
    service : str
        Address, for Zenodo.
    frames : bool
        Of a crate: with what there is of each frame of a run.
    """

    plan: Plan
    output: Path | None = None
    dry_run: bool = False
    service: str = SERVICE
    frames: bool = True


def publish(target: str, order: Order) -> Iterator[str]:
    """Hand a run on, and yield what there is to say.

    Parameters
    ----------
    target : str
        One of `TARGETS`.
    order : Order
        What, and where to.

    Raises
    ------
    UserError
        If there are no results, or a file or service is in the way.
    """
    if not order.plan.results.is_dir():
        raise UserError.of(order.plan.results, "there are no results", "needed: a run of the workflow, finished or not")
    rows = energies(order.plan)
    refused = [row for row in rows if row.E_ads_eV is None]
    if rows:
        yield f"{len(rows) - len(refused)} adsorption energies; {len(refused)} without one, published as such"
        yield from (f"no energy: {row.title}, {row.method}: {row.status}" for row in refused)
    if target == "crate":
        yield from _crate(order)
    elif target == "zenodo":
        yield from _zenodo(order)
    else:
        yield from _folder(target, order)


def _crate(order: Order) -> Iterator[str]:
    path = order.output or order.plan.results / "crate.zip"
    with tempfile.TemporaryDirectory() as folder:
        path_of = Path(folder) / path.name if order.dry_run else path
        missing = write_crate(order.plan, path_of, frames=order.frames)
    yield from (f"missing: {one}" for one in missing)
    state = f"incomplete, {len(missing)} missing" if missing else "complete"
    yield f"{'would write ' if order.dry_run else ''}{path}: {state}"


def _zenodo(order: Order) -> Iterator[str]:
    secret = "" if order.dry_run else token()
    with tempfile.TemporaryDirectory() as folder:
        crate = Path(folder) / "crate.zip"
        missing = write_crate(order.plan, crate, frames=order.frames)
        described = metadata(order.plan, missing, citation_file(Path()))
        size_MB = crate.stat().st_size / 1e6
        if order.dry_run:
            yield json.dumps({"metadata": described}, indent=1, ensure_ascii=False)
            yield f"would make a draft at {order.service} with crate.zip, {size_MB:.1f} MB"
            return
        page = deposit(order.service, secret, described, crate)
    yield f"a draft with crate.zip, {size_MB:.1f} MB; look at it and publish it: {page}"


def _folder(target: str, order: Order) -> Iterator[str]:
    files: Mapping[str, str | Path] = optimade(order.plan) if target == "optimade" else nomad(order.plan)
    folder = order.output or order.plan.results / "published" / target
    if order.dry_run:
        yield from (f"would write {folder / path}" for path in files)
    else:
        if order.output is None:
            shutil.rmtree(folder, ignore_errors=True)  # what was published before
        elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError.of(folder, "is there and not empty", "needed: a new folder")
        for path, content in files.items():
            _write(folder / path, content)
    yield f"{folder}: {len(files)} files"
    yield NEXT[target].format(folder)


def _write(path: Path, content: str | Path) -> None:
    if isinstance(content, str):
        write_text(path, content)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(content, path)
