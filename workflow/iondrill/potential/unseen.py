"""Labels that a potential is held against: made at the level they are said to be of, and not learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.engines.ase.grade import LEARNED
from iondrill.errors import UserError
from iondrill.potential.labels import agrees

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.config.levels import Level
    from iondrill.engines.ase.grade import Grade


def unseen(
    label: Atoms, path: Path, reference: Level | None, grade: Grade | None, but: frozenset[str] = frozenset()
) -> float | None:
    """Check that a label can say how wrong a potential is, and return its grade; None without one.

    Parameters
    ----------
    label : Atoms
        From `iondrill.potential.labels.read_labels`.
    path : Path
        Of its file.
    reference : Level, optional
        What it should have been made at; of a label that names no settings, or without a level, nothing is known.
    grade : Grade, optional
        Of the potential; without one it is not known what it has learned from.
    but : frozenset of str
        Settings of the level that do not count.

    Raises
    ------
    UserError
        If it was made at another level, or the potential has learned from it.
    """
    which = f"the frame of step {label.info['step']} of {label.info['group']}"
    if reference is not None and "settings" in label.info and not agrees(label, reference, but):
        raise UserError.of(path, f"{which} was labelled at other settings than '{reference.title}' has now")
    far = None if grade is None else grade.of(label)
    if far is not None and far < LEARNED:
        raise UserError.of(path, f"{which} is one that the potential has learned from", "allowed: others")
    return far
