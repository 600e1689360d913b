"""Look around the position where ions came to rest: a relaxation ends in the first minimum, not in the lowest.

Every part is a job of the same engine in a folder of its own, kept when it is done: a killed job does none twice. Of a
level that takes seconds, the single points are kept together when all are done.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from iondrill.engines.base import Left, Neighbour, Neighbourhood, Result, read_result
from iondrill.engines.embedded.engine import EmbeddedEngine
from iondrill.engines.folder import rounded
from iondrill.engines.registry import engine, write_folder
from iondrill.errors import UserError
from iondrill.files import write_text
from iondrill.geometry.checks import check_distances, read_structure
from iondrill.geometry.io import write_structure
from iondrill.jobs.job import Job, Relax, Static
from iondrill.jobs.journal import state_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

FOLDER = "neighbourhood"
LOWER_EV = 0.02
"""A point lower by less than this for each ion is no second minimum: relaxations leave about so much."""
TOO_DEEP_EV = 2.0
"""No point within 1.5 Å of a minimum is lower by so much for each ion: the SCF has ended in a false state."""
ROUNDS = 3
"""How often ions are relaxed from a lower point."""


def relax_and_look_around(job: Job, atoms: Atoms, folder: Path) -> tuple[Result, Atoms]:
    """Relax a slab with ions, look for lower points along its normal, and relax from the lowest of them, too.

    Parameters
    ----------
    job : Job
        With a `Relax` task that says how far to look.
    atoms : Atoms
        The start geometry, fragments "slab" and "adsorbate".
    folder : Path
        The job's folder, written.

    Returns
    -------
    Result
        Of the lowest relaxed geometry, with what all of it took; see `Neighbourhood`.
    Atoms
        That geometry.

    Raises
    ------
    StoppedError
        If it was stopped; it resumes with the part that is not done.
    """
    task = job.task
    if not isinstance(task, Relax):
        raise TypeError(f"{job.name} is no relaxation")
    alone = job.model_copy(update={"task": task.model_copy(update={"look_around_A": ()})})
    best, final = _done(alone, atoms, folder)
    spent, points = [best], list[Neighbour]()
    left: list[Left] = []
    for k in range(ROUNDS + 1):
        if best.status != "converged" or best.energy_eV is None:
            break
        around = _look(job, task, final, best.energy_eV, folder / FOLDER / str(k))
        points = [point for point, _ in around]
        spent += [result for _, result in around]
        lowest = lowest_neighbour(points, n_ions(final))
        if lowest is None or k == ROUNDS:
            break
        lower, geometry = _written(alone, lifted(final, lowest.shift_A), folder / FOLDER / str(k) / "relaxed")
        spent.append(lower)
        # where it slides back, or does not converge, the lower point is reported as it is
        if lower.energy_eV is None or lower.energy_eV > best.energy_eV - LOWER_EV * n_ions(final):
            break
        gained_eV = best.energy_eV - lower.energy_eV
        left = [each.model_copy(update={"above_eV": each.above_eV + gained_eV}) for each in left]
        left.append(Left(above_eV=gained_eV, shift_A=lowest.shift_A))
        best, final = lower, geometry
    found = {"neighbourhood": Neighbourhood(points=points, left=left)} if points else {}
    return best.model_copy(update={"input_hash": job.input_hash(atoms), **_sums(spent), **found}), final


def n_ions(atoms: Atoms) -> int:
    """Return the number of ions."""
    return int((atoms.arrays["fragment"] == "adsorbate").sum())


def lifted(atoms: Atoms, shift_A: float) -> Atoms:
    """Return a copy with its ions farther from the slab, those on its back downwards.

    Parameters
    ----------
    atoms : Atoms
        Slab, normal along z, and ions.
    shift_A : float
        How much farther; negative: nearer.
    """
    moved = atoms.copy()
    ion = atoms.arrays["fragment"] == "adsorbate"
    z = atoms.positions[:, 2]
    positions = atoms.positions.copy()
    positions[ion, 2] += shift_A * np.where(z[ion] < z[~ion].mean(), -1.0, 1.0)
    moved.set_positions(positions, apply_constraint=False)
    return moved


def lowest_neighbour(points: list[Neighbour], n: int) -> Neighbour | None:
    """Return the lowest point that is lower than the position at rest; None if there is none to be believed.

    Parameters
    ----------
    points : list of Neighbour
        What was looked at.
    n : int
        Number of ions.
    """
    lower = [
        point for point in points if point.above_eV is not None and -TOO_DEEP_EV * n < point.above_eV < -LOWER_EV * n
    ]
    return min(lower, key=lambda point: point.above_eV or 0.0, default=None)


def _look(job: Job, task: Relax, atoms: Atoms, energy_eV: float, folder: Path) -> list[tuple[Neighbour, Result]]:
    """Compute the single points around a geometry."""
    static = job.model_copy(update={"task": Static()})
    lifts = {shift_A: lifted(atoms, shift_A) for shift_A in task.look_around_A}
    lifts = {shift_A: rounded(geometry) for shift_A, geometry in lifts.items() if not _overlaps(geometry)}
    chosen = engine(job.level.engine)
    if job.level.takes_seconds and isinstance(chosen, EmbeddedEngine):
        results = _at_once(chosen, static, list(lifts.values()), folder)
    else:
        results = [_written(static, geometry, folder / f"{shift_A:+.2f}A")[0] for shift_A, geometry in lifts.items()]
    around = []
    for shift_A, result in zip(lifts, results, strict=True):
        above_eV = None if result.energy_eV is None else result.energy_eV - energy_eV
        around.append((Neighbour(shift_A=shift_A, status=result.status, above_eV=above_eV), result))
    return around


def _at_once(chosen: EmbeddedEngine[Any], static: Job, geometries: list[Atoms], folder: Path) -> list[Result]:
    """Compute single points that take less than to keep a state of each, or take what is kept of all: one file."""
    kept, wanted = folder / "points.json", [static.input_hash(geometry) for geometry in geometries]
    with suppress(OSError, ValueError):  # none, or damaged: they are computed
        found = [Result.model_validate(one) for one in json.loads(kept.read_text(encoding="utf-8"))]
        if [one.input_hash for one in found] == wanted:
            return found
    found = [chosen.at_once(static, geometry, folder) for geometry in geometries]
    write_text(kept, json.dumps([one.model_dump(mode="json") for one in found]) + "\n")
    return found


def _overlaps(atoms: Atoms) -> bool:
    """Say whether atoms are too near each other for any engine."""
    try:
        check_distances(atoms, "")
    except UserError:
        return True
    return False


def _written(job: Job, atoms: Atoms, folder: Path) -> tuple[Result, Atoms]:
    """Write a part's folder and do it."""
    atoms = rounded(atoms)
    write_folder(job, atoms, folder)
    return _done(job, atoms, folder)


