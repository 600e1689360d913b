"""Which frames of a trajectory count, where its steps or times go back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iondrill.errors import UserError

if TYPE_CHECKING:
    from iondrill.collect.remarks import Remarks

Floats = NDArray[np.float64]


def kept(
    n_frames: int, steps: NDArray[np.int64] | None, times: Floats | None, path: object, remarks: Remarks
) -> NDArray[np.bool_]:
    """Say which frames count: where a run was taken up again from an earlier step, the later frames.

    Where the steps go back, the frames from that step on that were written before belong to a branch that the run
    gave up: they are left out. Without steps, the time decides.

    Parameters
    ----------
    n_frames : int
        How many there are.
    steps, times : (n_frames,) arrays or None
        As far as the frames say them; NaN for a time that is no number.
    path : object
        The file, for messages.
    remarks : Remarks
        Says which frames were left out.

    Returns
    -------
    (n_frames,) bool array

    Raises
    ------
    UserError
        If the steps start again, so that it cannot be said whether the run was resumed or thrown away, or if time and
        step disagree on the order of frames. Names the frame.
    """
    said = np.zeros(n_frames, dtype=bool) if times is None else np.isfinite(times)
    keys: NDArray[Any] | None = steps if steps is not None else times if said.all() else None
    if keys is None:
        return np.ones(n_frames, dtype=bool)
    word = "step" if steps is not None else "time"
    keep = _before_all_that_follow(keys)
    for frame in (np.flatnonzero(np.diff(keys) <= 0) + 1).tolist():
        if len(set(keys[:frame].tolist())) > 1 and keys[frame] <= keys[:frame].min():
            found = f"{word} {keys[frame]:g} after {word} {keys[frame - 1]:g}: the count starts again"
            raise UserError.of(f"{path}, frame {frame + 1}", found, "needed: one run in a file")
    if times is not None:
        at = _where_apart(keys, times, keep)
        if at is not None:
            found = f"{word} and time do not advance together: {word} {keys[at]:g}, time {times[at]:g} fs"
            raise UserError.of(f"{path}, frame {at + 1}", found, "needed: a time that grows with the step")
    for frame in np.flatnonzero(~keep).tolist():
        remarks.add(
            f"its {word}s go back, as where a run is taken up again: what was written before is left out", frame=frame
        )
    return keep


def _where_apart(keys: NDArray[Any], times: Floats, keep: NDArray[np.bool_]) -> int | None:
    """Return the first frame where the times that are said do not go back or on as the steps do."""
    said = np.isfinite(times)
    same = not said.all() or bool((_before_all_that_follow(times) == keep).all())
    if same and (np.diff(times[keep & said]) > 0).all():
        return None
    elsewhere = (np.diff(times[said]) > 0) != (np.diff(keys[said]) > 0)
    frames = np.flatnonzero(said)
    return int(frames[1:][elsewhere][0]) if elsewhere.any() else int(frames[-1])


def _before_all_that_follow(keys: NDArray[Any]) -> NDArray[np.bool_]:
    """Say which values are smaller than every later one."""
    least_after = np.minimum.accumulate(keys[::-1])[::-1]
    return np.append(keys[:-1] < least_after[1:], np.ones(min(len(keys), 1), dtype=bool))
