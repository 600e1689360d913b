"""Start velocities against statistical mechanics, and the launch of the nanodiamond."""

from __future__ import annotations

import numpy as np
import pytest
from ase.units import fs, kB
from hypothesis import given
from hypothesis import strategies as st

from iondrill.config.models import Thermostat
from iondrill.engines.embedded.velocities import (
    bodies,
    maxwell_boltzmann,
    start_velocities,
    temperature_K,
    without_drift,
)
from iondrill.geometry.constraints import moving_atoms
from iondrill.jobs.job import Md


def md(launch_m_s: float) -> Md:
    thermal = {"steps": 1, "timestep_fs": 0.5, "temperature_K": 400, "save_every": 1, "seed": 7}
    return Md(thermostat=Thermostat(), launch_m_s=launch_m_s, **thermal)


def test_start_velocities_have_the_temperature(structure) -> None:
    atoms = structure("slab").repeat((12, 12, 1))
    atoms.set_velocities(start_velocities(md(0), atoms))
    moving = int(moving_atoms(atoms).sum())
    found = atoms.get_kinetic_energy() / (1.5 * moving * kB)
    assert found == pytest.approx(400, rel=4 * np.sqrt(2 / (3 * moving)))  # four standard deviations


def test_the_launch_adds_to_the_nanodiamond_alone(structure) -> None:
    atoms = structure("cluster")
    nd, masses = atoms.arrays["fragment"] == "nd", atoms.get_masses()
    thermal, launched = start_velocities(md(0), atoms), start_velocities(md(800), atoms)
    assert np.array_equal(thermal[~nd], launched[~nd])
    assert masses[nd] @ launched[nd] / masses[nd].sum() * fs * 1e5 == pytest.approx([800, 0, 0], abs=1e-6)  # m/s
    assert not launched[~moving_atoms(atoms)].any()


@given(st.integers(0, 10_000), st.floats(1.0, 2000.0))
def test_velocities_have_the_temperature_asked_for(seed: int, temperature: float) -> None:
    masses = np.tile([1.008, 12.011, 6.94], 2000)
    velocities = maxwell_boltzmann(masses, temperature, np.random.default_rng(seed))

    def temperature_of(masses, velocities):
        return temperature_K(masses, velocities, np.ones(len(masses), dtype=bool), [])

    # 18 000 degrees of freedom: standard deviation of T is 1.05 %
    assert temperature_of(masses, velocities) == pytest.approx(temperature, rel=0.06)
    # equipartition: the light atoms are as hot as the heavy ones
    assert temperature_of(masses[::3], velocities[::3]) == pytest.approx(temperature, rel=0.1)


def test_a_run_that_settles_starts_twice_as_hot(structure) -> None:
    atoms = structure("slab")
    settles = md(0).model_copy(update={"settles": True})
    once, twice = (start_velocities(task, atoms) for task in (md(0), settles))
    assert np.allclose(twice, np.sqrt(2) * once)


def test_velocities_that_there_are_are_kept_and_launched(structure) -> None:
    atoms = structure("cluster")
    nd, masses = atoms.arrays["fragment"] == "nd", atoms.get_masses()
    given_velocities = start_velocities(md(0), atoms)
    atoms.set_velocities(given_velocities)
    other_seed = md(700).model_copy(update={"seed": 99})
    launched = start_velocities(other_seed, atoms)
    assert np.allclose(launched[~nd], given_velocities[~nd])
    shift = launched[nd] - given_velocities[nd]
    assert np.allclose(shift, shift[0]), "the nanodiamond is pushed as a whole"
    assert masses[nd] @ launched[nd] / masses[nd].sum() * fs * 1e5 == pytest.approx([700, 0, 0], abs=1e-6)


@pytest.mark.parametrize(("fixed", "launched"), [(True, True), (False, True), (False, False)])
def test_the_motion_of_bodies_is_no_heat(fixed, launched, structure) -> None:
    """A launch, and what a free flake takes of it, leave the temperature as it was; so does the drift of all."""
    atoms = structure("cluster")
    if not fixed:
        atoms.set_constraint()
    nd, masses, moving = atoms.arrays["fragment"] == "nd", atoms.get_masses(), moving_atoms(atoms)
    velocities = np.where(moving[:, None], np.random.default_rng(3).normal(size=(len(atoms), 3)), 0.0)
    free = bodies(atoms, launched=launched)
    assert len(free) == (1 if fixed or not launched else 2)
    drifting = velocities + (0 if fixed else 1) * np.array([0.3, -2.0, 1.0])
    drifting[nd] += [5.0, 0, 0] if launched else [0, 0, 0]
    found = [temperature_K(masses, v, moving, free) for v in (velocities, drifting)]
    assert found[1] == pytest.approx(found[0], rel=1e-12)
    assert found[0] > 0


def test_the_temperature_is_that_of_ase(structure) -> None:
    """ASE counts 3 degrees of freedom less for each fixed atom, and for a fixed centre of mass."""
    from ase.constraints import FixCom

    atoms = structure("cluster")
    masses = atoms.get_masses()
    velocities = np.random.default_rng(1).normal(size=(len(atoms), 3))
    for free, constraint in ((False, atoms.constraints[0]), (True, FixCom())):
        atoms.set_constraint(() if free else constraint)
        moving = moving_atoms(atoms)
        here = without_drift(masses, velocities) if free else np.where(moving[:, None], velocities, 0.0)
        ours = temperature_K(masses, here, moving, bodies(atoms, launched=False))
        atoms.set_constraint(constraint)
        atoms.set_velocities(here)
        assert ours == pytest.approx(atoms.get_temperature(), rel=1e-12)


@given(st.integers(0, 10_000))
def test_drift_is_taken_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    masses = rng.uniform(1, 50, 7)
    velocities = without_drift(masses, rng.normal(size=(7, 3)))
    assert np.allclose(masses @ velocities, 0.0, atol=1e-12)
