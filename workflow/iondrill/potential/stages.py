"""The stages of `snakemake potential`, from files to files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from iondrill.engines.ase.grade import Grade
from iondrill.engines.ase.learned import calculator_of
from iondrill.files import write_text
from iondrill.geometry.descriptor import Space
from iondrill.potential import explore as exploring
from iondrill.potential.choose import select
from iondrill.potential.fit import fit
from iondrill.potential.judge import errors_on, spread, verdict
from iondrill.potential.labels import Store, label, sampled
from iondrill.potential.own_run import own_run
from iondrill.potential.plan import CHEAP, as_exploration
from iondrill.potential.sets import (
    elements_of,
    known_labels,
    labels_of,
    mixed,
    own_run_labels,
    read_frames,
    split,
    write_frames,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iondrill.potential.plan import PotentialPlan

NOTHING = "nothing"
"""Status of a label's record where fewer frames were chosen than there are slots."""


def explore(plan: PotentialPlan, name: str, output: Path) -> None:
    """Run a trajectory of an exploration and cut what is labelled out of its frames."""
    trajectory, one = plan.trajectories()[name], plan.exploration(name)
    level = one.level or plan.stage.level
    whole = exploring.explore(plan.config, one, trajectory, level, plan.folder / "jobs" / name)
    write_frames(list(exploring.frames_of(one, trajectory, whole, plan.stage.vacuum_A)), output)


def choose(plan: PotentialPlan, generation: int, files: Sequence[str], records: Sequence[str], output: Path) -> None:
    """Choose the frames of a generation among new ones; labelled ones of earlier generations are known."""
    known = labels_of(records)
    frames = read_frames(files)
    elements = elements_of([*frames, *known])
    if not frames:
        write_frames([], output)
        return
    space = Space.of([*known, *frames], elements)
    settings = plan.stage.select
    chosen = select(frames, space, settings.count, settings.least_distance, known)
    picked = []
    for one in chosen:
        frame = frames[one.frame].copy()
        # of frames with an element that nobody has seen there is no distance
        frame.info["novelty"] = round(one.novelty, 4) if np.isfinite(one.novelty) else -1.0
        frame.info["generation"] = generation
        picked.append(frame)
    write_frames(picked, output)
    print(f"generation {generation}: {len(picked)} of {len(frames)} frames chosen")


def label_slot(plan: PotentialPlan, selected: Path, slot: int, output: Path) -> None:
    """Label one of the chosen frames; a reference that does not converge is said in the record."""
    frames = read_frames([selected])
    if slot >= len(frames):
        write_text(output, json.dumps({"status": NOTHING}) + "\n")
        return
    name, store = plan.stage.reference, Store(plan.labels)
    work = plan.folder / "jobs" / f"{selected.parent.name}-label-{slot:04d}"
    level = sampled(plan.config.levels[name], frames[slot], plan.stage.kpoint_length_A)
    path, result = label(frames[slot], name, level, store, work)
    record: dict[str, Any] = {
        "status": "converged" if path is not None or result is None else result.status,
        "file": None if path is None else path.as_posix(),
        "reused": result is None,
        "core_s": 0.0 if result is None else result.core_s,
    }
    if path is None and result is not None:
        record["reason"] = result.attempts[-1].reason
    write_text(output, json.dumps(record, indent=1) + "\n")
    shutil.rmtree(work, ignore_errors=True)


def fit_generation(plan: PotentialPlan, fitted: tuple[int, int], records: Sequence[str], folder: Path) -> None:
    """Fit a potential to the labels of all generations so far, those held out apart; add its grade.

    A pretrained potential, or the one that ``fit.start`` names, is the start.

    Parameters
    ----------
    plan : PotentialPlan
        What is made.
    fitted : (int, int)
        Generation and seed.
    records : sequence of str
        Of all labels so far.
    folder : Path
        Of the fit.
    """
    generation, seed = fitted
    training, held = split(known_labels(plan, records, generation), plan)
    also: list[str] = []
    learned = training
    if plan.start is not None:
        also = sorted(calculator_of(plan.start).parameters_of_fit["elements_eV"])
    if plan.pretrained is not None:
        copies = plan.pretraining.reference_copies
        learned = mixed(training, read_frames([plan.pretrained / CHEAP]), copies) if copies else training
    fit(learned, plan.stage.fit, folder, seed, plan.start, also=also)
    Grade.fitted(training, held).write(folder)


def judge_generation(
    plan: PotentialPlan, generation: int, folders: Sequence[str], records: Sequence[str], output: Path
) -> None:
    """Judge a generation's fit on the trajectories held out, on its training, and the one before on its own run.

    The labels that a generation adds are of frames of the runs of the potential before, which had not seen them.

    Parameters
    ----------
    plan : PotentialPlan
        What is made.
    generation : int
        From 0 on.
    folders : sequence of str
        Of the generation's fits.
    records : sequence of str
        Of all labels so far.
    output : Path
        ``judged.json``.
    """
    training, held = split(known_labels(plan, records, generation), plan)
    potential = Path(folders[0])
    rows = errors_on(held, potential)
    content: dict[str, Any] = {
        "generation": generation,
        "n_training": len(training),
        "n_held_out": len(held),
        "held_out_trajectories": sorted({str(one.info["group"]) for one in held}),
        "held_out": rows,
        "training": errors_on(training, potential),
        "verdicts": {name: verdict(row, plan.stage) for name, row in rows.items()},
        "two_fits_differ_eV_A": spread(held, [Path(folder) for folder in folders]),
    }
    if generation:
        before = Path(plan.fits(generation - 1)[0])
        content["own_run_of_the_generation_before"] = errors_on(own_run_labels(plan, generation), before)
    write_text(output, json.dumps(content, indent=1, allow_nan=True) + "\n")


def run_own(plan: PotentialPlan, generation: int, name: str, potential: Path, output: Path) -> None:
    """Run dynamics with a generation's potential, and cut what the next one may label."""
    run = plan.stage.runs[name]
    one = as_exploration(run)
    start = exploring.start_of(one, generation + 1, Path(plan.config.structures))
    calculator, grade = calculator_of(potential), Grade.read(potential)
    ran = own_run(start, calculator, run, plan.config.seed + generation, grade)
    print(ran.stopped or f"{name}: {run.steps} steps")
    trajectory = exploring.Trajectory(f"generation-{generation}-{name}", run.temperature_K, plan.config.seed)
    write_frames(list(exploring.frames_of(one, trajectory, ran.frames, plan.stage.vacuum_A)), output)
