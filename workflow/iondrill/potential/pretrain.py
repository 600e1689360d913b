"""A fit to many cheap labels, from which the fits to the reference start."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from iondrill.errors import UserError
from iondrill.potential.fit import fit
from iondrill.potential.judge import held_out
from iondrill.potential.labels import Store, label, read_label
from iondrill.potential.rattle import rattled
from iondrill.potential.stages import elements_of, read_frames

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from iondrill.potential.plan import PotentialPlan


def pretrain(plan: PotentialPlan, files: Sequence[str], folder: Path) -> None:
    """Fit a potential to cheap labels of the explorations' isolated frames, each displaced several times at random.

    The trajectories that are held out later are left out here too, so that no fit has seen what is judged. Periodic
    frames are left out: the cheap level may know no k-points.

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
    settings, frames = plan.stage.pretrain, read_frames(files)
    if settings is None:
        raise UserError.of("potential.pretrain", "there is no such section")
    out = held_out(plan.groups(), plan.stage.judge.hold_out)
    name = settings.level or plan.stage.level
    store, work = Store(folder / "labels"), folder / "job"
    labels = []
    for number, frame in enumerate(frames):
        if frame.pbc.any() or frame.info["group"] in out:
            continue
        for copy in rattled(frame, settings.rattle_A, 0.0, settings.copies, plan.config.seed + number):
            copy.info = dict(frame.info)
            path, _ = label(copy, name, plan.config.levels[name], store, work)
            shutil.rmtree(work, ignore_errors=True)
            if path is not None:
                labels.append(read_label(path))
    cheap = plan.stage.fit.model_copy(update={"epochs": settings.epochs})
    fit(labels, cheap, folder, plan.stage.fit.seeds[0], also=elements_of(frames))
    print(f"pretrained on {len(labels)} labels at {name}")
