"""Run a job from its specification to its record."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iondrill.build.checks import read_structure
from iondrill.build.io import write_structure
from iondrill.engines.base import Start, read_result
from iondrill.engines.folder import GUESS, WAVEFUNCTION, rounded
from iondrill.engines.molden import MOLDEN
from iondrill.engines.registry import engine, write_folder
from iondrill.prepare.jobs import CUBES, Job, Static
from iondrill.prepare.start import damage, left_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms

    from iondrill.engines.base import Result


def execute(
    spec: dict[str, Any],
    atoms: Atoms,
    result_path: Path,
    structure_path: Path,
    *,
    start: Start | None = None,
    guess_from: Sequence[Path] = (),
) -> Result:
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
    start : Start, optional
        What is to be recorded of the start geometry.
    guess_from : sequence of Path
        Folder of a job whose wavefunction, if it left one, is the first guess; or nothing.

    Raises
    ------
    UserError
        If the engine is not there, or cannot do the job.
    """
    job = Job.model_validate(spec)
    if start is not None:
        job = job.model_copy(update={"note": f"{job.note}; {start}"})
    folder, atoms = result_path.parent, rounded(atoms)
    # of an earlier run: engines write them when they have converged
    for name in (MOLDEN, WAVEFUNCTION):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / CUBES, ignore_errors=True)
    if isinstance(job.task, Static) and job.task.cubes:
        (folder / CUBES).mkdir(parents=True)
    offer_guess(folder, guess_from)
    write_folder(job, atoms, folder)
    result, final = engine(job.level.engine).run(job, atoms, folder)
    write_structure(final, structure_path)
    result.model_copy(update={"start": start}).write(result_path)
    return result


def offer_guess(folder: Path, guess_from: Sequence[Path]) -> None:
    """Put the wavefunction that another job left, if it did, where the engine looks for a first guess.

    Of a job that takes none from others, the user may have put one there.
    """
    guess = folder / GUESS
    if guess_from:
        guess.unlink(missing_ok=True)
    for other in guess_from:
        with suppress(OSError):  # a job without a guess takes longer, no more
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(other / WAVEFUNCTION, guess)


def prerelaxed(atoms: Atoms, files: Sequence[str], built: Atoms | None = None) -> tuple[Atoms, Start | None]:
    """Return the start geometry of a relaxation: that of its pre-relaxation, unless this went wrong.

    Parameters
    ----------
    atoms : Atoms
        The start geometry without a pre-relaxation.
    files : sequence of str
        Record and last geometry of the pre-relaxation; nothing if there is none.
    built : Atoms, optional
        Of a slab with an ion: the clean slab as built, whose sites the ion must not leave.

    Returns
    -------
    Atoms
        With the labels and fixed atoms of `atoms`.
    Start or None
        What is to be recorded.
    """
    if not files:
        return atoms, None
    record, structure = map(Path, files)
    result, relaxed = read_result(record), atoms
    reason = "" if result.status == "converged" else f"it is {result.status}"
    if not reason:
        relaxed = read_structure(structure)
        reason = damage(atoms, relaxed) or (left_site(atoms, relaxed, built) if built else "")
    start = Start(
        level=result.level,
        status=result.status,
        max_force_eV_A=result.max_force_eV_A,
        used=not reason,
        reason=reason,
    )
    if start.used:
        atoms = atoms.copy()
        atoms.set_positions(relaxed.positions, apply_constraint=False)
    return atoms, start
