"""The engine with real CP2K: results that are sound, and those that are not given."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from iondrill.engines.cp2k import Cp2kEngine
from iondrill.engines.cp2k.attempt import LOG
from iondrill.engines.cp2k.inputs import INPUT
from iondrill.engines.cp2k.output import Log
from iondrill.engines.cp2k.runner import Run
from iondrill.engines.execute import execute
from iondrill.engines.registry import write_folder
from iondrill.jobs.job import Relax, Static

pytestmark = pytest.mark.cp2k
MPIRUN = ["mpirun", "--allow-run-as-root", "--bind-to", "none", "-n", "1"]
CHEAP = {"cutoff_Ry": 150, "rel_cutoff_Ry": 30, "launcher": MPIRUN}


def labelled(atoms, box_A):
    atoms.set_cell([box_A] * 3)
    atoms.set_array("fragment", np.full(len(atoms), "lower"))
    return atoms


def test_a_case_that_fails_in_ot_converges_on_the_ladder(make_job, tmp_path):
    """The singlet of a carbon atom: two electrons for three p orbitals of one energy."""
    level = CHEAP | {"max_scf_cycles": 9}
    job = make_job("cp2k", "cluster", Static(), level=level, multiplicity=1)
    result, _ = Cp2kEngine().run(job, labelled(Atoms("C"), 7), tmp_path)
    assert result.status == "converged"
    assert [attempt.reason for attempt in result.attempts] == ["SCF not converged", "SCF not converged", "finished"]
    assert result.attempts[-1].changed == "diagonalisation, Broyden 0.2"
    assert -160 < result.energy_eV < -130
    assert result.max_force_eV_A < 0.05


def test_an_scf_that_was_too_slow_goes_on_from_where_it_was(make_job, tmp_path):
    level = CHEAP | {"max_scf_cycles": 6, "eps_scf": 1e-6}
    job = make_job("cp2k", "cluster", Static(), level=level)
    result, _ = Cp2kEngine().run(job, labelled(molecule("CH4"), 7), tmp_path)
    assert [attempt.reason for attempt in result.attempts] == ["SCF not converged", "finished"]
    first, second = sorted(tmp_path.glob("state/*/attempt-*"))
    assert 1e-6 < Log.read(first / LOG).convergence < 1e-3
    assert "SCF_GUESS RESTART" in (second / INPUT).read_text()
    assert Log.read(second / LOG).n_cycles < Log.read(first / LOG).n_cycles


def test_a_case_that_cannot_converge_gives_no_number(make_job, tmp_path):
    job = make_job("cp2k", "cluster", Static(), level=CHEAP | {"max_scf_cycles": 2})
    atoms = labelled(molecule("H2"), 6)
    write_folder(job, atoms, tmp_path)
    result = execute(job.model_dump(), atoms, tmp_path / "result.json", tmp_path / "last.extxyz")
    assert result.status == "not_converged"
    assert result.energy_eV is result.max_force_eV_A is None
    assert len(result.attempts) == 4
    assert '"energy_eV": null' in (tmp_path / "result.json").read_text()


def test_relaxed_geometry_energy_and_force_belong_together(make_job, tmp_path):
    level = CHEAP | {"eps_scf": 1e-7, "launcher": []}
    start = labelled(Atoms("H2", positions=[[0.3, 0, 0.1], [0.3, 0, 0.95]]), 6)
    task = Relax(fmax_eV_A=0.05, max_steps=20)
    relaxed, atoms = Cp2kEngine().run(make_job("cp2k", "cluster", task, level=level), start, tmp_path)
    assert relaxed.status == "converged"
    assert 1 <= relaxed.n_ionic_steps < 20
    assert relaxed.max_force_eV_A <= 0.05
    assert atoms.get_distance(0, 1) == pytest.approx(0.752, abs=0.02)  # PBE, and a coarse grid
    # where the job had it, not where CP2K's cell has it
    assert np.allclose(atoms.positions.mean(axis=0), start.positions.mean(axis=0), atol=0.02)
    job = make_job("cp2k", "cluster", Static(), level=level)
    static, same = Cp2kEngine().run(job, atoms, tmp_path)
    assert np.array_equal(same.positions, atoms.positions)
    # the molecule is centred again, which the grid feels a little
    assert static.energy_eV == pytest.approx(relaxed.energy_eV, abs=2e-3)
    assert static.max_force_eV_A < 0.1


def test_orbitals_and_charges(make_job, tmp_path):
    atoms = labelled(molecule("LiH"), 8)
    result, charged = Cp2kEngine().run(make_job("cp2k", "cluster", "wavefunction", level=CHEAP), atoms, tmp_path)
    assert result.status == "converged"
    text = (tmp_path / "wavefunction.molden").read_text()
    assert text.lstrip().startswith("[Molden Format]")
    assert text.endswith("[Nval]\n Li 3\n H  1\n")
    assert len(charged) == 2
    for scheme in ("hirshfeld_e", "mulliken_e"):
        assert charged.arrays[scheme].sum() == pytest.approx(0, abs=1e-3)
    assert charged.arrays["hirshfeld_e"][0] > 0.1  # lithium is positive, of which Mulliken knows nothing


def test_a_frame_starts_from_the_wavefunction_of_the_frame_before(make_job, tmp_path):
    job = make_job("cp2k", "cluster", "wavefunction", level=CHEAP)
    frames = [labelled(Atoms("H2", positions=[[0, 0, 0], [0, 0, height_A]]), 6) for height_A in (0.75, 0.76)]

    def point(atoms, name, *guess_from):
        files = [tmp_path / name / file for file in ("result.json", "last.extxyz")]
        return execute(job.model_dump(mode="json"), atoms, *files, guess_from=[tmp_path / each for each in guess_from])

    first, cold = point(frames[0], "first"), point(frames[1], "cold", "nowhere")
    warm = point(frames[1], "warm", "first")
    assert warm.status == "converged"
    assert warm.n_scf_cycles < cold.n_scf_cycles
    assert warm.input_hash == cold.input_hash != first.input_hash
    assert warm.energy_eV == pytest.approx(cold.energy_eV, abs=1e-3)
    assert "wavefunction of another job" in warm.attempts[0].changed
    assert cold.attempts[0].changed == ""
    # one that is cut is not taken, and what CP2K cannot read is left out of the next attempt
    left = tmp_path / "first/wavefunction.wfn"
    (tmp_path / "warm/guess.wfn").write_bytes(left.read_bytes()[:-5])
    assert Run(job, frames[1], tmp_path / "warm")._resume([])[0].guess is None
    content = left.read_bytes()
    left.write_bytes(content[: struct.unpack("<i", content[:4])[0] + 8])  # the first record alone
    strange = point(frames[1], "strange", "first")
    assert (strange.status, len(strange.attempts)) == ("converged", 2)
    assert strange.energy_eV == pytest.approx(cold.energy_eV, abs=1e-3)


def test_a_slab_with_k_points(make_job, tmp_path):
    """Graphane; its wavefunction's file is another one than a cluster's."""
    edge_A = 2.54
    cell = [[edge_A, 0, 0], [edge_A / 2, edge_A * np.sqrt(0.75), 0], [0, 0, 9]]
    positions = [[0, 0, 3.4], [0, 0, 4.5], [1.27, 0.7332, 4.96], [1.27, 0.7332, 6.06]]
    atoms = Atoms("HCCH", positions=positions, cell=cell, pbc=True)
    atoms.set_array("fragment", np.full(4, "slab"))
    level = CHEAP | {"cutoff_Ry": 120, "kpoints": (2, 2, 1), "eps_scf": 1e-4}
    result, final = Cp2kEngine().run(make_job("cp2k", "slab", Static(), level=level), atoms, tmp_path)
    assert result.status == "converged"
    assert np.array_equal(final.positions, atoms.positions)
    assert list(tmp_path.glob("state/*/attempt-001/job-RESTART.kp"))
    assert -400 < result.energy_eV < -300
