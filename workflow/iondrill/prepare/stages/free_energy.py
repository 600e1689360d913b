"""Restrained dynamics along order parameters: steering in and out, and the windows that start from it."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Literal, NamedTuple

from iondrill.config.base import Thermostat
from iondrill.config.project import located, required
from iondrill.errors import Problem
from iondrill.jobs.job import Restraint, Umbrella
from iondrill.jobs.name import JobId, Subject
from iondrill.prepare.stages.md import OfRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iondrill.config.document import Document
    from iondrill.config.free_energy import ProfileSettings

Way = Literal["in", "out"]
WAYS: tuple[Way, ...] = ("in", "out")
SLACK = 1.2
"""Steering takes longer than its way at its speed: the start structure may be a little outside the first window."""
PER_SEED = 1000
"""Windows have noise of their own: their seeds are apart by less than those of other seeds."""


class Sampled(NamedTuple):
    """What a job is: the steering, or a window, of a profile.

    Attributes
    ----------
    profile : str
        Its name.
    window : int or None
        Number of the window; None: the steering.
    way : str
        ``in``: from the first window to the last; ``out``: back.
    seed : int
        Of velocities and thermostat.
    """

    profile: str
    window: int | None
    way: Way
    seed: int

    @property
    def variant(self) -> str:
        """How the job's name says it."""
        what = "pull" if self.window is None else f"w{self.window:02d}"
        return f"{what}-{self.way}-s{self.seed}"

    @classmethod
    def of(cls, job: JobId) -> Sampled:
        """Read what `variant` writes."""
        what, way, seed = job.variant.split("-")
        window = None if what == "pull" else int(what.removeprefix("w"))
        return cls(job.structure, window, "in" if way == "in" else "out", int(seed.removeprefix("s")))


class FreeEnergyStage(OfRun):
    """The steering and the windows of each profile."""

    name = "free_energy"

    @property
    def profiles(self) -> dict[str, ProfileSettings]:
        """The profiles by name; see `iondrill.config.project.required`."""
        return required(self.config.free_energy, self.name, "profiles").profiles

    def run_of(self, job: JobId) -> str:
        """Return the run whose assembly, temperature and time step a job has."""
        return self.profiles[job.structure].run

    def level_of(self, profile: str) -> str:
        """Return the level of a profile."""
        return self.profiles[profile].level or self.own_level(self.profiles[profile].run)

    def job_of(self, sampled: Sampled) -> JobId:
        """Return the job of a steering or a window."""
        return JobId(self.name, Subject(sampled.profile), self.level_of(sampled.profile), variant=sampled.variant)

    def steering(self, job: JobId) -> JobId:
        """Return the steering that a window starts from; of one that goes out, that which has gone in."""
        sampled = Sampled.of(job)
        way: Way = sampled.way if sampled.window is not None else "in"
        return self.job_of(sampled._replace(window=None, way=way))

    def windows(self, profile: str) -> list[JobId]:
        """Return the windows of a profile."""
        settings = self.profiles[profile]
        return [
            self.job_of(Sampled(profile, window, way, seed))
            for seed in settings.seeds
            for way in WAYS
            for window in range(settings.windows)
        ]

    def jobs(self) -> list[JobId]:
        """Return the windows of all profiles, and the steering before them."""
        windows = [job for profile in self.profiles for job in self.windows(profile)]
        return list(dict.fromkeys([*map(self.steering, windows), *windows]))

    def problems(self, documents: Sequence[Document]) -> list[Problem]:
        """Return the profiles whose level, that of their run, has no restraint."""
        if self.config.free_energy is None:
            return []
        levels = {name: self.level_of(name) for name in self.profiles}
        found = [
            Problem(
                f"free_energy.profiles.{name}",
                f"level '{level}', that of its run, is computed by another program, which has no restraint",
                "allowed: another level",
            )
            for name, level in levels.items()
            if "umbrella" not in self.project.level(level).tasks
        ]
        return located(documents, found)

    def task(self, job: JobId) -> Umbrella:
        """Return what a job does."""
        sampled = Sampled.of(job)
        profile, run = self.profiles[sampled.profile], self.config.md.runs[self.run_of(job)]
        number = 2 * (0 if sampled.window is None else sampled.window + 1) + WAYS.index(sampled.way)
        if sampled.window is None:
            speed_A_fs = profile.speed_A_ps / 1000
            at_A = profile.to_A if sampled.way == "in" else profile.from_A
            frames = ceil(
                SLACK * abs(profile.to_A - profile.from_A) / (speed_A_fs * run.timestep_fs * profile.save_every)
            )
            steps = frames * profile.save_every
        else:
            speed_A_fs, at_A, steps = 0.0, profile.centres_A[sampled.window], profile.steps
        return Umbrella(
            steps=steps,
            timestep_fs=run.timestep_fs,
            temperature_K=run.temperature_K,
            thermostat=Thermostat(time_constant_fs=run.thermostat.time_constant_fs),
            launch_m_s=0.0,
            save_every=profile.save_every,
            seed=sampled.seed * PER_SEED + number,
            restraint=Restraint(
                coordinate=profile.coordinate,
                at_A=at_A,
                stiffness_eV_A2=profile.stiffness_eV_A2,
                speed_A_fs=speed_A_fs,
            ),
        )
