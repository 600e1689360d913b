"""Restrained dynamics through the engine's own loop: what it conserves, where it goes, and the free energy it gives."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import all_changes
from ase.constraints import FixAtoms
from ase.units import kB
from projects import stacked

from iondrill.analyse.energies import free_energy
from iondrill.analyse.energies.free_energy import curve
from iondrill.analyse.energies.mbar import Chain
from iondrill.config.base import Thermostat
from iondrill.engines.embedded.calculator import EmbeddedCalculator
from iondrill.engines.embedded.md import MdRun
from iondrill.geometry.labels import set_fragment
from iondrill.jobs.frames import Frames
from iondrill.jobs.job import Restraint, Umbrella
from iondrill.jobs.journal import Journal

T = 300.0
kT = kB * T


class Valley(EmbeddedCalculator):
    """A C before the edge of two benzenes, in a double well along x whose width across depends on x: no two motions
    are independent, so that a thermostat of all reaches each.
    """

    implemented_properties = ["energy", "forces"]
    keep_every_s = 1e9

    def __init__(self, origin):
        super().__init__()
        self.origin = origin

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        x, y, z = atoms.positions[0] - self.origin
        across = y**2 + z**2
        energy = 0.15 * (x**2 - 1) ** 2 + (1 + x**2) * across
        forces = np.zeros((len(atoms), 3))
        forces[0] = -np.array([0.6 * x * (x**2 - 1) + 2 * x * across, 2 * (1 + x**2) * y, 2 * (1 + x**2) * z])
        self.results = {"energy": float(energy), "forces": forces}


def exact_eV(x):
    """Return the free energy along x: the well, and what room there is across."""
    return 0.15 * (x**2 - 1) ** 2 + kT * np.log(1 + x**2)


@pytest.fixture(scope="module")
def start():
    flake = stacked("C6H6")
    tip = Atoms("C")
    set_fragment(tip, "nd")
    atoms = tip + flake
    edge = flake.positions[flake.numbers == 6, 0].min()
    middle = flake.positions[:, 1:].mean(axis=0)
    atoms.positions[0] = [edge - 4.0, *middle]
    atoms.set_constraint(FixAtoms(range(1, len(atoms))))
    return atoms


def simulation(start, folder, at_A, *, x=0.0, steps=20, kind="csvr", **more):
    """Return a run; the well is 4 Å before the edge, and x is measured from it."""
    atoms = start.copy()
    origin = atoms.positions[0].copy()
    atoms.positions[0, 0] += x
    restraint = Restraint(coordinate="penetration_A", at_A=at_A, **{"stiffness_eV_A2": 1.0, **more})
    thermostat = Thermostat(kind=kind, time_constant_fs=20)
    keys = {"timestep_fs": 2.0, "temperature_K": T, "launch_m_s": 0, "save_every": 4, "seed": 1}
    folder.mkdir(exist_ok=True)
    task = Umbrella(steps=steps, thermostat=thermostat, restraint=restraint, **keys)
    return MdRun(atoms, Valley(origin), task, folder)


def ran(run):
    run.run(Journal(run.state / "journal.json"))
    frames = Frames(run.state / "frames.bin")
    return [frames[k] for k in range(len(frames))]


def test_a_restraint_adds_its_energy_and_forces_and_the_sum_is_conserved(start, tmp_path):
    run = simulation(start, tmp_path, -3.0, steps=400, kind="none")
    frames = ran(run)
    for frame in (frames[0], frames[-1]):
        x = frame["positions_A"][0, 0] - run.calculator.origin[0]
        bare = Valley(run.calculator.origin)
        atoms = start.copy()
        atoms.positions = frame["positions_A"]
        assert frame["potential_eV"] - bare.get_potential_energy(atoms) == pytest.approx(0.5 * (x - 1.0) ** 2, abs=1e-9)
        assert (frame["forces_eV_A"] - bare.get_forces(atoms))[0] == pytest.approx([1.0 - x, 0, 0], abs=1e-9)
    energies = np.array([frame["conserved_eV"] for frame in frames])
    assert np.ptp([frame["potential_eV"] for frame in frames]) > 0.02
    assert np.ptp(energies) < 2e-3


def test_a_steered_restraint_goes_from_where_the_start_is_to_its_end_and_stays(start, tmp_path):
    run = simulation(start, tmp_path, -3.0, x=-1.0, speed_A_fs=0.01)
    spring = run.spring
    assert [spring.at_A(time_fs) for time_fs in (0, 100, 200, 900)] == pytest.approx([-5, -4, -3, -3])
    back = simulation(start, tmp_path, -6.0, x=-1.0, speed_A_fs=0.01).spring
    assert [back.at_A(time_fs) for time_fs in (0, 50, 900)] == pytest.approx([-5, -5.5, -6])


def test_a_steered_run_that_was_killed_goes_on_digit_for_digit(start, tmp_path):
    whole = ran(simulation(start, tmp_path / "whole", -3.0, steps=80, speed_A_fs=0.02))
    cut = simulation(start, tmp_path / "cut", -3.0, steps=40, speed_A_fs=0.02)
    ran(cut)
    resumed = ran(simulation(start, tmp_path / "cut", -3.0, steps=80, speed_A_fs=0.02))
    assert len(whole) == len(resumed) == 21
    for one, other in zip(whole, resumed, strict=True):
        assert one["positions_A"].tolist() == other["positions_A"].tolist()


def test_windows_of_the_engine_give_the_free_energy_of_the_well(start, tmp_path, monkeypatch):
    monkeypatch.setattr(free_energy, "RESAMPLES", 25)
    chains = []
    for k, at in enumerate(np.linspace(-0.9, 0.9, 5)):
        for way in ("in", "out"):
            run = simulation(start, tmp_path / f"{k}{way}", at - 4.0, x=at, steps=1000, stiffness_eV_A2=1.5)
            run.task = run.task.model_copy(update={"seed": 10 * k + len(way)})
            x = np.array([frame["positions_A"][0, 0] for frame in ran(run)])[25:] - start.positions[0, 0]
            chains.append(Chain(at, 1.5, way, x, x))
    edges = np.linspace(-0.9, 0.9, 7)
    found = curve(chains, T, edges)
    right = exact_eV(found.coordinate_A)
    assert found.flaw == ""
    assert found.error_eV[1:].max() < 0.06
    off = (found.free_energy_eV - (right - right[0]))[1:] / found.error_eV[1:]
    assert np.sqrt(np.mean(off**2)) < 2.5
