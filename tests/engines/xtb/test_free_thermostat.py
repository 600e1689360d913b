"""The temperature of a system that nothing holds, against the equipartition theorem and ASE's own thermostat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.calculator import Calculator
from ase.constraints import FixAtoms, FixCom
from ase.md.bussi import Bussi
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary

from iondrill.config.models import Thermostat
from iondrill.engines.embedded import thermostat as dynamics
from iondrill.engines.embedded.md import MdRun
from iondrill.jobs.job import Md

T_K, STEPS = 300.0, 1500
"""Correlated over some four steps: the mean of K of six degrees of freedom is known to 3 %."""


class Nothing(Calculator):
    """No forces: what is left is the thermostat."""

    implemented_properties = ("energy", "forces", "charges")

    def calculate(self, atoms=None, properties=(), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": 0.0, "forces": np.zeros((len(atoms), 3)), "charges": np.zeros(len(atoms))}


def run(atoms, tmp_path, launch_m_s=0, **thermostat):
    task = Md(
        steps=STEPS,
        timestep_fs=1.0,
        temperature_K=T_K,
        thermostat=Thermostat(time_constant_fs=2.0, **thermostat),
        launch_m_s=launch_m_s,
        save_every=100,
        seed=3,
    )
    return MdRun(atoms, Nothing(), task, tmp_path)


def kinetic_eV(simulation):
    point = simulation.first_point()
    found = []
    for _ in range(STEPS):
        point = simulation.next_point(point)
        found.append(dynamics.kinetic_energy(simulation.masses, point.velocities))
    return np.array(found[100:]), point


def three() -> Atoms:
    return Atoms("CHLi", [[0, 0, 0], [2, 0, 0], [0, 3, 0]])


def test_a_free_system_has_three_degrees_of_freedom_less_as_in_ase(tmp_path):
    """Three atoms whose centre of mass rests: six degrees of freedom, each with kT/2, also by ASE's own thermostat."""
    found, last = kinetic_eV(run(three(), tmp_path))
    assert found.mean() == pytest.approx(3 * units.kB * T_K, rel=0.1)
    # which stays where it was
    momentum = three().get_masses() @ last.velocities
    assert momentum == pytest.approx(0, abs=1e-9)
    atoms = three()
    atoms.calc = Nothing()
    atoms.set_constraint(FixCom())
    random = np.random.default_rng(5)
    MaxwellBoltzmannDistribution(atoms, temperature_K=T_K, rng=random)
    Stationary(atoms)
    reference = Bussi(atoms, units.fs, T_K, 2.0 * units.fs, rng=np.random.RandomState(5))
    energies = []
    reference.attach(lambda: energies.append(atoms.get_kinetic_energy()))
    reference.run(STEPS)
    assert found.mean() == pytest.approx(np.mean(energies[100:]), rel=0.12)


def test_beside_a_fixed_atom_every_direction_of_the_others_is_free(tmp_path):
    atoms = three()
    atoms.set_constraint(FixAtoms([2]))
    found, _ = kinetic_eV(run(atoms, tmp_path))
    assert found.mean() == pytest.approx(3 * units.kB * T_K, rel=0.1)


def test_a_thermostat_on_the_flake_leaves_the_nanodiamond_alone(tmp_path):
    atoms = three()
    atoms.set_array("fragment", np.array(["nd", "lower", "lower"]))
    simulation = run(atoms, tmp_path, group="flake")
    assert simulation.coupled.tolist() == [False, True, True]
    first = simulation.first_point()
    point = first
    energies = []
    for _ in range(STEPS):
        point = simulation.next_point(point)
        energies.append(dynamics.kinetic_energy(simulation.masses[1:], point.velocities[1:]))
    assert point.velocities[0] == pytest.approx(first.velocities[0])
    assert np.mean(energies[100:]) == pytest.approx(3 * units.kB * T_K, rel=0.12)


