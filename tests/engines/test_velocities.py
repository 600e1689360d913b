"""Start velocities against statistical mechanics, and the launch of the nanodiamond."""

from __future__ import annotations

import numpy as np
import pytest
from ase.units import fs, kB
from hypothesis import given
from hypothesis import strategies as st

from iondrill.build.moving import moving_atoms
from iondrill.config.models import Thermostat
from iondrill.engines.velocities import maxwell_boltzmann, start_velocities, without_drift
from iondrill.engines.xtb.dynamics import temperature as temperature_of
from iondrill.prepare.jobs import Md


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
    # 18 000 degrees of freedom: standard deviation of T is 1.05 %
    assert temperature_of(masses, velocities) == pytest.approx(temperature, rel=0.06)
    # equipartition: the light atoms are as hot as the heavy ones
    assert temperature_of(masses[::3], velocities[::3]) == pytest.approx(temperature, rel=0.1)


@given(st.integers(0, 10_000))
def test_drift_is_taken_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    masses = rng.uniform(1, 50, 7)
    velocities = without_drift(masses, rng.normal(size=(7, 3)))
    assert np.allclose(masses @ velocities, 0.0, atol=1e-12)
