"""What is learned from, and what is held out: the files of frames and labels, and how they are put together."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ase.io import read, write

from iondrill.errors import UserError
from iondrill.files import replacing
from iondrill.potential.judge import held_out
from iondrill.potential.labels import agrees, read_label, read_labels, sampled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ase import Atoms

    from iondrill.potential.plan import PotentialPlan

OWN_RUN = re.compile(r"generation-(\d+)-")
"""What the groups of own runs begin with."""


def read_frames(paths: Iterable[str | Path]) -> list[Atoms]:
    """Read all frames of some files; an empty file holds none."""
    return [
        frame for path in map(Path, paths) if path.stat().st_size for frame in read(path, index=":", format="extxyz")
    ]


def write_frames(frames: Sequence[Atoms], path: Path) -> None:
    """Write frames, whole or not at all."""
    with replacing(path) as temporary:
        if frames:
            write(temporary, list(frames), format="extxyz", write_results=False)


def write_labels(labels: Sequence[Atoms], path: Path) -> None:
    """Write frames with their energies and forces, whole or not at all."""
    with replacing(path) as temporary:
        write(temporary, list(labels), format="extxyz")


def elements_of(frames: Iterable[Atoms]) -> list[str]:
    """Return the elements of some frames, in alphabetical order."""
    return sorted({symbol for frame in frames for symbol in frame.get_chemical_symbols()})


def records_of(paths: Iterable[str | Path]) -> list[dict[str, Any]]:
    """Read the records of labels."""
    return [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]


def labels_of(paths: Iterable[str | Path]) -> list[Atoms]:
    """Return the labels that records name, each once."""
    files = [record["file"] for record in records_of(paths) if record.get("file")]
    return [read_label(Path(file)) for file in dict.fromkeys(files)]


def known_labels(plan: PotentialPlan, records: Iterable[str | Path], generation: int) -> list[Atoms]:
    """Return the labels that a generation learns from: those of this run, and those of the files in ``learn_from``.

    Of several generations, labels of own runs in those files are known to later ones than their own alone, or the
    judgement on the own run would be one of the training.

    Parameters
    ----------
    plan : PotentialPlan
        Names the files.
    records : iterable of path
        Of the labels of this run.
    generation : int
        That learns from them.

    Raises
    ------
    UserError
        If a file is damaged, or a label says that it was made with other settings.
    """
    known = labels_of(records)
    there = {str(one.info["digest"]) for one in known}
    for path in map(Path, plan.known):
        for number, one in enumerate(read_labels(path)):
            level = sampled(plan.config.levels[plan.stage.reference], one, plan.stage.kpoint_length_A)
            if "settings" in one.info and not agrees(one, level):
                reference = f"potential.reference ({plan.stage.reference})"
                raise UserError.of(path, f"frame {number} was labelled at another level than {reference}")
            came = OWN_RUN.match(str(one.info["group"])) if plan.last else None
            if one.info.get("digest") not in there and (came is None or int(came[1]) < generation):
                known.append(one)
    return known


def own_run_labels(plan: PotentialPlan, generation: int) -> list[Atoms]:
    """Return the labels of own runs of the generation before: what this one adds, and those in ``learn_from``."""
    before = f"generation-{generation - 1}-"
    there = [label for path in map(Path, plan.known) for label in read_labels(path)]
    return [*labels_of(plan.added(generation)), *(one for one in there if str(one.info["group"]).startswith(before))]


def left_out(labels: Iterable[Atoms], plan: PotentialPlan) -> set[str]:
    """Return the trajectories that no fit sees.

    Of the explorations the configuration alone decides which, whatever has been labelled of them; of labels that were
    there already the labels. Own runs are not held out: each is judged by a fit that has not seen it, the one before.
    """
    explored = plan.groups()
    kinds = {str(one.info["group"]): str(one.info["kind"]) for one in labels}
    later = {group: kind for group, kind in kinds.items() if group not in explored and not OWN_RUN.match(group)}
    share = plan.stage.judge.hold_out
    return held_out(explored, share) | held_out(later, share)


def split(labels: Sequence[Atoms], plan: PotentialPlan) -> tuple[list[Atoms], list[Atoms]]:
    """Return the labels that fits see, and those of the trajectories that are held out; see `left_out`."""
    out = left_out(labels, plan)
    return (
        [one for one in labels if str(one.info["group"]) not in out],
        [one for one in labels if str(one.info["group"]) in out],
    )


def mixed(reference: Sequence[Atoms], cheap: Sequence[Atoms], copies: int) -> list[Atoms]:
    """Return cheap labels with several copies of each of the reference's among them."""
    return [*cheap, *(one for one in reference for _ in range(copies))]
