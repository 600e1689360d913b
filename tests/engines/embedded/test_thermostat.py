"""The integrator against statistical mechanics and symmetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.constraints import FixAtoms, FixCom
from ase.md.bussi import Bussi
from ase.units import fs, kB

from iondrill.config.models import Thermostat
from iondrill.engines.embedded import thermostat as dynamics
from iondrill.engines.embedded.md import MdRun
from iondrill.engines.embedded.velocities import temperature_K
from iondrill.jobs.job import Md

if TYPE_CHECKING:
    from pathlib import Path


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


TEMPERATURE_K, STEPS, TAU_FS = 300.0, 1_000, 0.25


class Nothing(Calculator):
    """No forces: of an ideal gas, all that changes the velocities is the thermostat."""

    implemented_properties = ("energy", "forces", "charges")

    def calculate(self, atoms: Any = None, properties: Any = (), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        n = len(self.atoms)
        self.results = {"energy": 0.0, "forces": np.zeros((n, 3)), "charges": np.zeros(n)}


def gas(fixed: list[int]) -> Atoms:
    atoms = Atoms("HCLiC", positions=4.0 * np.eye(4, 3))
    atoms.set_array("fragment", np.array(["lower"] * 4))
    atoms.set_constraint(FixAtoms(fixed))
    return atoms


def kinetic_of_ours(fixed: list[int], folder: Path) -> float:
    atoms = gas(fixed)
    thermostat = Thermostat(time_constant_fs=TAU_FS)
    settings = {"timestep_fs": 0.5, "temperature_K": TEMPERATURE_K, "launch_m_s": 0.0, "save_every": 1, "seed": 4}
    run = MdRun(atoms, Nothing(), Md(steps=STEPS, thermostat=thermostat, **settings), folder)  # type: ignore[arg-type]
    point, kinetic = run.first_point(), []
    for _ in range(STEPS):
        point = run.next_point(point)
        kinetic.append(dynamics.kinetic_energy(run.masses, point.velocities))
    return float(np.mean(kinetic))


def kinetic_of_ase(fixed: list[int]) -> float:
    atoms = gas(fixed)
    if not fixed:
        atoms.set_constraint(FixCom())
    atoms.calc = Nothing()
    rng = np.random.default_rng(4)
    atoms.set_momenta(rng.normal(size=(len(atoms), 3)))
    bussi, kinetic = Bussi(atoms, 0.5 * fs, temperature_K=TEMPERATURE_K, taut=TAU_FS * fs, rng=rng), []
    for _ in range(STEPS):
        bussi.step()
        kinetic.append(atoms.get_kinetic_energy())
    return float(np.mean(kinetic))


def test_a_launch_is_neither_heat_nor_damped(tmp_path: Path) -> None:
    """Two bodies of two atoms: 6 degrees of freedom are kept at the temperature, the other 6 as they began."""
    atoms = gas([])
    atoms.set_array("fragment", np.array(["nd", "nd", "lower", "lower"]))
    thermostat = Thermostat(time_constant_fs=TAU_FS)
    settings = {"timestep_fs": 0.5, "temperature_K": TEMPERATURE_K, "launch_m_s": 1000.0, "save_every": 1, "seed": 4}
    run = MdRun(atoms, Nothing(), Md(steps=STEPS, thermostat=thermostat, **settings), tmp_path)  # type: ignore[arg-type]
    point = run.first_point()

    def drifts(velocities: Any) -> Any:
        return [run.masses[k : k + 2] @ velocities[k : k + 2] / run.masses[k : k + 2].sum() for k in (0, 2)]

    before, found, heat = drifts(point.velocities), [], point.heat
    kinetic = dynamics.kinetic_energy(run.masses, point.velocities)
    for _ in range(STEPS):
        point = run.next_point(point)
        found.append(temperature_K(run.masses, point.velocities, run.moving, run.free))
    assert np.allclose(drifts(point.velocities), before, rtol=1e-9, atol=1e-12)
    # each of 1000 nearly independent values has a spread of √(2/6)
    assert np.mean(found) == pytest.approx(TEMPERATURE_K, rel=0.1)
    # what the thermostat put in is what the kinetic energy changed by
    after = dynamics.kinetic_energy(run.masses, point.velocities)
    assert point.heat - heat == pytest.approx(after - kinetic, abs=1e-9)


@pytest.mark.parametrize(("fixed", "n_degrees"), [([], 9), ([2], 9), ([0, 3], 6)])
def test_a_free_run_has_three_degrees_of_freedom_less(fixed: list[int], n_degrees: int, tmp_path: Path) -> None:
    """Mean kinetic energy f kT/2, as with ASE's thermostat of the same kind; 3 too many of 9 would be a third."""
    expected = n_degrees * kB * TEMPERATURE_K / 2
    # nearly independent from step to step, each with a spread of about half the mean: 1.6 %
    assert kinetic_of_ours(fixed, tmp_path) == pytest.approx(expected, rel=0.08)
    assert kinetic_of_ase(fixed) == pytest.approx(expected, rel=0.08)
