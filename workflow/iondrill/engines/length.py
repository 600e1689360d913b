"""How long a run of dynamics is: its result is its frame at the last step asked for, also if there are more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ase.units import fs

from iondrill.jobs.frames import Frames, last_step

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from ase import Atoms

    from iondrill.jobs.job import Md

FRAMES = "frames.bin"
"""The log of frames, in the state of a run, and where it is published."""


def longer_than(task: Md, state: Path) -> str:
    """Say that the state of a run has more steps than are asked for; nothing if it has not."""
    last = last_step(state / FRAMES)
    return f"{last} steps are there and kept, of which {task.steps} are asked for" if (last or 0) > task.steps else ""


def move_to_end(atoms: Atoms, task: Md, state: Path) -> np.void:
    """Move the atoms to the last frame that is asked for, with its velocities; return the frame.

    Raises
    ------
    UserError
        If the log of frames is damaged.
    """
    frame = Frames(state / FRAMES, task.save_every)[task.steps // task.save_every]
    atoms.set_positions(frame["positions_A"], apply_constraint=False)
    atoms.set_velocities(frame["velocities_A_fs"] / fs)
    return frame


def publish_frames(state: Path, task: Md, target: Path) -> None:
    """Put the frames of a run, up to the last step that is asked for, where others read them.

    Parameters
    ----------
    state : Path
        Of the run. It keeps what is beyond.
    task : Md
        Length, and steps from frame to frame.
    target : Path
        Replaced, whole or not at all; no copy, unless there are more frames than were asked for.
    """
    if longer_than(task, state):
        Frames(state / FRAMES, task.save_every).copy(target, n_frames=task.steps // task.save_every + 1)
        return
    target.unlink(missing_ok=True)
    target.hardlink_to(state / FRAMES)
