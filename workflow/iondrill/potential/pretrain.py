"""A fit to many cheap labels, from which the fits to the reference start, and rounds of its own runs."""

from __future__ import annotations

import hashlib
import json
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iondrill.config.project import required
from iondrill.engines.ase.learned import MODEL, PARAMETERS, calculator_of
from iondrill.errors import UserError
from iondrill.files import replacing, write_text
from iondrill.potential import explore as exploring
from iondrill.potential.fit import fit
from iondrill.potential.judge import errors_on
from iondrill.potential.labels import Store, label, read_described, read_label
from iondrill.potential.own_run import own_run
from iondrill.potential.plan import CHEAP, as_exploration
from iondrill.potential.rattle import rattled
from iondrill.potential.sets import (
    elements_of,
    known_labels,
    left_out,
    mixed,
    read_frames,
    split,
    write_labels,
)
from iondrill.potential.teach_sevennet import CHECKPOINT, ELEMENTS, NETWORK
from iondrill.potential.teacher import errors_of, taught, teach

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ase import Atoms

    from iondrill.config.potential import Pretraining
    from iondrill.potential.plan import PotentialPlan

ROUND_SEED = 1000
"""Between the seeds of two rounds: starts and velocities of each are new."""


def teach_network(plan: PotentialPlan, folder: Path, threads: int = 1) -> None:
    """Fine-tune the teacher to the labels that are there already, those held out apart, and judge it on these.

    Parameters
    ----------
    plan : PotentialPlan
        With ``pretrain.teacher``.
    folder : Path
        Of the teacher; ``judged.json`` is written there.
    threads : int
        That the training uses.
    """
    teacher = required(plan.pretraining.teacher, "potential.pretrain.teacher", "network")
    training, held = split(known_labels(plan, [], 0), plan)
    teach(training, teacher, plan.stage.fit, folder, plan.stage.fit.seeds[0], threads=threads)
    content = {
        "n_training": len(training),
        "n_held_out": len(held),
        "held_out": errors_of(held, folder, plan.stage.fit) if held else {},
    }
    write_text(folder / "judged.json", json.dumps(content, indent=1, allow_nan=True) + "\n")
    (folder / CHECKPOINT).unlink(missing_ok=True)


def pretrain(plan: PotentialPlan, files: Sequence[str], folder: Path) -> None:
    """Fit a potential to cheap labels, then to such labels of frames of its own runs too, as often as is asked for.

    Frames are those of the explorations, of the labels that are there already, and of the files that the section names,
    each displaced several times at random. The trajectories that are held out later are left out here too, so that no
    fit has seen what is judged. A killed pretraining resumes in its round.

    Parameters
    ----------
    plan : PotentialPlan
        With the section ``pretrain``.
    files : sequence of str
        Frames of the explorations.
    folder : Path
        Of the potential; also written: all cheap labels, and each round's error on runs of the potential before it.

    Raises
    ------
    UserError
        If there is no section, or no label.
    """
    settings = plan.pretraining
    # own runs of later generations are judged by potentials that must not have seen them
    known = known_labels(plan, [], 0)
    more = [frame for path in map(Path, plan.more_frames) for frame in read_described(path)]
    every = [*read_frames(files), *more, *known]
    frames, elements = frames_to_label(plan, every, known), elements_of(every)
    training = split(known, plan)[0]
    rounds = folder / "rounds" / _key(plan, frames, training)
    labels = _kept(rounds / f"0-{CHEAP}", lambda: _labelled(plan, frames, folder))
    fitted = _fitted(plan, mixed(training, labels, settings.reference_copies), rounds / "0", None, elements)
    errors: list[dict[str, Any]] = []
    for number in range(1, settings.rounds + 1):
        ran = partial(_own, plan, fitted, number)
        new = _kept(rounds / f"{number}-{CHEAP}", lambda ran=ran: _labelled(plan, ran(), folder))  # type: ignore[misc]
        errors.append(errors_on(new, fitted, graded=False))
        labels = [*labels, *new]
        learned = mixed(training, labels, settings.reference_copies)
        fitted = _fitted(plan, learned, rounds / str(number), fitted, elements)
    for name in (MODEL, PARAMETERS):
        with replacing(folder / name) as temporary:
            shutil.copyfile(fitted / name, temporary)
    write_labels(labels, folder / CHEAP)
    write_text(folder / "rounds.json", json.dumps(errors, indent=1, allow_nan=True) + "\n")
    print(f"pretrained on {len(labels)} cheap labels")


