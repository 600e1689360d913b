"""Runs of the double of VASP: their numbers, what their attempts say, and that stops and kills change nothing."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import warnings

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.optimize import BFGS
from ase.units import Bohr
from pymatgen.io.vasp.inputs import Incar, Poscar
from pymatgen.io.vasp.outputs import Oszicar, Outcar, Vasprun
from tblite.ase import TBLite

from iondrill.analyse.density.plane import Plane
from iondrill.analyse.elf.map import elf_on_plane
from iondrill.analyse.elf.point import read_point
from iondrill.cli import main
from iondrill.engines.base import StoppedError
from iondrill.engines.execute import execute
from iondrill.engines.registry import write_folder
from iondrill.engines.vasp import VaspEngine, runner
from iondrill.engines.vasp.ladder import fallbacks
from iondrill.engines.vasp.potcar import private_folder
from iondrill.errors import UserError
from iondrill.jobs.job import Relax, Static

FMAX = 0.02
TASK = Relax(fmax_eV_A=FMAX, max_steps=30)
SAME_eV = 1e-6


def methane():
    atoms = molecule("CH4")
    atoms.set_cell([7, 7, 7])
    atoms.rattle(0.08, seed=3)
    atoms = atoms[[1, 0, 2, 3, 4]]  # C is not the first: the POSCAR has another order
    atoms.set_array("fragment", np.full(5, "lower"))
    return atoms


@pytest.fixture
def run(make_job, library, double):
    """Return what runs a job in a folder; the second time, it resumes."""

    def go(folder, atoms=None, task=TASK, kind="cluster", **level):
        job = make_job("vasp", kind, task, level={"command": double, **level})
        atoms = methane() if atoms is None else atoms
        write_folder(job, atoms, folder)
        result, final = VaspEngine().run(job, atoms, folder)
        result.write(folder / "result.json")
        return result, final

    return go


def attempt(folder, number=1):
    (found,) = folder.glob(f"state/*/attempt-{number:03d}")
    return found


def when(folder, number, text, action):
    """Do something, in a thread, once the OSZICAR of an attempt holds a text."""

    def watch():
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if any(text in path.read_text() for path in folder.glob(f"state/*/attempt-{number:03d}/OSZICAR")):
                action()
                return
            time.sleep(0.05)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


@pytest.fixture(scope="module")
def by_ase(tmp_path_factory):
    """Return the energy of methane at rest, by ASE's own optimiser and tblite's own calculator."""
    atoms = methane()
    atoms.pbc = True
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    BFGS(atoms, logfile=None).run(fmax=0.001)
    return atoms


@pytest.fixture
def bomb(tmp_path, monkeypatch):
    """Let the double crash after its third ionic step, once."""
    path = tmp_path / "bomb"
    path.write_text("3")
    monkeypatch.setenv("VASP_DOUBLE_BOMB", str(path))
    return path


def test_a_relaxation_through_a_crash_ends_where_another_program_does(by_ase, run, library, bomb, look_for_potcar):
    folder = bomb.with_name("job")
    result, final = run(folder)
    assert not bomb.exists()
    assert [entry.reason for entry in result.attempts] == ["killed by signal 9", "finished"]
    assert result.attempts[1].changed == "continued from step 3"
    assert (result.status, result.engine_version) == ("converged", "vasp.6.4.2-double")
    assert result.energy_eV == pytest.approx(by_ase.get_potential_energy(), abs=2e-3)
    assert result.max_force_eV_A <= FMAX
    assert result.magnetisation_muB == 0
    # atoms come back in the job's order and position, not in the POSCAR's
    assert final.get_chemical_symbols() == list("HCHHH")
    assert np.abs(final.get_all_distances() - by_ase.get_all_distances()).max() < 0.02
    assert np.abs(final.positions - methane().positions).max() < 0.3

    # each ionic step is counted once, the crashed one's electronic steps too
    first, second = (Oszicar(attempt(folder, n) / "OSZICAR") for n in (1, 2))
    assert len(first.ionic_steps) == 3
    assert result.n_ionic_steps == 3 + len(second.ionic_steps)
    cycles = [len(steps) for oszicar in (first, second) for steps in oszicar.electronic_steps]
    assert result.n_scf_cycles == sum(cycles)
    # the torn CONTCAR was not used: the second attempt begins at a step of the first
    begins = Poscar.from_file(attempt(folder, 2) / "POSCAR", check_for_potcar=False).structure.frac_coords
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        steps = Vasprun(
            attempt(folder, 1) / "vasprun.xml", parse_potcar_file=False, exception_on_bad_xml=False, parse_dos=False
        ).structures
    assert np.allclose(begins % 1, steps[-1].frac_coords % 1, atol=2e-8)

    # pymatgen reads all that is left
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vasprun = Vasprun(attempt(folder, 2) / "vasprun.xml", parse_potcar_file=False)
    assert vasprun.converged
    assert vasprun.final_energy == pytest.approx(result.energy_eV)
    outcar = Outcar(attempt(folder, 2) / "OUTCAR")
    assert outcar.nelect == 8
    assert Incar.from_file(attempt(folder, 2) / "INCAR")["NSW"] == 27

    assert look_for_potcar(folder) == []
    assert not any(path.is_file() for path in (library / "cache").rglob("*"))


def test_a_stopped_run_goes_on_and_takes_the_same_path(run, tmp_path, monkeypatch):
    uninterrupted, _ = run(tmp_path / "uninterrupted")
    monkeypatch.setenv("VASP_DOUBLE_PAUSE_S", "0.1")
    folder = tmp_path / "job"
    stops = (
        ("   1 F=", (folder / "EXIT").touch, "by an EXIT file"),
        ("DAV:   1", lambda: os.kill(os.getpid(), signal.SIGTERM), "by SIGTERM"),
    )
    for number, (text, act, reason) in enumerate(stops, 1):
        thread = when(folder, number, text, act)
        with pytest.raises(StoppedError, match=f"stopped {reason}"):
            run(folder)
        thread.join()
        assert not (folder / "result.json").exists()
    monkeypatch.delenv("VASP_DOUBLE_PAUSE_S")
    result, _ = run(folder)
    assert [entry.reason for entry in result.attempts][::2] == ["stopped by an EXIT file", "finished"]
    assert result.status == "converged"
    assert result.energy_eV == pytest.approx(uninterrupted.energy_eV, abs=SAME_eV)
    assert result.n_ionic_steps == uninterrupted.n_ionic_steps
    # soft: the step was finished, and the next attempt resumes from it with its orbitals
    assert Incar.from_file(attempt(folder, 2) / "INCAR")["ISTART"] == 1
    assert json.loads((attempt(folder, 2) / "attempt.json").read_text())["start"] > 0


def test_an_scf_that_fails_climbs_the_ladder_and_says_so(run, tmp_path, monkeypatch):
    atoms = Atoms("LiH", positions=[[0, 0, 0], [0, 0, 1.7]], cell=[7, 7, 7])
    atoms.set_array("fragment", np.full(2, "lower"))
    result, _ = run(tmp_path / "climbs", atoms, task=Static(), max_scf_cycles=12)
    assert result.status == "converged"
    assert [entry.reason for entry in result.attempts] == ["SCF not converged", "finished"]
    assert result.attempts[1].changed == "ALGO All"
    assert Incar.from_file(attempt(tmp_path / "climbs", 2) / "INCAR")["ISTART"] == 0
    monkeypatch.setattr(runner, "fallbacks", lambda job: fallbacks(job)[:1])
    failed, _ = run(tmp_path / "fails", atoms, task=Static(), max_scf_cycles=3)
    assert (failed.status, failed.energy_eV, failed.max_force_eV_A) == ("not_converged", None, None)
    assert failed.attempts[-1].reason == "SCF not converged, on any rung of the ladder"


def test_the_elf_comes_back_in_the_frame_of_the_job(make_job, library, double, tmp_path):
    job = make_job("vasp", "cluster", Static(wavefunction=True), level={"command": double})
    execute(job.model_dump(mode="json"), methane(), tmp_path / "result.json", tmp_path / "structure.extxyz")
    files = str(tmp_path / "result.json"), str(tmp_path / "structure.extxyz")
    with pytest.raises(UserError, match="two spins, and the level has no elf_spin_D0"):
        read_point(*files)
    grid, back = read_point(*files, "6pi2")
    at_atoms, beside = (grid.evaluate(back.positions + shift) for shift in (0, 0.5))
    assert (at_atoms.rho.sum(axis=0) > 2 * beside.rho.sum(axis=0)).all()
    assert at_atoms.rho[0, 1] > 2 * at_atoms.rho[0, 0]  # carbon is the second
    n_electrons = grid.rho.sum() * abs(np.linalg.det(grid.cell_A)) / Bohr**3 / grid.rho[0].size
    assert n_electrons == pytest.approx(8, rel=0.05)
    bond = Plane(back.positions[1], np.array([[0.1, 0, 0], [0, 0.1, 0]]), (5, 5))
    found = elf_on_plane(grid, bond)
    assert 0 <= found.elf.min() < found.elf.max() <= 1


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("versions", [("1.587401052", "6pi2", "1.000"), ("1", "3pi2", "1.587")])
def test_the_check_of_a_level_says_what_its_elf_of_two_spins_is(double, tmp_path, monkeypatch, capsys, versions):
    D0, spin_D0, ratio = versions
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VASP_DOUBLE_D0", D0)
    # the stage that needs the key may be there, and does not start without it
    config = {"levels": {"v": {"engine": "vasp", "command": double}}, "elf": {"level": "v"}, "md": {"level": "v"}}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    assert main(["elf-check", "v"]) == 0
    said = capsys.readouterr().out
    assert f"of one spin is {ratio} times that of both" in said
    assert f"elf_spin_D0: {spin_D0} is to be added to the level" in said
    config["levels"]["v"]["elf_spin_D0"] = "3pi2" if spin_D0 == "6pi2" else "6pi2"
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    assert main(["elf-check", "v"]) == 1
    assert f"; allowed: '{spin_D0}'" in capsys.readouterr().err


def test_a_relaxation_that_runs_out_of_steps_is_not_an_scf_that_fails(run, tmp_path):
    result, _ = run(tmp_path, task=Relax(fmax_eV_A=FMAX, max_steps=2))
    assert (result.status, result.energy_eV, result.n_ionic_steps) == ("not_converged", None, 2)
    assert [entry.reason for entry in result.attempts] == ["not relaxed within 2 steps"]


def test_a_dataset_that_is_missing_is_named_before_anything_runs(run, library, tmp_path, monkeypatch):
    with pytest.raises(Exception, match=r"no PAW dataset C_GW in .*POT_GGA_PAW_PBE_54"):
        run(tmp_path, potcars={"C": "C_GW", "H": "H"})
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(library / "nowhere"))
    with pytest.raises(Exception, match=r"PMG_VASP_PSP_DIR is .*nowhere, and there is no such folder; set PMG"):
        run(tmp_path)
    assert not private_folder(tmp_path).exists()
