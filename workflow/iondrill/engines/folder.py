"""What every job folder holds, whatever the engine: ``job.json`` and ``structure.extxyz``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from iondrill.engines.external.attempt import EXIT
from iondrill.errors import UserError
from iondrill.files import replacing, write_text
from iondrill.geometry.checks import read_structure
from iondrill.geometry.constraints import fix, fixed_directions
from iondrill.jobs.job import Job

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

JOB, STRUCTURE, RESULT = "job.json", "structure.extxyz", "result.json"
LAST = "last.extxyz"
"""Of dynamics: the last geometry, with its velocities."""
THERMALISED = "thermalise"
"""Folder, in that of dynamics, of the segment before it."""
WAVEFUNCTION = "wavefunction.wfn"
"""What an engine that can start from it leaves of a single point: not part of the input hash."""
GUESS = "guess.wfn"
"""The wavefunction of another job, for the first SCF to start from."""
DECIMALS = 8


def exit_file(folder: Path) -> Path:
    """Return the file with which a user asks a job to stop: of a segment before a run, that in the run's folder."""
    return (folder.parent if folder.name == THERMALISED else folder) / EXIT


def rounded(atoms: Atoms, *, moving: bool = False) -> Atoms:
    """Return a copy with the positions as a structure file holds them, and nothing that was computed on another.

    Parameters
    ----------
    atoms : Atoms
        Any.
    moving : bool
        Whether its velocities are kept, as a structure file holds them.
    """
    plain = atoms.copy()
    for name in ("momenta", "mulliken_e", "hirshfeld_e"):
        plain.arrays.pop(name, None)
    plain.info = {}
    fix(plain, fixed_directions(plain))  # what the file can say
    if moving and "momenta" in atoms.arrays:
        plain.set_momenta(np.round(atoms.get_momenta(), DECIMALS) + 0.0, apply_constraint=False)
    plain.set_positions(np.round(atoms.positions, DECIMALS) + 0.0, apply_constraint=False)
    return plain


def write_job(job: Job, atoms: Atoms, folder: Path) -> list[Path]:
    """Write the job with its hash, and its start geometry with fixed atoms and fragments.

    Parameters
    ----------
    job : Job
        What to compute.
    atoms : Atoms
        The start geometry, `rounded`.
    folder : Path
        The job folder.

    Returns
    -------
    list of Path
        The two files.
    """
    from ase.io import write

    content = {**job.model_dump(mode="json"), "input_hash": job.input_hash(atoms)}
    write_text(folder / JOB, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    with replacing(folder / STRUCTURE) as temporary:
        write(temporary, atoms, format="extxyz", write_results=False)
    return [folder / JOB, folder / STRUCTURE]


def read_job(folder: Path) -> tuple[Job, Atoms]:
    """Read what `write_job` wrote.

    Raises
    ------
    UserError
        If a file is missing or damaged, or if one was changed without the other.
    """
    from iondrill.config.document import Document
    from iondrill.config.load import parse

    document = Document(folder / JOB)
    content = dict(document.content)
    digest = content.pop("input_hash", None)
    job = parse(Job, [document], content)
    atoms = read_structure(folder / STRUCTURE)
    if digest != (now := job.input_hash(atoms)):
        raise UserError.of(
            folder / JOB,
            f"input_hash is {digest}, but the job and {STRUCTURE} give {now}",
            "one of them was changed: write the folder again",
        )
    return job, atoms
