"""A fit to many cheap labels, from which the fits to the reference start."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from iondrill.errors import UserError
from iondrill.potential.fit import fit
from iondrill.potential.labels import Store, label, read_described, read_label
from iondrill.potential.rattle import rattled
from iondrill.potential.stages import elements_of, known_labels, left_out, read_frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms

    from iondrill.config.potential import Pretraining
    from iondrill.potential.plan import PotentialPlan


def pretrain(plan: PotentialPlan, files: Sequence[str], folder: Path) -> None:
    """Fit a potential to cheap labels of isolated frames, each displaced several times at random.

    Frames are those of the explorations, of the labels that are there already, and of the files that the section names.
    The trajectories that are held out later are left out here too, so that no fit has seen what is judged. Periodic
    frames are left out: the cheap level may know no k-points. A frame that the cheap level refuses or does not converge
    is passed over.

    Parameters
    ----------
    plan : PotentialPlan
        With the section ``pretrain``.
    files : sequence of str
        Frames of the explorations.
    folder : Path
        Of the potential, with its labels.

    Raises
    ------
    UserError
        If there is no section, or no label.
    """
    settings = plan.stage.pretrain
    if settings is None:
        raise UserError.of("potential.pretrain", "there is no such section")
    known = known_labels(plan, [], plan.last + 1)
    more = [frame for path in map(Path, plan.more_frames) for frame in read_described(path)]
    frames = read_frames(files) + more + known
    out = left_out(known, plan)
    name = settings.level or plan.stage.level
    store, work = Store(folder / "labels"), folder / "job"
    labels = []
    for number, frame in enumerate(frames):
        if frame.pbc.any() or len(frame) == 1 or frame.info["group"] in out:
            continue
        for copy in _displaced(frame, settings, plan.config.seed + number):
            try:
                path, _ = label(copy, name, plan.config.levels[name], store, work)
            except UserError as error:
                print(f"passed over: {copy.info['group']} step {copy.info['step']}: {error}")
                continue
            finally:
                shutil.rmtree(work, ignore_errors=True)
            if path is not None:
                labels.append(read_label(path))
    own = settings.model_dump(include={"epochs", "learning_rate", "batch"})
    cheap = plan.stage.fit.model_copy(update=own)
    fit(labels, cheap, folder, plan.stage.fit.seeds[0], also=elements_of(frames))
    print(f"pretrained on {len(labels)} labels at {name}")


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
