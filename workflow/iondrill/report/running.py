"""Runs that go on: their frames so far, analysed as those of a finished run, and called what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.analyse.dynamics.charges import CHARGES
from iondrill.analyse.dynamics.of_run import Asked, RunFiles, analyse_run
from iondrill.analyse.dynamics.order import ORDER
from iondrill.engines.folder import STRUCTURE, THERMALISED
from iondrill.engines.length import FRAMES
from iondrill.errors import UserError
from iondrill.geometry.checks import read_structure
from iondrill.jobs.frames import Frames
from iondrill.report.data import Run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from iondrill.prepare.plan import Plan


def running_runs(plan: Plan, scratch: Path) -> Iterator[Run]:
    """Yield the runs that have frames and no result yet.

    Parameters
    ----------
    plan : Plan
        Of the configuration.
    scratch : Path
        A folder that their tables and trajectories are written into; nothing is written into the results.
    """
    for name in plan.config.md.run:
        folder = plan.folder(plan.md.of_run(name))
        logs = sorted((folder / "state").glob(f"*/{FRAMES}"), key=lambda path: path.stat().st_mtime)
        if not logs or (folder / "result.json").exists():
            continue
        try:
            run = _so_far(plan, name, logs[-1], scratch / name)
        except UserError:  # a log that cannot be read now may be in a moment
            continue
        yield run


def _so_far(plan: Plan, name: str, log: Path, scratch: Path) -> Run:
    job, settings = plan.md.of_run(name), plan.config.md.runs[name]
    folder, level = plan.folder(job), plan.config.levels[job.level]
    scratch.mkdir(parents=True, exist_ok=True)
    first = folder / THERMALISED / FRAMES
    files = RunFiles(
        scratch / "trajectory.traj",
        scratch / "order_parameters.csv",
        scratch / "thermalisation.csv",
        scratch / "events.json",
        scratch / "charges.csv",
    )
    frames = Frames(log, stride=settings.save_every)
    charge_e = plan.md.charge_of(name) if "charges_e" in frames.fields else 0.0
    analyse_run(
        frames,
        Frames(first, stride=settings.save_every) if first.exists() else None,
        read_structure(folder / STRUCTURE),
        Asked(settings.temperature_K, plan.config.md.events, level.charge_scheme or "", charge_e),
        files,
    )
    order, before = ORDER.read(files.order_parameters), ORDER.read(files.thermalisation)
    return Run(name, settings, job.level, order, before, CHARGES.read(files.charges), None, [], folder=scratch)
