"""Run a job from its specification to its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iondrill.build.io import write_structure
from iondrill.engines.folder import rounded
from iondrill.engines.registry import engine, write_folder
from iondrill.prepare.jobs import Job

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.engines.base import Result


def execute(spec: dict[str, Any], atoms: Atoms, result_path: Path, structure_path: Path) -> Result:
    """Write a job's folder, run the job or go on with it, and write its record and its last geometry.

    Parameters
    ----------
    spec : dict
        A `Job` as plain data.
    atoms : Atoms
        The start geometry.
    result_path : Path
        ``result.json`` in the job's folder. It is written last: where it is, the job is done.
    structure_path : Path
        The last geometry, extended XYZ.

    Raises
    ------
    UserError
        If the engine is not there, or cannot do the job.
    """
    job = Job.model_validate(spec)
    folder, atoms = result_path.parent, rounded(atoms)
    write_folder(job, atoms, folder)
    result, final = engine(job.level.engine).run(job, atoms, folder)
    write_structure(final, structure_path)
    result.write(result_path)
    return result
