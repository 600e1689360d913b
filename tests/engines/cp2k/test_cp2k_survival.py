"""Real CP2K, killed and stopped by every means: each step is there once, as in an uninterrupted run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from ase.build import molecule
from ase.units import Hartree

from iondrill.config.models import Thermostat
from iondrill.engines.base import StoppedError, read_result
from iondrill.engines.cp2k import Cp2kEngine
from iondrill.engines.folder import read_job
from iondrill.engines.registry import write_folder
from iondrill.jobs.frames import Frames
from iondrill.jobs.job import Md

pytestmark = pytest.mark.cp2k
MPIRUN = ["mpirun", "--allow-run-as-root", "--bind-to", "none", "-n", "1"]
LEVEL = {"cutoff_Ry": 150, "rel_cutoff_Ry": 30, "eps_scf": 1e-7, "launcher": MPIRUN}
STEPS = 20
TASK = Md(
    steps=STEPS,
    timestep_fs=0.5,
    temperature_K=300,
    thermostat=Thermostat(kind="csvr", time_constant_fs=50),
    launch_m_s=0,
    save_every=1,
    seed=11,
)
SCRIPT = """
import sys
from pathlib import Path
from iondrill.engines.base import StoppedError
from iondrill.engines.cp2k import Cp2kEngine
from iondrill.engines.folder import read_job
folder = Path(sys.argv[1])
try:
    result, atoms = Cp2kEngine().run(*read_job(folder), folder)
except StoppedError as error:
    sys.exit(str(error))
result.write(folder / "result.json")
"""


def methane():
    atoms = molecule("CH4")
    atoms.set_cell([6.6, 6.6, 6.6])
    atoms.positions += [0.1, -0.2, 0.3]
    atoms.set_array("fragment", np.full(5, "lower"))
    return atoms


def frames(folder):
    (path,) = folder.glob("state/*/frames.bin")
    return Frames(path, stride=1)


def n_frames(folder):
    return sum((len(frames(folder)) for path in folder.glob("state/*/frames.bin") if path.stat().st_size > 1500), 0)


class Runner:
    """A run in a process of its own."""

    def __init__(self, folder, **environment):
        self.folder = folder
        command = [sys.executable, "-c", SCRIPT, str(folder)]
        variables = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
        self.process = subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True)

    def wait_for(self, event):
        until = time.monotonic() + 120
        while not event():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < until
            time.sleep(0.1)

    def end(self):
        _, said = self.process.communicate(timeout=240)
        return self.process.returncode, said


@pytest.fixture
def uninterrupted(make_job, tmp_path):
    """Return the frames of a run that nothing interrupts."""
    folder = tmp_path / "uninterrupted"
    write_folder(make_job("cp2k", "cluster", TASK, level=LEVEL), methane(), folder)
    result, atoms = Cp2kEngine().run(*read_job(folder), folder)
    check_uninterrupted(frames(folder), result, atoms)
    return frames(folder)


def check_uninterrupted(run, result, atoms):
    assert run.steps.tolist() == list(range(STEPS + 1))
    assert (result.status, result.n_ionic_steps) == ("converged", STEPS)
    assert result.energy_eV == pytest.approx(run[STEPS]["potential_eV"], abs=1e-6)
    # the frames are where the job's atoms are, not where CP2K's cell has them
    assert np.allclose(run[0]["positions_A"], methane().positions, atol=1e-8)
    assert np.allclose(run[STEPS]["positions_A"], atoms.positions, atol=1e-8)
    drift_eV = np.ptp([run[i]["conserved_eV"] for i in range(STEPS + 1)])
    assert drift_eV < 0.02
    # velocities and forces are of the same motion as the positions; before it, the thermostat scales the velocities
    acceleration = run[0]["forces_eV_A"] / methane().get_masses()[:, None] * 9.6485332e-3  # Å/fs²
    before = (run[1]["positions_A"] - run[0]["positions_A"]) / 0.5 - 0.25 * acceleration
    scale = np.vdot(before, run[0]["velocities_A_fs"]) / np.vdot(run[0]["velocities_A_fs"], run[0]["velocities_A_fs"])
    assert scale == pytest.approx(1, abs=0.2)
    assert np.allclose(before, scale * run[0]["velocities_A_fs"], atol=1e-5)
    charges = np.array([run[i]["charges_e"] for i in range(STEPS + 1)])
    assert np.abs(charges.sum(axis=1)).max() < 1e-3
    assert (charges[:, 0] < -0.1).all()


def test_kill_wall_time_exit_file_and_signal(uninterrupted, make_job, tmp_path):
    """EPS_SCF 1e-7: CP2K forgets its extrapolation, and a step differs by what the threshold leaves open."""
    folder = tmp_path / "cut"
    write_folder(make_job("cp2k", "cluster", TASK, level=LEVEL), methane(), folder)
    (folder / "EXIT").touch()  # stale: must not stop anything

    run = Runner(folder)
    enough = random.randint(1, 3)  # noqa: S311
    run.wait_for(lambda: n_frames(folder) >= enough)
    time.sleep(random.uniform(0, 1))  # noqa: S311
    run.process.send_signal(signal.SIGKILL)
    assert run.end()[0] == -signal.SIGKILL
    assert 1 <= n_frames(folder) <= STEPS

    status, said = Runner(folder, IONDRILL_WALLTIME_s="8").end()
    assert status == 1
    assert "stopped at the wall time" in said
    assert "run it again" in said

    # CP2K looks for the file in its first SCF, and then every 20 s
    run = Runner(folder)
    run.wait_for(lambda: list(folder.glob("state/*/attempt-003/launcher.out")))
    (folder / "EXIT").touch()
    status, said = run.end()
    assert status == 1
    assert "stopped by an EXIT file" in said

    # the first signal asks for the same, the second does not wait
    run = Runner(folder)
    before = n_frames(folder)
    run.wait_for(lambda: n_frames(folder) > before)
    for _ in range(2):
        run.process.send_signal(signal.SIGTERM)
        time.sleep(0.7)
    status, said = run.end()
    assert status == 1
    assert "stopped by SIGTERM" in said

    assert Runner(folder).end() == (0, "")
    whole = frames(folder)
    assert whole.steps.tolist() == list(range(STEPS + 1))
    for i in range(STEPS + 1):
        assert np.abs(whole[i]["positions_A"] - uninterrupted[i]["positions_A"]).max() < 1e-6
        assert abs(whole[i]["potential_eV"] - uninterrupted[i]["potential_eV"]) < 1e-8 * Hartree
        assert abs(whole[i]["conserved_eV"] - uninterrupted[i]["conserved_eV"]) < 1e-7 * Hartree

    reasons = [attempt.reason.partition(" at step")[0] for attempt in read_result(folder / "result.json").attempts]
    assert reasons[:3] == ["killed", "stopped at the wall time", "stopped by an EXIT file"]
    assert reasons[3].endswith("(SIGTERM)")
    assert reasons[4:] == ["finished"]

    # the result is lost, the state is not: nothing is computed again
    (folder / "result.json").unlink()
    assert Runner(folder).end() == (0, "")
    assert len(read_result(folder / "result.json").attempts) == 5


def test_no_time_left_is_said_before_anything_runs(make_job, tmp_path, monkeypatch):
    monkeypatch.setenv("IONDRILL_WALLTIME_s", "0.5")
    with pytest.raises(StoppedError, match="no time is left"):
        Cp2kEngine().run(make_job("cp2k", "cluster", TASK, level=LEVEL), methane(), tmp_path)
    assert not list(tmp_path.glob("state/*/attempt-*"))