def _done(job: Job, atoms: Atoms, folder: Path) -> tuple[Result, Atoms]:
    """Do a part of the job, or take what is kept of it."""
    kept = state_folder(folder, job.input_hash(atoms)) / "done.json"
    structure = kept.with_name("done-geometry.extxyz")
    if kept.is_file():
        try:
            return read_result(kept), read_structure(structure)
        except UserError:
            pass  # damaged: it is done again
    result, final = engine(job.level.engine).run(job, atoms, folder)
    if result.status == "converged":
        with suppress(UserError):  # atoms in each other are no geometry: whoever writes the record says so
            write_structure(final, structure)
            result.write(kept)
    return result, final


def _sums(results: list[Result]) -> dict[str, object]:
    """Return what all parts took; the attempts are those of the relaxations."""
    cycles = [result.n_scf_cycles for result in results if result.n_scf_cycles is not None]
    relaxations = [result for result in results if result.n_ionic_steps] or results[:1]
    return {
        "n_scf_cycles": sum(cycles) if cycles else None,
        "n_ionic_steps": sum(result.n_ionic_steps for result in results),
        "wall_s": sum(result.wall_s for result in results),
        "core_s": sum(result.core_s for result in results),
        "attempts": [attempt for result in relaxations for attempt in result.attempts],
    }
