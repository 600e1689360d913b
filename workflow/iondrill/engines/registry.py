"""The engines by name, and the folders that they work in."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from iondrill.engines.folder import rounded, write_job
from iondrill.errors import UserError, nearest
from iondrill.geometry.constraints import moving_atoms, partly_fixed
from iondrill.jobs.job import Md, Static

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.engines.base import Engine
    from iondrill.jobs.job import Job

ENGINES = {
    "xtb": ("iondrill.engines.xtb", "XtbEngine"),
    "cp2k": ("iondrill.engines.cp2k", "Cp2kEngine"),
    "vasp": ("iondrill.engines.vasp", "VaspEngine"),
    "ase": ("iondrill.engines.ase", "AseEngine"),
}


def engine(name: str) -> Engine:
    """Return an engine; its module is imported only now.

    Raises
    ------
    UserError
        If there is no engine of this name.
    """
    if name not in ENGINES:
        raise UserError.of("levels", f"there is no engine '{name}'", nearest(name, ENGINES))
    module, attribute = ENGINES[name]
    found: Engine = getattr(import_module(module), attribute)()
    return found


def write_folder(job: Job, atoms: Atoms, folder: Path) -> list[Path]:
    """Write a self-contained job folder and check it by an independent reader.

    Parameters
    ----------
    job : Job
        What to compute.
    atoms : Atoms
        The start geometry.
    folder : Path
        The job folder; made when missing. Files in it that have other names are left alone.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    UserError
        If the engine cannot do the job, or an input does not pass its check.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chosen, atoms = engine(job.level.engine), rounded(atoms, moving=True)
    _can_move(job, atoms)
    inputs = chosen.write_inputs(job, atoms, folder)
    files = [*write_job(job, atoms, folder), *inputs]
    chosen.validate_inputs(folder)
    return files


def _can_move(job: Job, atoms: Atoms) -> None:
    """Raise a UserError if a job shall move a structure of which all is fixed, or moves what is fixed in part."""
    if isinstance(job.task, Static):
        return
    if not moving_atoms(atoms).any():
        raise UserError.of(job.name, f"all {len(atoms)} atoms are fixed", "allowed: at least one that may move")
    if isinstance(job.task, Md) and (partly := partly_fixed(atoms)):
        found = ", ".join(f"{len(some)} atoms are fixed along {axes} alone" for axes, some in partly.items())
        raise UserError.of(job.name, found, "allowed in dynamics: atoms fixed as a whole")