def _key(plan: PotentialPlan, frames: Sequence[Atoms], training: Sequence[Atoms]) -> str:
    """Return what tells this pretraining from one of other settings, frames or labels: their rounds are not resumed."""
    digest = hashlib.sha256(plan.stage.model_dump_json().encode())
    starts = [
        exploring.start_of(as_exploration(run), plan.config.seed, Path(plan.config.structures))
        for run in plan.stage.runs.values()
    ]
    for frame in [*frames, *training, *starts]:
        digest.update(frame.numbers.tobytes() + frame.positions.tobytes() + frame.cell.array.tobytes())
    for one in training:
        digest.update(one.get_forces(apply_constraint=False).tobytes() + str(one.get_potential_energy()).encode())
    if plan.teacher is None:
        digest.update(plan.config.levels[plan.pretraining.level or plan.stage.level].model_dump_json().encode())
    else:
        for name in (NETWORK, ELEMENTS):
            digest.update((plan.teacher / name).read_bytes())
    return digest.hexdigest()[:12]


def _kept(path: Path, make: Callable[[], list[Atoms]]) -> list[Atoms]:
    """Return the labels of a file, made if it is not there."""
    if not path.is_file():
        write_labels(make(), path)
    return read_frames([path])


def _fitted(
    plan: PotentialPlan, labels: Sequence[Atoms], folder: Path, start: Path | None, elements: Sequence[str]
) -> Path:
    """Fit to cheap labels, unless that is done."""
    if not (folder / PARAMETERS).is_file():
        settings = plan.pretraining
        own = settings.model_dump(include={"epochs", "learning_rate", "batch", "energy_weight"}, exclude_none=True)
        cheap = plan.stage.fit.model_copy(update=own)
        fit(labels, cheap, folder, plan.stage.fit.seeds[0], start, also=elements)
    return folder


def _own(plan: PotentialPlan, potential: Path, number: int) -> list[Atoms]:
    """Make the own runs with a pretrained potential, and return what is cut out of their frames."""
    found: list[Atoms] = []
    seed = plan.config.seed + ROUND_SEED * number
    for name, run in plan.stage.runs.items():
        one = as_exploration(run)
        start = exploring.start_of(one, seed, Path(plan.config.structures))
        ran = own_run(start, calculator_of(potential), run, seed)
        print(f"round {number}, {name}: {ran.stopped or f'{run.steps} steps'}")
        trajectory = exploring.Trajectory(f"round-{number}-{name}", run.temperature_K, seed)
        found += exploring.frames_of(one, trajectory, ran.frames, plan.stage.vacuum_A)
    return found


def frames_to_label(plan: PotentialPlan, every: Sequence[Atoms], known: Sequence[Atoms]) -> list[Atoms]:
    """Return the frames that are labelled cheaply, without those that are held out.

    Frames that an exploration has displaced at random are taken as they are: further displacements would drown what
    their small forces say. All others are displaced.
    Periodic frames are left out where a level labels them: it may know no k-points.

    Parameters
    ----------
    plan : PotentialPlan
        Names the explorations, and how far others are displaced.
    every : sequence of Atoms
        All frames, with ``group`` and ``step`` in their info.
    known : sequence of Atoms
        The labels among them that are there already; some of their trajectories are held out.
    """
    settings = plan.pretraining
    out = left_out(known, plan)
    soft = {name for name in plan.trajectories() if plan.exploration(name).rattle_A is not None}
    found: list[Atoms] = []
    for number, frame in enumerate(every):
        if len(frame) == 1 or str(frame.info["group"]) in out or (settings.teacher is None and frame.pbc.any()):
            continue
        if str(frame.info["group"]) in soft:
            found.append(frame)
        else:
            found += _displaced(frame, settings, plan.config.seed + number)
    return found


def _labelled(plan: PotentialPlan, frames: Sequence[Atoms], folder: Path) -> list[Atoms]:
    """Label frames by the teacher, or at the cheap level; what this refuses or does not converge is passed over."""
    settings = plan.pretraining
    if plan.teacher is not None:
        return taught(frames, plan.teacher, plan.stage.fit)
    name = settings.level or plan.stage.level
    store, work = Store(folder / "labels"), folder / "job"
    labels = []
    for frame in frames:
        try:
            path, _ = label(frame, name, plan.config.levels[name], store, work)
        except UserError as error:
            print(f"passed over: {frame.info['group']} step {frame.info['step']}: {error}")
            continue
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if path is not None:
            labels.append(read_label(path))
    return labels


def _displaced(frame: Atoms, settings: Pretraining, seed: int) -> list[Atoms]:
    """Return displaced copies of a frame, without what it was labelled with; none if its atoms always overlap."""
    bare = frame.copy()
    try:
        copies = rattled(bare, settings.rattle_A, 0.0, settings.copies, seed)
    except UserError as error:
        print(f"passed over: {frame.info['group']} step {frame.info['step']}: {error}")
        return []
    for copy in copies:
        copy.info = {key: frame.info[key] for key in ("kind", "group", "step")}
    return copies
