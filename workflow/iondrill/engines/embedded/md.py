"""Molecular dynamics that can be killed at any moment and resumes, digit for digit, from the last saved frame."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np
from ase import units

from iondrill.engines.embedded import thermostat as dynamics
from iondrill.engines.embedded.restart_points import whole_points
from iondrill.engines.embedded.restraint import Spring
from iondrill.engines.embedded.velocities import bodies, nanodiamond, start_velocities, temperature_K, without_drift
from iondrill.engines.length import FRAMES, longer_than
from iondrill.files import replacing
from iondrill.geometry.constraints import moving_atoms
from iondrill.jobs.arrays import read_arrays
from iondrill.jobs.frames import FrameLog
from iondrill.jobs.job import Umbrella

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.engines.embedded.calculator import EmbeddedCalculator
    from iondrill.jobs.job import Md
    from iondrill.jobs.journal import Journal

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

LOOK_EVERY = 50
"""Steps, at least, from one look at whether the calculator knows anything of the atoms to the next."""


@dataclass
class Point:
    """A point of the trajectory, with all that the next step needs (ASE units).

    Attributes
    ----------
    step : int
        Steps done.
    energy : float
        Potential energy, eV.
    heat : float
        Energy that the thermostat has put in so far, eV.
    positions, velocities, forces : array (n, 3)
        Å, ASE velocity unit, eV/Å.
    charges : array (n,) or None
        e; None where the calculator has none.
    """

    step: int
    energy: float
    heat: float
    positions: Array
    velocities: Array
    forces: Array
    charges: Array | None = None

    def save(self, path: Path) -> None:
        """Write all fields, in full precision, whole or not at all."""
        with replacing(path) as temporary:
            np.savez(temporary, **{name: value for name, value in vars(self).items() if value is not None})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        saved = read_arrays(
            path, *(field.name for field in fields(cls) if field.name != "charges"), optional=("charges",)
        )
        step, energy, heat = int(saved.pop("step")), float(saved.pop("energy")), float(saved.pop("heat"))
        return cls(step=step, energy=energy, heat=heat, **saved)


class MdRun:
    """One run: its atoms, its thermostat, and its state on disk.

    Parameters
    ----------
    atoms : Atoms
        Start geometry with ``fragment`` labels and, perhaps, `FixAtoms`. Its positions are moved along.
    calculator : EmbeddedCalculator
        Of the forces.
    task : Md
        Steps, time step, temperature, thermostat, launch, seed; of `Umbrella` a restraint, whose energy and forces are
        part of those of the frames.
    state : Path
        Folder of frames, restart point and guess.
    """

    def __init__(self, atoms: Atoms, calculator: EmbeddedCalculator, task: Md, state: Path) -> None:
        self.atoms = atoms
        self.calculator = calculator
        self.task = task
        self.state = state
        self.masses: Array = atoms.get_masses()
        self.moving: Mask = moving_atoms(atoms)
        coupled = self.moving & ~nanodiamond(atoms) if task.thermostat.group == "flake" else self.moving
        self.coupled: Mask = coupled if task.thermostat.kind == "csvr" else np.zeros_like(coupled)
        self.free = bodies(atoms, launched=task.launch_m_s > 0)
        # a launch is no heat: the thermostat leaves alone how a free body moves as a whole
        self.coupled_bodies = [body for body in self.free if self.coupled[body].all()]
        self.n_degrees = 3 * (int(self.coupled.sum()) - len(self.coupled_bodies))
        self.spring = Spring(task.restraint, atoms) if isinstance(task, Umbrella) else None
        self.timestep = task.timestep_fs * units.fs
        self._kept_s = -np.inf
        # at saved frames, by the number of the step alone: a run that was killed is looked at where another is
        self.look_every = task.save_every * -(-LOOK_EVERY // task.save_every)

    def _rng(self, step: int) -> np.random.Generator:
        """Return the generator of a step: noise depends on seed and step alone, so nothing need be stored."""
        return np.random.default_rng([self.task.seed, step])

    def _forces(self, positions: Array, step: int) -> tuple[float, Array, Array | None]:
        self.atoms.set_positions(positions, apply_constraint=False)
        forces = self.calculator.get_property("forces", self.atoms)
        results = self.calculator.results
        energy = results["energy"]
        if self.spring is not None:
            of_spring, pull = self.spring.pull(positions, step * self.task.timestep_fs)
            energy, forces = energy + of_spring, forces + pull
        return energy, forces, results.get("charges")

    def first_point(self) -> Point:
        """Return the start: thermal velocities of the moving atoms, and the launch of the nanodiamond."""
        velocities = start_velocities(self.task, self.atoms)
        positions = self.atoms.get_positions()
        energy, forces, charges = self._forces(positions, 0)
        return Point(0, energy, 0.0, positions, velocities, forces, charges)

    def next_point(self, point: Point) -> Point:
        """Return the point one step on: velocity Verlet, then the thermostat."""
        half = 0.5 * self.timestep * np.where(self.moving, 1.0 / self.masses, 0.0)[:, None]
        velocities = point.velocities + half * point.forces
        positions = point.positions + self.timestep * velocities
        energy, forces, charges = self._forces(positions, point.step + 1)
        velocities = velocities + half * forces
        step, heat = point.step + 1, point.heat
        if self.coupled.any():
            inner = velocities.copy()
            for body in self.coupled_bodies:
                inner[body] = without_drift(self.masses[body], velocities[body])
            before = dynamics.kinetic_energy(self.masses[self.coupled], inner[self.coupled])
            factor = dynamics.csvr_factor(
                before,
                self.n_degrees,
                self.task.temperature_K,
                self.task.thermostat.time_constant_fs / self.task.timestep_fs,
                self._rng(step),
            )
            velocities[self.coupled] += (factor - 1.0) * inner[self.coupled]
            heat += (factor**2 - 1.0) * before
        return Point(step, energy, heat, positions, velocities, forces, charges)

    def last_point(self, log: FrameLog) -> Point | None:
        """Go back to the last step of which point, guess and frame are whole; None if there is none."""
        for step, point in whole_points(self.state, Point.load):
            if step > self.task.steps:
                continue
            there = log.truncate_after(step) == step
            if there and self.calculator.resume(self.atoms, point.positions, self.state, step):
                return point
        return None

    def save(self, point: Point) -> None:
        """Make a point the one to restart from: the guess first, then the point that names it."""
        with self.calculator.keeping(self.state, point.step) as path:
            point.save(path)

    def keep(self, log: FrameLog, journal: Journal, point: Point) -> None:
        """Append a point to the frames, then make it the one to restart from, unless the last one is young."""
        self.write_frame(log, point)
        if self.is_last(point) or time.monotonic() - self._kept_s >= self.calculator.keep_every_s:
            log.sync()
            self.save(point)
            self._kept_s = time.monotonic()
            journal.beat(self.calculator.n_scf_cycles)
        self.calculator.forget()

    def is_last(self, point: Point) -> bool:
        """Say whether a saved point is the last one of the run."""
        return point.step + self.task.save_every > self.task.steps

    def look(self, point: Point) -> None:
        """End a run whose calculator was never fitted to anything like what it has come to.

        Raises
        ------
        OutsideTrainingError
            Only at a step that is due, and at the last frame.
        """
        if self.is_last(point) or point.step % self.look_every == 0:
            self.calculator.check_trained(self.atoms, f"step {point.step}")

    def write_frame(self, log: FrameLog, point: Point) -> None:
        """Append a point to the frames."""
        kinetic = dynamics.kinetic_energy(self.masses, point.velocities)
        log.append(
            step=point.step,
            time_fs=point.step * self.task.timestep_fs,
            temperature_K=temperature_K(self.masses, point.velocities, self.moving, self.free),
            potential_eV=point.energy,
            conserved_eV=point.energy + kinetic - point.heat,
            positions_A=point.positions,
            velocities_A_fs=point.velocities * units.fs,
            forces_eV_A=point.forces,
            charges_e=point.charges,
        )

    def run(self, journal: Journal) -> None:
        """Run from the last saved point, or the start, to the last step; nothing is dropped of a longer run."""
        if longer := longer_than(self.task, self.state):
            journal.begin(self.task.steps)
            journal.remark(longer)
            return
        charges = "charges" in self.calculator.implemented_properties
        with FrameLog.open(self.state / FRAMES, n_atoms=len(self.atoms), charges=charges) as log:
            point = self.last_point(log)
            journal.begin(None if point is None else point.step)
            if point is None:
                log.truncate_after(-1)
                point = self.first_point()
                self.keep(log, journal, point)
            self.look(point)
            while point.step < self.task.steps:
                point = self.next_point(point)
                if point.step % self.task.save_every == 0:
                    self.keep(log, journal, point)
                    self.look(point)
