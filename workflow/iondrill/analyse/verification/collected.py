"""From a run's trajectory to the frames that are compared, and from their single points to the verdict."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.io import read
from ase.io.trajectory import Trajectory

from iondrill.analyse.elf.event_frames import begins
from iondrill.analyse.tables import read_columns
from iondrill.analyse.verification.errors import (
    FRAMES,
    VERIFICATION,
    Compared,
    FrameError,
    cutting_eV_A,
    energy_errors_meV,
    errors_by_part,
    of_frame,
    verdict,
)
from iondrill.analyse.verification.frames import RECORDED, choose, graded, parents_of, piece_of
from iondrill.analyse.verification.gates import Passed
from iondrill.analyse.verification.record import Cutting, Verification
from iondrill.analyse.verification.twins import Twin, compare
from iondrill.engines.ase.grade import grade_of
from iondrill.engines.ase.learned import calculator_of
from iondrill.engines.base import FORCES, read_result
from iondrill.errors import UserError
from iondrill.files import is_empty, write_text
from iondrill.geometry.io import write_structure
from iondrill.potential.labels import read_labels
from iondrill.potential.unseen import unseen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ase import Atoms

    from iondrill.engines.base import Result
    from iondrill.jobs.name import JobId
    from iondrill.prepare.plan import Plan


def choose_frames(plan: Plan, run: str, start: Atoms, chosen_file: Path) -> None:
    """Choose the frames of a run, and write them and the pieces cut out of them.

    Parameters
    ----------
    plan : Plan
        With ``md.verify``.
    run : str
        Its name.
    start : Atoms
        The structure that it began with: fragments, cell.
    chosen_file : Path
        Written: step, time, grade and reason of each chosen frame, as JSON.
    """
    settings = plan.verify.settings
    columns = read_columns(plan.md.results_of(run) / "order_parameters.csv")
    grade = grade_of(plan.config.levels[plan.verify.own_level(run)])
    bare = start.copy()
    bare.set_constraint()
    bare.info = {}
    with Trajectory(plan.md.results_of(run) / "trajectory.traj") as frames:

        def frame(number: int) -> Atoms:
            """Return a frame with the labels, and nothing that was computed or fixed."""
            atoms = bare.copy()
            atoms.set_positions(frames[number].positions)
            return atoms

        n_frames = len(frames)
        grades = {} if grade is None else {number: grade.of(frame(number)) for number in graded(n_frames)}
        chosen = [] if settings.recorded else choose(columns["nd_flake_bonds"], grades, settings.frames)
        whole = [frame(one.number) for one in chosen]
    if grade is not None:  # a chosen frame counts, too
        grades |= {one.number: grade.of(atoms) for one, atoms in zip(chosen, whole, strict=True)}
    rows = [
        {
            "slot": slot,
            "number": one.number,
            "step": int(columns["step"][one.number]),
            "time_fs": float(columns["time_fs"][one.number]),
            "why": one.why,
            "grade": grades.get(one.number),
        }
        for slot, one in enumerate(chosen)
    ]
    for slot, cut in plan.verify.cuts():
        piece = cut == "piece" and settings.piece_atoms
        seed = (plan.config.seed, int(columns["step"][chosen[slot].number]))
        atoms = piece_of(whole[slot], piece, settings.vacuum_A, seed) if piece else whole[slot]
        write_structure(atoms, plan.verify.frame_file(run, slot, cut))
    content = {
        "frames": rows,
        "elements": sorted(set(start.get_chemical_symbols())),
        "n_graded": len(grades),
        "largest_grade": max(grades.values(), default=None),
    }
    write_text(chosen_file, json.dumps(content, indent=1) + "\n")


def recorded_of(plan: Plan, run: str, elements: set[str], farthest: float | None = None) -> list[Compared]:
    """Compare a fitted potential with the labels that are recorded in place of single points on the run's frames.

    Parameters
    ----------
    plan : Plan
        With ``md.verify.recorded``.
    run : str
        At a level with ``calculator: fitted``.
    elements : set of str
        Of the run: a label with another one is passed over.
    farthest : float, optional
        The largest grade of the run's frames: a label beyond it is of what the run does not come to, and passed over.

    Raises
    ------
    UserError
        If a file is damaged, a label was made at another level, or the potential has learned from it.
    """
    level = plan.config.levels[plan.verify.own_level(run)]
    found = list[Compared]()
    if level.fitted_in is None:  # recorded labels say nothing of it
        return found
    reference = plan.config.levels[plan.verify.settings.level]
    calculator, grade = calculator_of(level.fitted_in), grade_of(level)
    for path in map(Path, plan.verify.recorded):
        for one in read_labels(path):
            if not set(one.get_chemical_symbols()) <= elements:
                continue
            far = unseen(one, path, reference, grade)
            if far is not None and farthest is not None and far > farthest:
                continue
            own = one.copy()
            own.set_constraint()
            own.calc = calculator
            found.append(
                Compared(
                    len(found),
                    "piece" if "cap" in one.arrays else "whole",
                    one,
                    own.get_forces(),
                    one.get_forces(apply_constraint=False),
                    own.get_potential_energy(),
                    one.get_potential_energy(),
                )
            )
    return found


def compared_of(plan: Plan, run: str) -> tuple[list[Compared], dict[tuple[int, str], str]]:
    """Read the single points of a run's frames at both levels.

    Returns
    -------
    compared : list of Compared
        The frames and pieces that converged at both levels.
    status : dict
        By slot and cut: ``compared``, or which level did not converge.
    """
    found, status = list[Compared](), dict[tuple[int, str], str]()
    for slot, cut in plan.verify.cuts():
        both = plan.verify.of_frame(run, slot, cut)
        results = {job.level: read_result(plan.folder(job) / "result.json") for job in both}
        failed = [job.level for job in both if results[job.level].status != "converged"]
        status[slot, cut] = "; ".join(f"{level}: {results[level].why}" for level in failed) or "compared"
        if failed:
            continue
        atoms = read(plan.verify.frame_file(run, slot, cut), format="extxyz")
        own, reference = both
        found.append(
            Compared(
                slot,
                cut,
                atoms,
                _forces(plan, own),
                _forces(plan, reference),
                _energy(results[own.level]),
                _energy(results[reference.level]),
            )
        )
    return found, status


def _forces(plan: Plan, job: JobId) -> Any:
    path = plan.folder(job) / "structure.extxyz"
    atoms = read(path, format="extxyz")
    if FORCES not in atoms.arrays:
        raise UserError.of(path, f"holds no {FORCES}", "remove the job's folder, and it is computed again")
    return np.asarray(atoms.arrays[FORCES], dtype=float)


def _energy(result: Result) -> float:
    return float("nan") if result.energy_eV is None else result.energy_eV


def verify(plan: Plan, run: str, chosen_file: Path, outputs: Mapping[str, Path]) -> None:
    """Write the errors of a run's level on frames of the run, and the verdict.

    Parameters
    ----------
    plan : Plan
        With ``md.verify``.
    run : str
        Its name.
    chosen_file : Path
        What `choose_frames` wrote.
    outputs : mapping
        ``parts`` and ``frames`` (CSV), ``verdict`` (JSON).
    """
    settings = plan.verify.settings
    chosen = json.loads(chosen_file.read_text(encoding="utf-8"))
    elements = set(chosen["elements"])
    if settings.recorded:
        compared = recorded_of(plan, run, elements, chosen["largest_grade"])
        status = {(one.slot, one.cut): "compared" for one in compared}
        frames = [
            {"step": one.atoms.info.get("step", 0), "time_fs": float("nan"), "why": RECORDED, "grade": None}
            for one in compared
        ]
    else:
        compared, status = compared_of(plan, run)
        frames = chosen["frames"]
    errors = errors_by_part(compared)
    n_compared = len({one.slot for one in compared})
    n_chosen = n_compared if settings.recorded else settings.frames
    wrong = [text for path in plan.verify.gates_of(run) for text in Passed.read(path).failures(elements)]
    said, reasons = verdict(errors, (n_compared, n_chosen), chosen["largest_grade"], settings.verdict, wrong)
    VERIFICATION.write(errors, outputs["parts"])
    FRAMES.write(_rows(frames, compared, status), outputs["frames"])
    levels = {name: plan.config.levels[name] for name in (plan.verify.own_level(run), settings.level)}
    own, reference = levels
    twin = _twin(plan, run)
    if twin is None and plan.verify.twin_of(run) is not None:
        reasons.append("the run at the second fit did not converge: which events are the model's is not known")
        said = "doubtful" if said == "trusted" else said
    # the reference of pieces alone, where there are pieces: whole frames are few
    total = errors[0].error if errors else None
    Verification(
        verdict=said,
        reasons=reasons,
        criteria=settings.verdict,
        level=own,
        reference=reference,
        titles={name: plan.config.levels[name].title for name in [*levels, *([twin.level] if twin else [])]},
        frames_compared=n_compared,
        frames_chosen=n_chosen,
        recorded=bool(settings.recorded),
        force_rmse_eV_A=None if total is None else total.force_rmse_eV_A,
        force_rms_eV_A=None if total is None else total.force_rms_eV_A,
        largest_grade=chosen["largest_grade"],
        frames_graded=chosen["n_graded"],
        cutting=None
        if settings.recorded
        else _cutting(compared, chosen["frames"], plan.md.results_of(run) / "trajectory.traj"),
        twin=twin,
    ).write(outputs["verdict"])


def _twin(plan: Plan, run: str) -> Twin | None:
    """Compare the events of a run with those at the second fit; None without one, or if that did not converge."""
    job, twins = plan.verify.twin_of(run), partial(plan.verify.twin_file, run)
    if job is None or is_empty(twins("order_parameters.csv")):
        return None
    folder = plan.md.results_of(run)
    own = begins(folder / "order_parameters.csv", folder / "events.json")
    twin = begins(twins("order_parameters.csv"), twins("events.json"))
    return Twin(level=job.level, events=compare(own, twin))


def _rows(
    chosen: Sequence[dict[str, Any]], compared: Sequence[Compared], status: Mapping[tuple[int, str], str]
) -> list[FrameError]:
    """Return a row for each frame and each cut of it."""
    by_key = {(one.slot, one.cut): one for one in compared}
    energies = energy_errors_meV(compared)
    rows = []
    for slot, cut in status:
        frame, one = chosen[slot], by_key.get((slot, cut))
        rows.append(
            FrameError(
                slot,
                frame["step"],
                frame["time_fs"],
                frame["why"],
                cut,
                0 if one is None else len(one.atoms),
                frame["grade"],
                status[slot, cut],
                None if one is None else of_frame(one),
                energies.get((slot, cut)),
            )
        )
    return rows


def _cutting(compared: Sequence[Compared], chosen: Sequence[dict[str, Any]], trajectory: Path) -> Cutting | None:
    """Return what cutting changes at the run's own level: forces on pieces against those of the run; None of no piece.

    The forces on whole frames are those that the run itself was driven by.
    """
    pieces = [one for one in compared if one.cut == "piece"]
    errors = []
    with Trajectory(trajectory) as frames:
        for one in pieces:
            frame = frames[chosen[one.slot]["number"]]
            if frame.calc is not None and "forces" in frame.calc.results:
                whole = frame.calc.results["forces"]
                errors.append(cutting_eV_A(one.atoms, one.own, whole, parents_of(one.atoms)))
    n = sum(error.n for error in errors)
    if not n:
        return None
    rmse, rms = (
        float(np.sqrt(sum(error.n * getattr(error, name) ** 2 for error in errors if error.n) / n))
        for name in ("force_rmse_eV_A", "force_rms_eV_A")
    )
    return Cutting(n=n, force_rmse_eV_A=rmse, force_rms_eV_A=rms)
