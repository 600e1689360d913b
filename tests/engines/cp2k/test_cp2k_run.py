"""The real CP2K takes the inputs, and what comes out is what was asked for."""

from __future__ import annotations

import os
import re
import subprocess

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms
from ase.io import read
from ase.units import Bohr, Hartree, fs

from iondrill.config.models import Thermostat
from iondrill.engines.cp2k import Cp2kEngine
from iondrill.engines.embedded.velocities import start_velocities
from iondrill.engines.registry import write_folder
from iondrill.jobs.job import Md, Relax, Static

pytestmark = pytest.mark.cp2k
CHEAP = {"cutoff_Ry": 120, "rel_cutoff_Ry": 30, "eps_scf": 1e-5, "kpoints": (2, 2, 1)}
MPIRUN = ["mpirun", "--allow-run-as-root", "--bind-to", "none", "-n", "1"]


def run(folder, launcher=()):
    subprocess.run(
        [*launcher, "cp2k.psmp", "-i", "job.inp", "-o", "job.out"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=300,
        capture_output=True,
    )
    return (folder / "job.out").read_text()


def energies_eV(output):
    return [float(value) * Hartree for value in re.findall(r"ENERGY\| Total FORCE_EVAL.*:\s+(\S+)", output)]


def h2(distance_A=0.75):
    atoms = Atoms("H2", positions=[[0, 0, 0], [0, 0, distance_A]], cell=[7, 7, 7])
    atoms.set_array("fragment", np.array(["nd", "nd"]))
    return atoms


def test_the_program_says_its_version():
    found = Cp2kEngine().available()
    assert found.found
    assert re.match(r"CP2K version \d{4}\.\d", found.version)


def test_closed_and_open_shell_single_points(make_job, tmp_path):
    """H2 is bound as a singlet and repulsive as a triplet, and the triplet is UKS."""
    output = {}
    for multiplicity in (1, 3):
        folder = tmp_path / str(multiplicity)
        job = make_job("cp2k", "cluster", Static(wavefunction=True), level=CHEAP, multiplicity=multiplicity)
        write_folder(job, h2(), folder)
        output[multiplicity] = run(folder)
        assert "SCF run converged" in output[multiplicity]
        assert "Hirshfeld Charges" in output[multiplicity]
        assert "Mulliken Population Analysis" in output[multiplicity]
        molden = (folder / "job-MOS-1_0.molden").read_text()
        occupations = [float(value) for value in re.findall(r"Occup=\s*(\S+)", molden)]
        assert [value for value in occupations if value] == ([2] if multiplicity == 1 else [1, 1])
    (singlet,), (triplet,) = energies_eV(output[1]), energies_eV(output[3])
    assert 5 < triplet - singlet < 20
    assert "WARNING" not in output[1]


def test_molecular_dynamics_of_a_launched_molecule_conserves_its_energy(make_job, tmp_path):
    task = Md(
        steps=3,
        timestep_fs=0.25,
        temperature_K=300,
        thermostat=Thermostat(kind="none"),
        launch_m_s=900,
        save_every=1,
        seed=5,
    )
    atoms = h2()
    write_folder(make_job("cp2k", "cluster", task, level=CHEAP | {"eps_scf": 1e-6}), atoms, tmp_path)
    run(tmp_path, MPIRUN)
    steps = np.loadtxt(tmp_path / "job-1.ener", ndmin=2)
    assert steps[:, 0].tolist() == [0, 1, 2, 3]
    assert np.ptp(steps[:, 5]) * Hartree < 2e-3
    frames = read(tmp_path / "job-pos-1.xyz", index=":")
    assert len(frames) == 4
    moved = frames[1].get_center_of_mass() - frames[0].get_center_of_mass()
    assert moved == pytest.approx([900 * 0.25 * 1e-5, 0, 0], abs=2e-5)
    atoms.set_velocities(start_velocities(task, atoms))
    assert steps[0, 2] * Hartree == pytest.approx(atoms.get_kinetic_energy(), rel=1e-3)
    assert atoms.get_velocities()[:, 0].mean() * fs * 1e5 == pytest.approx(900)


def test_the_thermostat_and_fixed_atoms_are_taken(make_job, tmp_path):
    task = Md(steps=2, timestep_fs=0.5, temperature_K=300, thermostat=Thermostat(), launch_m_s=0, save_every=1, seed=5)
    other = h2()
    other.positions += [3, 0, 0]
    atoms = h2() + other  # one H2 with a fixed atom has no degree of freedom left for CP2K
    atoms.set_constraint(FixAtoms([0]))
    write_folder(make_job("cp2k", "cluster", task, level=CHEAP), atoms, tmp_path)
    output = run(tmp_path)
    assert "CSVR" in output
    frames = read(tmp_path / "job-pos-1.xyz", index=":")
    assert len(frames) == 3
    assert np.array_equal(frames[0].positions[0], frames[-1].positions[0])
    assert not np.allclose(frames[0].positions[1], frames[-1].positions[1], atol=1e-4)


def test_relaxation_ends_below_the_force_that_was_asked_for(make_job, tmp_path):
    fmax_eV_A = 0.1
    job = make_job("cp2k", "cluster", Relax(fmax_eV_A=fmax_eV_A, max_steps=20), level=CHEAP)
    write_folder(job, h2(0.85), tmp_path)
    output = run(tmp_path)
    assert "GEOMETRY OPTIMIZATION COMPLETED" in output
    last = output.split("ATOMIC FORCES in [a.u.]")[-1]
    forces = np.array([line.split()[-3:] for line in last.splitlines() if re.match(r"\s+\d+\s+1\s+H ", line)], float)
    assert len(forces) == 2
    assert np.linalg.norm(forces * Hartree / Bohr, axis=1).max() <= fmax_eV_A
    energies = energies_eV(output)
    assert energies[-1] < energies[0]


def test_a_slab_with_k_points_is_taken(make_job, tmp_path):
    """Graphane, 2 × 2 × 1 k-points, a loose SCF."""
    edge_A = 2.54
    cell = [[edge_A, 0, 0], [edge_A / 2, edge_A * np.sqrt(0.75), 0], [0, 0, 9]]
    positions = [[0, 0, 3.4], [0, 0, 4.5], [1.27, 0.7332, 4.96], [1.27, 0.7332, 6.06]]
    atoms = Atoms("HCCH", positions=positions, cell=cell, pbc=True)
    atoms.set_array("fragment", np.full(4, "slab"))
    job = make_job("cp2k", "slab", Static(), level=CHEAP | {"eps_scf": 1e-2, "max_scf_cycles": 12})
    write_folder(job, atoms, tmp_path)
    output = run(tmp_path)
    assert "SCF run converged" in output
    assert "Broy./Diag." in output
    assert (tmp_path / "job-RESTART.kp").is_file()  # with k-points the wavefunction's file ends in .kp
    assert len(energies_eV(output)) == 1
