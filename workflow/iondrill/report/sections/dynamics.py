"""What the page shows of a run of molecular dynamics: what it was, what happened, its player and its curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iondrill.analyse.dynamics.rest import late_temperature
from iondrill.report.data import gathered
from iondrill.report.sections.chapters import events
from iondrill.report.sections.findings import of_run, signed
from iondrill.report.sections.pictures import run_pictures
from iondrill.report.sections.player import player_data
from iondrill.report.sections.still import decisive
from iondrill.report.sections.trust import badge

if TYPE_CHECKING:
    from iondrill.analyse.tables import Table
    from iondrill.errors import Problem
    from iondrill.report.data import Results, Run

MOST_FRAMES, MOST_FRAMES_OF_RUN = 2000, 300
"""Frames in the players, of all runs together and of one: they keep the page small."""
THERMOSTATS = {"csvr": "CSVR", "nose": "Nosé–Hoover"}
GROUPS = {"all": "all atoms", "flake": "all but the nanodiamond"}


def dynamics(results: Results, run: Run, problems: list[Problem]) -> dict[str, Any]:
    """Return what the template needs of a run; what cannot be read is added to the problems."""
    level, goes_on = results.title_of(run.level), run in results.running
    most = max(50, min(MOST_FRAMES_OF_RUN, MOST_FRAMES // (len(results.runs) + len(results.running))))
    player, happened = None, None
    with gathered(problems):
        happened = events(run.folder, run.verification)
    begun_fs = [float(row["time_fs"]) for row in happened.rows if row["time_fs"] is not None] if happened else []
    with gathered(problems):
        player = player_data(run, run.folder / "trajectory.traj", level, most, begun_fs)
    if player:
        player["start"] = int(np.abs(np.subtract(player["time_fs"], _decisive_fs(run, happened))).argmin())
        player["events"] = [
            {"time_fs": at, "what": row["what"]}
            for at, row in zip(begun_fs, happened.rows if happened else [], strict=False)
        ]
        player["file"] = f"md/{run.name}/trajectory.traj"
    return {
        "run": run,
        "text": describe(results, run),
        "says": [so_far(run)] if goes_on else [finding.text for finding in of_run(run, results)],
        "goes_on": goes_on,
        "level": level,
        "badge": badge(results, run.level, run),
        "pictures": [] if goes_on else run_pictures(results, run),
        "player": player,
        "legend": sorted({(look["meaning"], look["fill"]) for look in player["atoms"]}) if player else [],
        "happened": happened,
    }


def so_far(run: Run) -> str:
    """Say how far a run that goes on is."""
    last, settings = run.order.rows[-1], run.settings
    done = f"{float(last['time_fs']):g} of {settings.steps * settings.timestep_fs:g} fs"
    return f"Run {run.name} goes on: {len(run.order.rows)} frames, {done}. What they show is no result yet."


def _decisive_fs(run: Run, happened: Any) -> float:
    return float(run.order.rows[decisive(run, happened).row]["time_fs"])


def describe(results: Results, run: Run) -> str:
    """Say what a run was, and how well its energy was conserved."""
    settings, thermostat = run.settings, run.settings.thermostat
    seed = results.config.seed if settings.seed is None else settings.seed
    parts = [
        f"{settings.assembly}: {settings.steps} steps of {settings.timestep_fs:g} fs",
        f"thermalised first for {_length_fs(run.before):g} fs at {settings.temperature_K:g} K, with a "
        f"thermostat of {settings.thermalise.time_constant_fs:g} fs on all free atoms, seed {seed}"
        if run.before.rows
        else f"first velocities for {settings.temperature_K:g} K, seed {seed}",
        "constant energy"
        if thermostat.kind == "none"
        else f"{THERMOSTATS[thermostat.kind]} thermostat of {thermostat.time_constant_fs:g} fs on "
        f"{GROUPS[thermostat.group]}",
    ]
    if settings.launch_m_s:
        parts.append(f"nanodiamond launched at {settings.launch_m_s:g} m/s, an assumption")
    if settings.fix != "none":
        parts.append("the far edge of the flake fixed")
    temperature_K, conserved = (run.order.numbers(name) for name in ("temperature_K", "conserved_eV"))
    if (kept := late_temperature(temperature_K, settings.temperature_K)) is not None:
        parts.append(str(kept))
    if np.isfinite(conserved).all():
        change = f"{signed(1000 * (conserved[-1] - conserved[0]), 1)} meV"
        parts.append(f"the conserved quantity changed by {change} over {run.order.numbers('time_fs')[-1]:g} fs")
    return "; ".join(parts) + "."


def _length_fs(table: Table) -> float:
    """Return the time of the last frame."""
    return float(table.numbers("time_fs")[-1])
