"""The integrator against statistical mechanics and symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from ase.units import kB

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
