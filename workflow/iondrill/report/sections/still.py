"""The decisive moment of a run, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.report.data import told_order
from iondrill.report.figures.drawing import Scene, by_element, draw_scene
from iondrill.report.figures.svg import data_uri, themed
from iondrill.report.sections.player import read_frames

if TYPE_CHECKING:
    from iondrill.report.data import Results, Run
    from iondrill.report.sections.chapters import Happened


class Still(NamedTuple):
    """A frame of a run as a picture; `src` is a data URI."""

    run: str
    time_fs: float
    src: str
    alt: str
    words: str
    """What is decisive in it."""


class Moment(NamedTuple):
    """A row of the order parameters, and what is decisive in it."""

    row: int
    words: str


def decisive(run: Run, happened: Happened | None) -> Moment:
    """Return the decisive moment of a run: where its first event begins, or else where the tip is furthest in.

    Of a run without a nanodiamond it is where the gap at the edge is widest, and of one without layers the end.
    """
    times_fs = run.order.numbers("time_fs")
    events = [event for event in happened.rows if event["time_fs"] is not None] if happened else []
    if events:
        first = min(events, key=lambda event: float(event["time_fs"]))
        return Moment(int(np.abs(times_fs - float(first["time_fs"])).argmin()), str(first["what"]))
    order = told_order(run)
    depth_A, gap_A = order.numbers("penetration_A"), order.numbers("gap_edge_A")
    if np.isfinite(depth_A).any():
        return Moment(
            int(np.nanargmax(depth_A)), f"the tip is furthest in, {_beside(float(np.nanmax(depth_A)))} the edge"
        )
    if np.isfinite(gap_A).any():
        return Moment(int(np.nanargmax(gap_A)), f"the gap at the edge is widest, {np.nanmax(gap_A):.2f} Å")
    return Moment(len(times_fs) - 1, "the last frame")


def still(results: Results, run: Run, happened: Happened | None) -> Still | None:
    """Return the decisive moment of a run as a picture from the side; None without a trajectory.

    Raises
    ------
    UserError
        If the trajectory is damaged, or not the one of the order parameters.
    """
    trajectory = run.folder / "trajectory.traj"
    if not trajectory.exists():
        return None
    row, words = decisive(run, happened)
    first, frames = read_frames(trajectory, [row], [int(run.order.rows[row]["step"])])
    first.positions = frames[0].positions
    time_fs = float(run.order.rows[row]["time_fs"])
    return Still(
        run=run.name,
        time_fs=time_fs,
        src=data_uri(themed(draw_scene(Scene(first, "side", by_element(first)))), "image/svg+xml"),
        alt=f"Run {run.name} from the side at {time_fs:g} fs, {results.title_of(run.level)}: {words}",
        words=words,
    )


def _beside(depth_A: float) -> str:
    return f"{abs(depth_A):.2f} Å {'before' if depth_A < 0 else 'past'}"
