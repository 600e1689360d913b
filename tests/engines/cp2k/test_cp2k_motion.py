"""Slabs relaxed, and other ensembles run, by real CP2K: one that is killed ends where an uninterrupted one does."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms, FixCartesian
from ase.units import Bohr, Hartree, fs, kB

from iondrill.config.models import Thermalise, Thermostat
from iondrill.engines.cp2k import Cp2kEngine
from iondrill.engines.cp2k.output import Log, sound_forces
from iondrill.engines.execute import execute, publish
from iondrill.engines.folder import LAST, RESULT, THERMALISED
from iondrill.engines.length import FRAMES
from iondrill.geometry.checks import read_structure
from iondrill.jobs.frames import Frames
from iondrill.jobs.job import Md, Relax, Static

pytestmark = pytest.mark.cp2k
LEVEL = {"cutoff_Ry": 120, "rel_cutoff_Ry": 30, "eps_scf": 1e-7}
# what is compared was computed on the same grid, and H2 has no core: dynamics can do with a coarser one
MD_LEVEL = LEVEL | {"cutoff_Ry": 80}
STEPS, TIME_CONSTANT_FS, TEMPERATURE_K = 4, 10.0, 300.0


def labelled(atoms, label):
    atoms.set_array("fragment", np.full(len(atoms), label))
    return atoms


def run(job, atoms, folder):
    folder.mkdir()
    return Cp2kEngine().run(job, atoms, folder)


def frames_of(folder):
    (path,) = folder.glob("state/*/frames.bin")
    frames = Frames(path, stride=1)
    assert frames.steps.tolist() == list(range(STEPS + 1))
    return frames


@pytest.mark.parametrize("kind", ["none", "nose"])
def test_other_ensembles_resume_after_a_kill(kind, killed_cp2k, make_job, tmp_path):
    """As the survival test does for CSVR; the chain of a Nosé thermostat has positions and velocities of its own."""
    thermostat = Thermostat(kind=kind, time_constant_fs=TIME_CONSTANT_FS)
    settings = {"save_every": 1, "seed": 3, "launch_m_s": 0, "thermostat": thermostat, "temperature_K": TEMPERATURE_K}
    task = Md(steps=STEPS, timestep_fs=0.25, **settings)
    atoms = labelled(Atoms("H2", positions=[[0.3, 0, 0.1], [0.3, 0, 0.85]], cell=[6, 6, 6]), "lower")
    results, frames = {}, {}
    for name, command in (("uninterrupted", "cp2k.psmp"), ("cut", killed_cp2k("MD| Step number *2$"))):
        job = make_job("cp2k", "cluster", task, level=MD_LEVEL | {"command": [command]})
        results[name], _ = run(job, atoms, tmp_path / name)
        frames[name] = frames_of(tmp_path / name)
    assert [attempt.reason for attempt in results["cut"].attempts] == ["killed", "finished"]
    assert results["cut"].attempts[1].changed.startswith("continued from step")
    # no step more than was asked for, and its energy
    for name, result in results.items():
        assert (result.status, result.n_ionic_steps) == ("converged", STEPS)
        assert result.energy_eV == pytest.approx(frames[name][STEPS]["potential_eV"], abs=1e-6)
    pairs = zip(*([frames[name][i] for i in range(STEPS + 1)] for name in ("uninterrupted", "cut")), strict=True)
    for uninterrupted, cut in pairs:
        assert np.abs(cut["positions_A"] - uninterrupted["positions_A"]).max() < 1e-6
        assert abs(cut["potential_eV"] - uninterrupted["potential_eV"]) < 1e-8 * Hartree
        assert abs(cut["conserved_eV"] - uninterrupted["conserved_eV"]) < 1e-7 * Hartree
    conserved_eV, potential_eV = (
        np.array([frames["cut"][i][name] for i in range(STEPS + 1)]) for name in ("conserved_eV", "potential_eV")
    )
    # what Verlet leaves open is second order in the step, and small against what oscillates
    assert np.ptp(conserved_eV) < 0.05 * np.ptp(potential_eV)
    if kind == "none":  # the conserved quantity is the energy
        velocities = np.array([frames["cut"][i]["velocities_A_fs"] for i in range(STEPS + 1)]) / fs
        kinetic_eV = 0.5 * np.einsum("i,kij,kij->k", atoms.get_masses(), velocities, velocities)
        assert conserved_eV - potential_eV == pytest.approx(kinetic_eV, rel=1e-3)


def starts_Ha(folder, attempt):
    """Return the energies of the first and the last cycle of each SCF of an attempt, counted from 1."""
    (log,) = folder.glob(f"state/*/attempt-{attempt:03d}/job.out")
    cycles = re.findall(r"^ +(\d+) (?:NoMix|Broy)\S* .* (-\d+\.\d{10}) ", log.read_text(), re.MULTILINE)
    ends = [k for k, (n, _) in enumerate(cycles) if n == "1"] + [len(cycles)]
    return [(float(cycles[i][1]), float(cycles[j - 1][1])) for i, j in itertools.pairwise(ends)]


def test_a_slab_relaxes_and_goes_on_from_a_kill(killed_cp2k, make_job, tmp_path):
    """BFGS with k-points, diagonalisation and smearing; restart file, wavefunction and Hessian are taken along.

    One cell of graphene, one of its two atoms fixed, the other displaced. CP2K's own first guess of the Hessian takes
    the three neighbours of an atom for one, and its first step goes uphill; with springs it must not. The atoms are
    where CP2K folds them over to the next cell, and the density of one geometry must still be that of the next.
    """
    level = LEVEL | {"kpoints": (2, 2, 1), "eps_scf": 1e-6, "trust_radius_A": 0.2}
    task, found = Relax(fmax_eV_A=0.05, max_steps=20), {}
    cell = [[2.46, 0, 0], [-1.23, 2.1304, 0], [0, 0, 7]]
    positions = [[1.23, 0.7, 3.5], [1.3, 2.17, 3.6]]
    for name, command in (("uninterrupted", "cp2k.psmp"), ("cut", killed_cp2k("Informations at step = *2"))):
        atoms = labelled(Atoms("C2", positions=positions, cell=cell, pbc=True), "slab")
        atoms.set_constraint(FixAtoms([0]))
        found[name] = run(make_job("cp2k", "slab", task, level=level | {"command": [command]}), atoms, tmp_path / name)
        assert found[name][0].status == "converged"
        assert found[name][0].max_force_eV_A <= task.fmax_eV_A
    (uninterrupted, whole_atoms), (cut, cut_atoms) = found.values()
    assert [attempt.reason for attempt in cut.attempts] == ["killed", "finished"]
    (_, *whole_Ha), resumed_Ha = (starts_Ha(tmp_path / name, n) for name, n in (("uninterrupted", 1), ("cut", 2)))
    for first_Ha, last_Ha in (*whole_Ha, *resumed_Ha):
        assert first_Ha == pytest.approx(last_Ha, abs=0.1), "of superposed atoms 0.3, of another cell's density 0.5"
    text = next((tmp_path / "cut").glob("state/*/attempt-002/job.inp")).read_text()
    for word in ("RESTART_FILE_NAME ../attempt-001/job-1.restart", "RESTART_HESSIAN .TRUE."):
        assert word in text
    # what a density converged to 1e-6 leaves open
    assert np.abs(cut_atoms.positions - whole_atoms.positions).max() < 2e-3
    assert cut.energy_eV == pytest.approx(uninterrupted.energy_eV, abs=1e-3)
    assert np.array_equal(whole_atoms.positions[0], positions[0])
    assert whole_atoms.get_distance(0, 1) == pytest.approx(1.42, abs=0.02)
    for atoms in (whole_atoms, cut_atoms):  # alike, but for what is left of the displacement
        assert atoms.arrays["hirshfeld_e"] == pytest.approx(0, abs=5e-3)
        assert atoms.arrays["hirshfeld_e"].sum() == pytest.approx(0, abs=1e-6)
    log = next((tmp_path / "uninterrupted").glob("state/*/attempt-001/job.out")).read_text()
    radii_bohr = re.findall(r"Trust radius += +(\S+)", log)
    assert [float(radius) for radius in set(radii_bohr)] == pytest.approx([0.2 / Bohr])
    ends_Ha = [last_Ha for _, last_Ha in starts_Ha(tmp_path / "uninterrupted", 1)]
    assert ends_Ha[1] < ends_Ha[0]


def test_atoms_fixed_along_axes_move_along_the_others_alone(make_job, tmp_path):
    """A leaning H2, stretched: one atom is free along z, the other along y and z."""
    atoms = labelled(Atoms("H2", positions=[[0, 0, 0], [0.2, 0, 0.85]], cell=[6, 6, 6]), "lower")
    atoms.set_constraint([FixCartesian([0], (True, True, False)), FixCartesian([1], (True, False, False))])
    job = make_job("cp2k", "cluster", Relax(fmax_eV_A=0.3, max_steps=20), level=LEVEL)
    result, final = run(job, atoms, tmp_path / "run")
    assert result.status == "converged"
    moved = np.abs(final.positions - atoms.positions) > 1e-4
    assert moved.tolist() == [[False, False, True]] * 2
    assert final.get_distance(0, 1) == pytest.approx(0.76, abs=0.03)


def test_a_dipole_correction_makes_the_vacuum_not_matter(make_job, tmp_path):
    """Upright LiH: without it, sheets with the dipole mu per area A, h apart, lie in a field of 4 pi mu/(A h)."""
    edge_A, heights_A = 3.5, (14.0, 18.0)
    energy_eV = {}
    for corrected, height_A in ((False, heights_A[0]), *((True, height_A) for height_A in heights_A)):
        positions = [[0, 0, height_A / 2 - 0.8], [0, 0, height_A / 2 + 0.8]]
        atoms = labelled(Atoms("LiH", positions=positions, cell=[edge_A, edge_A, height_A], pbc=True), "slab")
        changes = {"kpoints": (1, 1, 1), "eps_scf": 1e-5, "cutoff_Ry": 200, "dipole_correction": corrected}
        job = make_job("cp2k", "slab", Static(), level=LEVEL | changes)
        result, _ = run(job, atoms, tmp_path / f"{corrected}-{height_A}")
        assert result.status == "converged"
        energy_eV[corrected, height_A] = result.energy_eV
    low, high = heights_A
    assert energy_eV[True, low] == pytest.approx(energy_eV[True, high], abs=3e-3)
    # a sheet that the field polarises gains more than a rigid one, whose dipole is that of CP2K's log
    (log,) = tmp_path.glob(f"True-{high}/state/*/attempt-001/job.out")
    dipole_eA = next(float(line.split()[-1]) for line in log.read_text().splitlines() if "the slab [electrons-" in line)
    rigid_eV = 2 * np.pi * (dipole_eA / edge_A) ** 2 * Bohr * Hartree / low
    assert rigid_eV < energy_eV[True, low] - energy_eV[False, low] < 2 * rigid_eV


def test_sodium_pushes_itself_on_the_grid_and_not_on_a_grid_of_its_own(make_job, tmp_path):
    """Upright NaH among its images: inner forces add up to nothing, wherever the atoms are on the grid."""
    positions = [[0, 0, 2.0], [0, 0, 3.9]]
    net_eV_A = {}
    for gapw in ([], ["Na", "H"]):
        level = LEVEL | {"kpoints": (1, 1, 1), "eps_scf": 1e-6, "cutoff_Ry": 300, "gapw": gapw}
        atoms = labelled(Atoms("NaH", positions=positions, cell=[4.5, 4.5, 8.5], pbc=True), "slab")
        folder = tmp_path / "".join(["with", *gapw])
        run(make_job("cp2k", "slab", Static(), level=level), atoms, folder)
        log = Log()
        (path,) = folder.glob("state/*/attempt-001/job.out")
        log.feed(path.read_text())
        net_eV_A[bool(gapw)] = np.abs(sound_forces(log, 2).sum(axis=0)).max()
    assert net_eV_A[True] < 0.01
    assert net_eV_A[False] > 10 * net_eV_A[True]


def test_a_run_is_thermalised_launched_and_made_longer_and_shorter(make_job, tmp_path):
    """What follows a restart differs by what the threshold of the SCF leaves open: CP2K forgets its extrapolation."""
    atoms = Atoms("H4", positions=[[0.4, 0, 0.1], [0.4, 0, 0.85], [2.6, 0, 0], [2.6, 0, 0.8]], cell=[7.5, 7.5, 7.5])
    atoms.set_array("fragment", np.array(["nd", "nd", "lower", "lower"]))
    settings = {"timestep_fs": 0.25, "save_every": 1, "seed": 3, "launch_m_s": 500, "temperature_K": TEMPERATURE_K}
    settings |= {"thermostat": Thermostat(kind="none"), "thermalise": Thermalise(time_fs=0.5, time_constant_fs=5)}

    def frames_after(steps, folder):
        job = make_job("cp2k", "cluster", Md(steps=steps, **settings), level=MD_LEVEL)
        result = execute(job.model_dump(mode="json"), atoms, folder / RESULT, folder / LAST)
        assert (result.status, result.n_ionic_steps) == ("converged", steps)
        publish(job, folder)
        frames = Frames(folder / FRAMES, stride=1)
        assert frames.steps.tolist() == list(range(steps + 1))
        assert result.energy_eV == frames[steps]["potential_eV"]
        assert np.allclose(read_structure(folder / LAST).positions, frames[steps]["positions_A"], atol=1e-8)
        return result, frames

    _, whole = frames_after(4, tmp_path / "whole")
    frames_after(2, tmp_path / "longer")
    longer, continued = frames_after(4, tmp_path / "longer")
    assert [attempt.changed for attempt in longer.attempts] == ["", "continued from step 2"]
    for step in range(5):
        least = 1e-9 if step <= 2 else 1e-6
        assert np.abs(continued[step]["positions_A"] - whole[step]["positions_A"]).max() < least
        assert abs(continued[step]["potential_eV"] - whole[step]["potential_eV"]) < least * Hartree
    shorter, first = frames_after(3, tmp_path / "longer")
    assert shorter.attempts[-1].changed.endswith("4 steps are there and kept, of which 3 are asked for")
    again, _ = frames_after(4, tmp_path / "longer")
    assert len(again.attempts) == 2, "nothing is run for what is there"
    assert len(first) == 4
    before = Frames(tmp_path / "whole" / THERMALISED / FRAMES, stride=1)
    assert before.steps.tolist() == [0, 1, 2]
    # from rest with twice the temperature; the launch is no heat, and adds to the nanodiamond as a whole
    assert np.abs(whole[0]["positions_A"] - before[2]["positions_A"]).max() < 1e-7
    pushed = whole[0]["velocities_A_fs"] - before[2]["velocities_A_fs"]
    assert np.abs(pushed[2:]).max() < 1e-7
    assert np.abs(pushed[0] - pushed[1]).max() < 1e-7
    assert whole[0]["velocities_A_fs"][:2, 0].mean() * 1e5 == pytest.approx(500, abs=1e-2)
    masses = atoms.get_masses()
    pairs = whole[0]["velocities_A_fs"].reshape(2, 2, 3) / fs
    inner = (pairs - pairs.mean(axis=1, keepdims=True)).reshape(4, 3)
    kinetic_eV = 0.5 * np.einsum("i,ij,ij->", masses, inner, inner)
    assert whole[0]["temperature_K"] == pytest.approx(2 * kinetic_eV / (6 * kB), rel=1e-6)
