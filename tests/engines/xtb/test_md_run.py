"""Molecular dynamics against ASE's own integrator, and what a frame says of its point."""

from __future__ import annotations

import numpy as np
import pytest
from ase import units
from ase.build import molecule
from ase.constraints import FixAtoms
from ase.md.verlet import VelocityVerlet

from iondrill.config.levels import XtbLevel
from iondrill.config.models import Thermostat
from iondrill.engines.embedded.md import MdRun
from iondrill.engines.xtb.calculator import XtbCalculator
from iondrill.jobs.frames import FrameLog, Frames
from iondrill.jobs.job import Md
from iondrill.jobs.journal import Journal

GFN2 = XtbLevel(engine="xtb")


def run(folder, atoms, *, steps=6, **changed):
    keys = {"timestep_fs": 0.5, "temperature_K": 400, "launch_m_s": 0, "save_every": 2, "seed": 1}
    keys |= {"thermostat": Thermostat(kind="none"), **changed}
    folder.mkdir(exist_ok=True)
    return MdRun(atoms, XtbCalculator(GFN2), Md(steps=steps, **keys), folder)


@pytest.mark.parametrize("fixed", [[], [0]])
def test_the_way_without_a_thermostat_is_that_of_ase(tmp_path, fixed):
    atoms = molecule("CH4")
    atoms.set_constraint(FixAtoms(fixed))
    simulation = run(tmp_path, atoms.copy())
    point = simulation.first_point()
    atoms.set_velocities(point.velocities)
    atoms.calc = XtbCalculator(GFN2)
    for _ in range(6):
        point = simulation.next_point(point)
    VelocityVerlet(atoms, 0.5 * units.fs).run(6)
    assert point.positions == pytest.approx(atoms.positions, abs=1e-6)
    assert point.velocities == pytest.approx(atoms.get_velocities(), abs=1e-6)
    assert point.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
    assert (point.step, point.heat) == (6, 0)


def test_a_frame_says_what_ase_says_of_its_point(tmp_path):
    atoms = molecule("CH4")
    journal = Journal(tmp_path / "journal.json")
    simulation = run(tmp_path, atoms, thermostat=Thermostat(time_constant_fs=5))
    simulation.run(journal)
    with FrameLog.open(tmp_path / "frames.bin", len(atoms)) as log:
        point = simulation.last_point(log)
    assert point.step == 6
    assert point.heat != 0
    frames = Frames(tmp_path / "frames.bin")
    assert [int(frames[k]["step"]) for k in range(len(frames))] == [0, 2, 4, 6]
    assert [float(frames[k]["time_fs"]) for k in range(len(frames))] == [0, 1, 2, 3]
    last, there = frames[len(frames) - 1], molecule("CH4")
    there.positions[:] = last["positions_A"]
    there.set_velocities(np.array(last["velocities_A_fs"]) / units.fs)
    there.calc = XtbCalculator(GFN2)
    assert last["temperature_K"] == pytest.approx(
        there.get_temperature() * 15 / 12  # 3 of 15 degrees are those of the whole
    )
    assert last["potential_eV"] == pytest.approx(there.get_potential_energy(), abs=1e-5)
    assert last["forces_eV_A"] == pytest.approx(there.get_forces(), abs=1e-4)
    # what the thermostat gave is no energy of the system's own
    assert last["conserved_eV"] == pytest.approx(there.get_total_energy() - point.heat, abs=1e-5)
    first = frames[0]
    assert last["conserved_eV"] == pytest.approx(float(first["conserved_eV"]), abs=0.02)
    assert journal.entries[-1]["n_scf_cycles"] > 10


def test_the_temperature_of_a_frame_is_that_of_the_atoms_with_a_thermostat(tmp_path):
    atoms = molecule("CH4")
    atoms.set_array("fragment", np.array(["nd", "nd", "lower", "lower", "lower"]))
    simulation = run(tmp_path, atoms, thermostat=Thermostat(group="flake"), launch_m_s=900)
    assert simulation.coupled.tolist() == [False, False, True, True, True]
    assert simulation.n_degrees == 6
    atoms.set_constraint(FixAtoms([4]))
    fixed = run(tmp_path / "fixed", atoms, thermostat=Thermostat(group="flake"))
    assert fixed.coupled.tolist() == [False, False, True, True, False]
    assert fixed.n_degrees == 6
    alone = run(tmp_path / "none", atoms)
    assert not alone.coupled.any()


def steps_of(folder):
    frames = Frames(folder / "frames.bin")
    return [int(frames[k]["step"]) for k in range(len(frames))], (folder / "frames.bin").read_bytes()


def test_a_run_whose_points_are_lost_begins_anew_without_its_old_frames(tmp_path):
    run(tmp_path, molecule("H2")).run(Journal(tmp_path / "journal.json"))
    steps, whole = steps_of(tmp_path)
    assert steps == [0, 2, 4, 6]
    for file in tmp_path.glob("point-*.npz"):
        file.unlink()
    journal = Journal(tmp_path / "journal.json")
    run(tmp_path, molecule("H2")).run(journal)
    assert steps_of(tmp_path) == (steps, whole)
    assert len(journal.entries) == 2


def test_a_run_goes_on_from_the_last_point_that_is_whole_and_no_farther_than_asked(tmp_path):
    """Of a lost frame the point counts for nothing; what is beyond the end that is asked for is not taken."""
    run(tmp_path, molecule("H2"), steps=9, save_every=4).run(Journal(tmp_path / "journal.json"))
    steps, _ = steps_of(tmp_path)
    assert steps == [0, 4, 8]  # the ninth is not due
    simulation = run(tmp_path, molecule("H2"), steps=8, save_every=4)
    with FrameLog.open(tmp_path / "frames.bin", 2) as log:
        assert simulation.last_point(log).step == 8
    shorter = run(tmp_path, molecule("H2"), steps=7, save_every=4)
    with FrameLog.open(tmp_path / "frames.bin", 2) as log:
        assert shorter.last_point(log).step == 4
    assert steps_of(tmp_path)[0] == [0, 4]  # to be appended to
    with FrameLog.open(tmp_path / "frames.bin", 2) as log:
        assert simulation.last_point(log).step == 4


def test_a_longer_run_is_left_as_it_is_and_says_so(tmp_path):
    run(tmp_path, molecule("H2")).run(Journal(tmp_path / "journal.json"))
    before = steps_of(tmp_path)
    journal = Journal(tmp_path / "journal.json")
    run(tmp_path, molecule("H2"), steps=2).run(journal)
    assert steps_of(tmp_path) == before
    assert len(journal.entries) == 2
