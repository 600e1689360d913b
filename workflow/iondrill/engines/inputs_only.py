"""Job folders that are written and checked, and not run: what `snakemake inputs` makes."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, TypedDict

from iondrill.engines.base import read_result
from iondrill.engines.folder import LAST, RESULT, THERMALISED, rounded
from iondrill.engines.registry import engine, write_folder
from iondrill.errors import UserError
from iondrill.files import write_text
from iondrill.geometry.checks import read_structure

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.jobs.job import Job

RECORD = "inputs.json"
LEFT_ALONE = f"left alone: {RESULT} is of this job"
OF_ANOTHER = f"left alone: {RESULT} is of another start or other settings; remove it to have the inputs written again"


class Written(TypedDict):
    """``inputs.json``: what was written to a folder, and what was checked in it."""

    folder: str
    files: list[str]
    checks: list[str]


def write_inputs(job: Job, atoms: Atoms, folder: Path) -> Written:
    """Write and validate a job's folder, unless it holds a result; note it in ``inputs.json``.

    What a run has left belongs together: a single point's ``structure.extxyz`` holds its forces, and its wavefunction
    is read by the frame of that very geometry.

    Parameters
    ----------
    job : Job
        What to compute.
    atoms : Atoms
        The start geometry.
    folder : Path
        The job folder.

    Raises
    ------
    UserError
        If the engine cannot do the job, or an input does not pass its check.
    """
    record: Written = {"folder": str(folder), "files": [], "checks": []}
    if (first := job.before()) is not None:
        write_inputs(first, atoms, folder / THERMALISED)
        job = job.model_copy(update={"note": f"{job.note}; to be thermalised first: {THERMALISED}/"})
    if (folder / RESULT).is_file():
        start = _start_of(first, rounded(atoms), folder / THERMALISED)
        record["checks"] = [LEFT_ALONE if _is_of(folder, job.input_hash(start)) else OF_ANOTHER]
    else:
        record["files"] = sorted(path.name for path in write_folder(job, rounded(atoms), folder))
        record["checks"] = engine(job.level.engine).validate_inputs(folder)
    write_text(folder / RECORD, json.dumps(record, indent=1) + "\n")
    return record


def _start_of(first: Job | None, atoms: Atoms, folder: Path) -> Atoms:
    """Return the start geometry of a job: the end of what comes first, if that was run from these atoms."""
    if first is not None and _is_of(folder, first.input_hash(atoms)):
        return rounded(read_structure(folder / LAST), moving=True)
    return atoms


def _is_of(folder: Path, digest: str) -> bool:
    """Say whether the result in a folder is that of a job by its hash."""
    with suppress(UserError):  # a damaged record: the run of the job will report it
        return read_result(folder / RESULT).input_hash == digest
    return False
