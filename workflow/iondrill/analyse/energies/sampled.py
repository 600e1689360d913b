"""From the frames of restrained dynamics to profiles: ``free_energy.csv``, ``free_energy.json``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iondrill.analyse.dynamics.cases import factors
from iondrill.analyse.dynamics.order import geometry
from iondrill.analyse.energies.free_energy import FREE_ENERGY, Curve, Point, curve
from iondrill.analyse.energies.mbar import Chain
from iondrill.engines.base import read_result
from iondrill.engines.length import FRAMES
from iondrill.files import write_text
from iondrill.geometry.checks import read_structure
from iondrill.geometry.coordinates import COORDINATES
from iondrill.geometry.selection import select
from iondrill.jobs.frames import Frames
from iondrill.prepare.stages.free_energy import Sampled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ase import Atoms

    from iondrill.jobs.name import JobId
    from iondrill.prepare.plan import Plan


class Profile(NamedTuple):
    """A profile: its name, its curve if all windows converged, and why there is none."""

    name: str
    curve: Curve | None
    status: str


def nearest_frame(record: Path, start: Atoms, coordinate: str, at_A: float) -> Atoms:
    """Return the frame of a steering whose order parameter is nearest to a value.

    Parameters
    ----------
    record : Path
        Of the steering, which has converged; its frames lie beside it.
    start : Atoms
        The structure that it began with: labels, fixed atoms, cell.
    coordinate : str
        Of `iondrill.geometry.coordinates`.
    at_A : float
        The value.
    """
    selection, frames = select(start, start.positions), Frames(record.with_name(FRAMES))
    values = [COORDINATES[coordinate](np.asarray(frames[k]["positions_A"]), selection)[0] for k in range(len(frames))]
    atoms = start.copy()
    atoms.set_positions(frames[int(np.argmin(np.abs(np.array(values) - at_A)))]["positions_A"], apply_constraint=False)
    return atoms


def chain_of(record: Path, start: Atoms, job: JobId, plan: Plan) -> Chain:
    """Return what a window shows, without its beginning."""
    sampled, selection = Sampled.of(job), select(start, start.positions)
    settings, task = plan.free_energy.profiles[sampled.profile], plan.free_energy.task(job)
    biased, shown = list[float](), list[float]()
    for chunk in Frames(record.with_name(FRAMES), settings.save_every).chunks():
        counted = chunk[chunk["time_fs"] > settings.settle_fs]
        positions = np.asarray(counted["positions_A"])
        shown += geometry(positions, selection).columns[settings.coordinate].tolist() if len(positions) else []
        biased += [COORDINATES[settings.coordinate](frame, selection)[0] for frame in positions]
    restraint = task.restraint
    return Chain(restraint.at_A, restraint.stiffness_eV_A2, sampled.way, np.array(biased), np.array(shown))


def profile_of(plan: Plan, name: str) -> Profile:
    """Return a profile; without a curve where a window did not converge."""
    settings, windows = plan.free_energy.profiles[name], plan.free_energy.windows(name)
    records = {job: plan.folder(job) / "result.json" for job in windows}
    failed = [job.stem for job, record in records.items() if read_result(record).status != "converged"]
    if failed:
        return Profile(name, None, f"{len(failed)} of {len(windows)} windows did not converge, the first {failed[0]}")
    run = settings.run
    start = read_structure(plan.results / f"structures/{plan.md.start_structure(run)}.extxyz")
    chains = [chain_of(record, start, job, plan) for job, record in records.items()]
    found = curve(chains, plan.config.md.runs[run].temperature_K, edges_A(settings.centres_A))
    return Profile(name, found, found.flaw or "converged")


def edges_A(centres_A: Sequence[float]) -> Any:
    """Return bins half as wide as windows are apart, from the first centre to the last."""
    ends = min(centres_A[0], centres_A[-1]), max(centres_A[0], centres_A[-1])
    return np.linspace(*ends, 2 * (len(centres_A) - 1) + 1)


def write_profiles(plan: Plan, profiles: Sequence[Profile], table: Path, data: Path) -> None:
    """Write ``free_energy.csv``, a row for each bin, and ``free_energy.json``, what each profile says."""
    FREE_ENERGY.write((point for profile in profiles for point in _points(plan, profile)), table)
    content = {"profiles": [_summary(plan, profile) for profile in profiles]}
    write_text(data, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _points(plan: Plan, profile: Profile) -> Iterator[Point]:
    if profile.curve is None:
        return
    settings, found = plan.free_energy.profiles[profile.name], profile.curve
    for k, at_A in enumerate(found.coordinate_A.tolist()):
        yield Point(
            profile=profile.name,
            run=settings.run,
            coordinate=settings.coordinate,
            coordinate_A=at_A,
            free_energy_eV=_number(found.free_energy_eV[k]),
            error_eV=_number(found.error_eV[k]),
            first_half_eV=_number(found.first_half_eV[k]),
            second_half_eV=_number(found.second_half_eV[k]),
            in_eV=_number(found.in_eV[k]),
            out_eV=_number(found.out_eV[k]),
            samples=int(found.samples[k]),
            level=plan.free_energy.level_of(profile.name),
        )


def _summary(plan: Plan, profile: Profile) -> dict[str, Any]:
    settings, found = plan.free_energy.profiles[profile.name], profile.curve
    said = {
        "profile": profile.name,
        "run": settings.run,
        "coordinate": settings.coordinate,
        "level": plan.free_energy.level_of(profile.name),
        "factors": factors(plan, settings.run),
        "temperature_K": plan.config.md.runs[settings.run].temperature_K,
        "n_seeds": len(set(settings.seeds)),
        "status": profile.status,
        "flaw": "" if profile.status == "converged" else profile.status,
    }
    if found is None:
        return said
    numbers = ("highest_eV", "highest_error_eV", "highest_at_A", "end_eV", "end_error_eV", "halves_eV", "ways_eV")
    return said | {name: _number(getattr(found, name)) for name in (*numbers, "overlap")}


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
