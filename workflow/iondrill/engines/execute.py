"""Run a job from its specification to its record."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iondrill.engines.base import AttemptEntry, Result, Start, read_result
from iondrill.engines.external.launch import only_one
from iondrill.engines.folder import GUESS, LAST, RESULT, THERMALISED, WAVEFUNCTION, rounded
from iondrill.engines.length import FRAMES, publish_frames
from iondrill.engines.molden import MOLDEN
from iondrill.engines.neighbourhood import relax_and_look_around
from iondrill.engines.registry import engine, write_folder
from iondrill.errors import UserError
from iondrill.files import leave_empty
from iondrill.geometry.checks import read_structure
from iondrill.geometry.io import write_structure
from iondrill.jobs.job import CUBES, Job, Md, Relax, Static
from iondrill.jobs.journal import state_folder
from iondrill.prepare.start import damage, left_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms

TURN = "turn"
"""Locked from before a job's old results go until the new ones are there: the engine's own lock is shorter."""


def execute(
    spec: dict[str, Any],
    atoms: Atoms,
    result_path: Path,
    structure_path: Path,
    *,
    start: Start | None = None,
    guess_from: Sequence[Path] = (),
) -> Result:
    """Write a job's folder, run or resume the job, and write its record and its last geometry.

    Dynamics whose start is to be thermalised first is two jobs: the segment before it has a folder of its own,
    `THERMALISED`, in that of the run, where it is run, killed and continued as any other.

    Where another process has the job in hand, such as one that outlived its killed driver, this one waits for it; what
    the other has finished by then is not computed again.

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
    folder, atoms, before = result_path.parent, rounded(atoms), _stamp(result_path)
    if (first := job.before()) is not None:
        write_folder(job, atoms, folder)  # what is wrong with it is said before anything runs
        settled, atoms = thermalise(first, atoms, folder / THERMALISED)
        if settled.status != "converged":
            reason = f"before the run, while it was thermalised: {settled.attempts[-1].reason}"
            settled = settled.model_copy(update={"attempts": [*settled.attempts[:-1], AttemptEntry(reason=reason)]})
            write_structure(atoms, structure_path)
            settled.write(result_path)
            return settled
        job = job.model_copy(update={"note": f"{job.note}; after it was thermalised"})
    digest = job.input_hash(atoms)
    with only_one(state_folder(folder, digest) / TURN):
        if _stamp(result_path) != before and (found := _finished(job, atoms, result_path, structure_path)):
            print("another run has finished the job")
            return found
        result, final = _run(job, atoms, folder, guess_from)
        result = _with_geometry(result, final, atoms, structure_path)
        result.model_copy(update={"start": start}).write(result_path)
    return result


def _with_geometry(result: Result, final: Atoms, start: Atoms, structure_path: Path) -> Result:
    """Write the last geometry and return the record; where atoms overlap, there are no numbers, and the start stays."""
    try:
        write_structure(final, structure_path)
    except UserError as error:
        write_structure(start, structure_path)
        last = result.attempts[-1]
        found = "; ".join(problem.found for problem in error.problems)
        reason = f"the last geometry is none: {found}" + ("" if result.status == "converged" else f"; {last.reason}")
        return result.model_copy(
            update={
                "status": "not_converged",
                "energy_eV": None,
                "max_force_eV_A": None,
                "attempts": [*result.attempts[:-1], last.model_copy(update={"reason": reason})],
            }
        )
    return result


def pass_over(spec: dict[str, Any], why: str, result_path: Path, structure_path: Path) -> Result:
    """Write the record of a job that has nothing to compute, and an empty structure.

    Parameters
    ----------
    spec, result_path, structure_path
        See `execute`.
    why : str
        Why there is nothing, in words.
    """
    job = Job.model_validate(spec)
    clear(job, result_path.parent)
    leave_empty([structure_path])
    result = Result(
        status="not_due",
        level=job.level_name,
        engine=job.level.engine,
        engine_version="",
        attempts=[AttemptEntry(reason=why)],
        input_hash="",
    )
    result.write(result_path)
    return result


def thermalise(job: Job, atoms: Atoms, folder: Path) -> tuple[Result, Atoms]:
    """Run what comes before dynamics, or resume it, or take what there is of it.

    Parameters
    ----------
    job : Job
        From `Job.before`.
    atoms : Atoms
        The start geometry, `rounded`.
    folder : Path
        Its own.

    Returns
    -------
    Result
        Its record.
    Atoms
        The last geometry, with velocities if it converged.
    """
    record, structure = folder / RESULT, folder / LAST
    result = _finished(job, atoms, record, structure) or execute(job.model_dump(mode="json"), atoms, record, structure)
    if result.status != "converged":
        return result, atoms
    # as the file holds it, whether it was written just now or long ago
    return result, rounded(read_structure(structure), moving=True)


def publish(job: Job, folder: Path) -> None:
    """Put the frames of dynamics that has converged, and of what came before it, where others read them."""
    for one, where in ((job, folder), (job.before(), folder / THERMALISED)):
        if one is not None and isinstance(one.task, Md):
            state = state_folder(where, read_result(where / RESULT).input_hash)
            publish_frames(state, one.task, where / FRAMES)


def _finished(job: Job, atoms: Atoms, result_path: Path, structure_path: Path) -> Result | None:
    """Return the record of a job that has converged, as long as it is asked for; None if there is none."""
    if not (result_path.is_file() and structure_path.is_file()):
        return None
    try:
        found = read_result(result_path)
    except UserError:  # a record that cannot be read is one to be made again
        return None
    long_enough = not isinstance(job.task, Md) or found.n_ionic_steps == job.task.steps
    return found if found.input_hash == job.input_hash(atoms) and long_enough else None


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what distinguishes a file from one that replaced it later; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _run(job: Job, atoms: Atoms, folder: Path, guess_from: Sequence[Path]) -> tuple[Result, Atoms]:
    """Write the folder of a job that no other process has in hand, and run or resume it."""
    clear(job, folder)
    offer_guess(folder, guess_from)
    write_folder(job, atoms, folder)
    if isinstance(job.task, Relax) and job.task.look_around_A:
        return relax_and_look_around(job, atoms, folder)
    return engine(job.level.engine).run(job, atoms, folder)


def clear(job: Job, folder: Path) -> None:
    """Take away what an earlier run left and engines write when they have converged; make the folder of cubes."""
    for name in (MOLDEN, WAVEFUNCTION):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / CUBES, ignore_errors=True)
    if isinstance(job.task, Static) and job.task.cubes:
        (folder / CUBES).mkdir(parents=True)


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
