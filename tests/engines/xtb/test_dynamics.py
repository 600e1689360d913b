"""The integrator against statistical mechanics and symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from ase.units import kB
from hypothesis import given
from hypothesis import strategies as st

from iondrill.engines.xtb import dynamics


def test_thermostat_samples_the_canonical_distribution() -> None:
    """For any system, K is gamma-distributed: mean n kT/2, variance n (kT)²/2 (Bussi 2007, Eq. 3)."""
    rng, n, temperature = np.random.default_rng(1), 9, 300.0
    kinetic, samples = 0.5, []
    for _ in range(40_000):
        kinetic *= dynamics.csvr_factor(kinetic, n, temperature, 2.0, rng) ** 2
        samples.append(kinetic)
    reduced = np.array(samples[1000:]) / (kB * temperature)
    # correlated over about 2 τ/Δt steps: some 10 000 independent samples
    assert reduced.mean() == pytest.approx(n / 2, rel=0.03)
    assert reduced.var() == pytest.approx(n / 2, rel=0.08)


def test_slow_thermostat_changes_nothing() -> None:
    factor = dynamics.csvr_factor(1.0, 30, 300.0, 1e14, np.random.default_rng(1))
    assert factor == pytest.approx(1.0, abs=1e-5)


def test_nothing_that_moves_is_nothing_to_scale() -> None:
    assert dynamics.csvr_factor(0.0, 30, 300.0, 10.0, np.random.default_rng(1)) == 1.0


def test_zero_temperature_cools_exponentially() -> None:
    factor = dynamics.csvr_factor(1.0, 30, 0.0, 5.0, np.random.default_rng(1))
    assert factor**2 == pytest.approx(np.exp(-1 / 5))


@given(st.integers(0, 10_000), st.floats(1.0, 2000.0))
def test_velocities_have_the_temperature_asked_for(seed: int, temperature: float) -> None:
    masses = np.tile([1.008, 12.011, 6.94], 2000)
    velocities = dynamics.maxwell_boltzmann(masses, temperature, np.random.default_rng(seed))
    # 18 000 degrees of freedom: standard deviation of T is 1.05 %
    assert dynamics.temperature(masses, velocities) == pytest.approx(temperature, rel=0.06)
    # equipartition: the light atoms are as hot as the heavy ones
    assert dynamics.temperature(masses[::3], velocities[::3]) == pytest.approx(temperature, rel=0.1)


@given(st.integers(0, 10_000))
def test_drift_is_taken_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    masses = rng.uniform(1, 50, 7)
    velocities = dynamics.without_drift(masses, rng.normal(size=(7, 3)))
    assert np.allclose(masses @ velocities, 0.0, atol=1e-12)
