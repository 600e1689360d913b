"""Dynamics with a fitted potential, and how far each of its frames is from what was labelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase import units
from ase.md.bussi import Bussi

from iondrill.config.base import Thermostat
from iondrill.engines.embedded.velocities import start_velocities
from iondrill.errors import UserError
from iondrill.jobs.job import Md

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

    from iondrill.config.potential import OwnRun
    from iondrill.engines.ase.grade import Grade

TOO_HOT = 10.0
"""Times the temperature of the thermostat: the run has come apart."""
TIME_CONSTANT_FS = 50.0


class Ran(NamedTuple):
    """What a run gave.

    Attributes
    ----------
    frames : list of Atoms
        With ``step`` and ``grade`` in their info.
    stopped : str
        Why it ended before its last step; empty if it did not.
    """

    frames: list[Atoms]
    stopped: str


def own_run(start: Atoms, calculator: Calculator, run: OwnRun, seed: int, grade: Grade | None = None) -> Ran:
    """Run dynamics with a potential, and take frames.

    Parameters
    ----------
    start : Atoms
        With the array fragment.
    calculator : Calculator
        Of the potential.
    run : OwnRun
        Temperature, steps, launch, number of frames.
    seed : int
        Of velocities and thermostat.
    grade : Grade, optional
        Measures how far frames are from the training; at the first frame twice beyond its limit the run is stopped:
        what follows says nothing, and that frame is the one to label.
    """
    atoms = start.copy()
    atoms.calc = calculator
    task = Md(
        steps=run.steps,
        timestep_fs=run.timestep_fs,
        temperature_K=run.temperature_K,
        thermostat=Thermostat(time_constant_fs=TIME_CONSTANT_FS),
        launch_m_s=run.launch_m_s,
        save_every=1,
        seed=seed,
    )
    atoms.set_velocities(start_velocities(task, atoms))
    dynamics = Bussi(
        atoms,
        timestep=run.timestep_fs * units.fs,
        temperature_K=run.temperature_K,
        taut=TIME_CONSTANT_FS * units.fs,
        rng=np.random.default_rng([seed, 3]),
    )
    frames: list[Atoms] = []
    stride = max(1, run.steps // run.frames)
    for step in range(stride, run.steps + 1, stride):
        try:
            dynamics.run(stride)
        except UserError:  # of a potential that blew up: no number is left
            return Ran(frames, f"came apart before step {step}")
        frame = atoms.copy()
        frame.arrays.pop("momenta", None)
        frame.info = {"step": step}
        if not np.isfinite(atoms.positions).all() or atoms.get_temperature() > TOO_HOT * run.temperature_K:
            return Ran(frames, f"came apart before step {step}")
        if grade is not None:
            frame.info["grade"] = round(grade.of(frame), 3)
        frames.append(frame)
        if grade is not None and frame.info["grade"] > 2.0:
            return Ran(frames, f"left the trained region at step {step}: grade {frame.info['grade']}")
    return Ran(frames, "")