def test_a_launched_nanodiamond_flies_on_and_each_body_has_three_degrees_of_freedom_less(tmp_path):
    """Three and three atoms, of which nothing is fixed: 2 (9 - 3) degrees, about two motions that stay."""
    atoms = three() + Atoms("CHLi", [[9, 0, 0], [9, 2, 0], [9, 0, 3]])
    atoms.set_array("fragment", np.array(["nd"] * 3 + ["lower"] * 3))
    simulation = run(atoms, tmp_path, launch_m_s=900)
    first = point = simulation.first_point()
    for _ in range(30):
        point = simulation.next_point(point)
    assert simulation.n_degrees == 12

    def of_bodies(one):
        parts = [(simulation.masses[part], one.velocities[part]) for part in (slice(3), slice(3, None))]
        return np.array([m @ v / m.sum() for m, v in parts])

    assert of_bodies(point) == pytest.approx(of_bodies(first), abs=1e-9)
    assert of_bodies(point)[0] * units.fs == pytest.approx([900e-5, 0, 0], abs=1e-9)
    assert not np.allclose(point.velocities, first.velocities, rtol=0.01)
    gained = [dynamics.kinetic_energy(simulation.masses, each.velocities) for each in (first, point)]
    assert point.heat == pytest.approx(gained[1] - gained[0])


def test_a_thermostat_leaves_a_launched_nanodiamond_beside_a_fixed_atom_its_way(tmp_path):
    """Only the nanodiamond is free: 3 (6 - 1) degrees without the fixed atom's three, less those of its way."""
    atoms = three() + Atoms("CHLi", [[9, 0, 0], [9, 2, 0], [9, 0, 3]])
    atoms.set_array("fragment", np.array(["nd"] * 3 + ["lower"] * 3))
    atoms.set_constraint(FixAtoms([5]))
    simulation = run(atoms, tmp_path, launch_m_s=900)
    point = simulation.first_point()
    for _ in range(20):
        point = simulation.next_point(point)
    assert simulation.n_degrees == 12
    assert simulation.masses[:3] @ point.velocities[:3] / simulation.masses[:3].sum() * units.fs == pytest.approx(
        [900e-5, 0, 0], abs=1e-9
    )
    assert not point.velocities[5].any()


def test_heat_is_what_the_thermostat_gave(tmp_path):
    """Without forces, all kinetic energy that came since the start is heat."""
    simulation = run(three(), tmp_path)
    first = point = simulation.first_point()
    for _ in range(50):
        point = simulation.next_point(point)
    gained = [dynamics.kinetic_energy(simulation.masses, each.velocities) for each in (first, point)]
    assert point.heat == pytest.approx(gained[1] - gained[0])
    assert abs(point.heat) > 1e-4


@pytest.mark.parametrize("timestep_fs", [0.5, 2.0])
def test_towards_zero_temperature_a_gas_cools_in_the_time_constant_whatever_the_timestep(tmp_path, timestep_fs):
    """K = K₀ exp(−t/τ): nothing is by chance where the thermostat gives nothing back."""
    tau_fs, time_fs = 20.0, 40.0
    task = Md(
        steps=100,
        timestep_fs=timestep_fs,
        temperature_K=1e-12,
        thermostat=Thermostat(time_constant_fs=tau_fs),
        launch_m_s=0,
        save_every=100,
        seed=3,
    )
    simulation = MdRun(three(), Nothing(), task, tmp_path)
    masses, velocities = simulation.masses, np.eye(3)
    velocities = velocities - masses @ velocities / masses.sum()  # about the centre of mass, which keeps its way
    point = replace(simulation.first_point(), velocities=velocities)
    before = dynamics.kinetic_energy(masses, velocities)
    for _ in range(round(time_fs / timestep_fs)):
        point = simulation.next_point(point)
    after = dynamics.kinetic_energy(masses, point.velocities)
    assert after / before == pytest.approx(np.exp(-time_fs / tau_fs))


def test_without_a_thermostat_free_atoms_fly_straight(tmp_path):
    simulation = run(three(), tmp_path, kind="none")
    first = point = simulation.first_point()
    for _ in range(5):
        point = simulation.next_point(point)
    assert (point.step, point.heat) == (5, 0)
    assert point.velocities == pytest.approx(first.velocities)
    assert point.positions == pytest.approx(first.positions + 5 * units.fs * first.velocities)
