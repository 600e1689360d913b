"""Trajectories for others: read back by ASE, nothing lost and nothing rounded."""

from __future__ import annotations

import ase.io
import numpy as np
import pytest
from ase import Atoms, units
from ase.constraints import FixAtoms
from ase.io.trajectory import Trajectory

from iondrill.collect.trajectory import write_trajectory
from iondrill.errors import UserError
from iondrill.jobs.frames import FrameLog, Frames


@pytest.fixture
def template():
    atoms = Atoms("CLiH", positions=np.arange(9.0).reshape(3, 3), cell=[20, 21, 22], constraint=FixAtoms([0]))
    atoms.arrays["fragment"] = np.array(["nd", "ion", "lower"])
    atoms.info["level"] = "gfn2"
    return atoms


def log_frames(path, steps, **kept):
    random = np.random.default_rng(1)
    written = {}
    with FrameLog.open(path, 3, **kept) as log:
        for step in steps:
            written[step] = {
                "step": step,
                "time_fs": step / 3,
                **{name: random.normal() for name in ("temperature_K", "potential_eV", "conserved_eV")},
                **{name: random.normal(size=(3, 3)) for name in ("positions_A", "velocities_A_fs")},
            }
            if kept.get("forces", True):
                written[step] |= {"forces_eV_A": random.normal(size=(3, 3)), "charges_e": random.normal(size=3)}
            log.append(**written[step])
    return written


def test_ase_reads_every_frame_once_and_in_order(tmp_path, template):
    # the run was taken up again at step 2
    written = log_frames(tmp_path / "frames.bin", [0, 1, 2, 3, 2, 3, 4])
    write_trajectory(Frames(tmp_path / "frames.bin", 1), template, tmp_path / "md" / "trajectory.traj")
    images = ase.io.read(tmp_path / "md" / "trajectory.traj", index=":")
    assert [atoms.info["step"] for atoms in images] == [0, 1, 2, 3, 4]
    for atoms in images:
        frame = written[atoms.info["step"]]
        assert atoms.info["time_fs"] == frame["time_fs"]
        assert atoms.info["level"] == "gfn2"
        assert atoms.symbols.get_chemical_formula(mode="reduce") == "CLiH"
        assert np.array_equal(atoms.cell, template.cell)
        assert np.array_equal(atoms.positions, frame["positions_A"])
        assert atoms.get_potential_energy() == frame["potential_eV"]
        assert np.array_equal(atoms.get_forces(apply_constraint=False), frame["forces_eV_A"])
        assert np.array_equal(atoms.get_charges(), frame["charges_e"])
        assert np.allclose(atoms.get_velocities() * units.fs, frame["velocities_A_fs"], rtol=1e-14)
        assert atoms.constraints[0].index.tolist() == [0]
    with Trajectory(tmp_path / "md" / "trajectory.traj") as trajectory:
        assert trajectory.description["fragment"] == ["nd", "ion", "lower"]


def test_kinetic_energy_is_that_of_the_velocities(tmp_path, template):
    written = log_frames(tmp_path / "frames.bin", [0])
    write_trajectory(Frames(tmp_path / "frames.bin", 1), template, tmp_path / "t.traj")
    # 1 u (Å/fs)² = 1e-27 kg × 1.66053907 × (1e5 m/s)² / (1.602176634e-19 J/eV)
    speed2 = (written[0]["velocities_A_fs"] ** 2).sum(axis=1)
    expected = 0.5 * (template.get_masses() * speed2).sum() * 1.66053907e-17 / 1.602176634e-19
    assert ase.io.read(tmp_path / "t.traj").get_kinetic_energy() == pytest.approx(expected, rel=1e-6)


def test_frames_without_forces_have_none(tmp_path, template):
    log_frames(tmp_path / "frames.bin", [0, 10], forces=False, charges=False)
    write_trajectory(Frames(tmp_path / "frames.bin", 10), template, tmp_path / "t.traj")
    assert set(ase.io.read(tmp_path / "t.traj").calc.results) == {"energy"}


def test_a_trajectory_of_other_atoms_is_refused_and_the_old_one_kept(tmp_path, template):
    log_frames(tmp_path / "frames.bin", [0])
    (tmp_path / "t.traj").write_text("old")
    with pytest.raises(UserError, match=r"frames.bin: holds 3 atoms; the structure of the run has 4"):
        write_trajectory(Frames(tmp_path / "frames.bin", 1), template + Atoms("H"), tmp_path / "t.traj")
    assert (tmp_path / "t.traj").read_text() == "old"


def test_a_broken_write_leaves_the_old_trajectory(tmp_path, template, monkeypatch):
    log_frames(tmp_path / "frames.bin", [0, 1])
    (tmp_path / "t.traj").write_text("old")
    monkeypatch.setattr("iondrill.collect.trajectory.frame_atoms", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_trajectory(Frames(tmp_path / "frames.bin", 1), template, tmp_path / "t.traj")
    assert (tmp_path / "t.traj").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames.bin", "t.traj"]
