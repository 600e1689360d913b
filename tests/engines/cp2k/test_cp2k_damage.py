"""Files that a kill, a full disk or a stranger left: never a traceback, never a number that is not sound."""

from __future__ import annotations

import re
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.units import Hartree

from iondrill.config.models import Thermostat
from iondrill.engines.base import StoppedError
from iondrill.engines.cp2k import Cp2kEngine
from iondrill.engines.cp2k.attempt import Attempt
from iondrill.engines.cp2k.restart import is_whole, read_restart, restarts
from iondrill.engines.external.attempt import Record
from iondrill.jobs.frames import FrameLog, Frames
from iondrill.jobs.job import Md, Relax, Static

SYMBOLS = list("CHHHH")
STEPS = 6
TASK = Md(steps=STEPS, timestep_fs=0.5, temperature_K=300, thermostat=Thermostat(), launch_m_s=0, save_every=1, seed=5)
NAMES = {
    "md.out": "job.out",
    "md-1.ener": "job-1.ener",
    "md-1.restart": "job-1.restart",
    "md-pos-1.xyz": "job-pos-1.xyz",
    "md-vel-1.xyz": "job-vel-1.xyz",
    "md-frc-1.xyz": "job-frc-1.xyz",
}


@pytest.fixture
def attempt(root, make_job, tmp_path):
    """Return an attempt whose files are all whole: six steps of methane."""
    from ase.build import molecule

    atoms = molecule("CH4")
    atoms.set_cell([7, 7, 7])
    atoms.set_array("fragment", np.full(5, "lower"))
    folder = tmp_path / "attempt-001"
    folder.mkdir()
    for source, name in NAMES.items():
        (folder / name).write_text((root / "tests/data/cp2k" / source).read_text())
    found = Attempt(make_job("cp2k", "cluster", TASK), atoms, folder)
    found.note(Record(start=0, fallback=0))
    return found


def recovered(attempt, tmp_path):
    """Return the verdict, the frames' last step, and where the next attempt would start."""
    path = tmp_path / "frames.bin"
    verdict = attempt.recover()
    with FrameLog.open(path, 5) as log:
        last = log.truncate_after(STEPS)
    if last is not None:
        run = Frames(path, stride=1)  # refuses a gap
        assert run.steps.tolist() == list(range(last + 1))
        for i in range(last + 1):
            assert all(np.isfinite(run[i][name]).all() for name in run.fields)
            assert -240 < run[i]["potential_eV"] < -200
    return verdict, last, attempt.restart(last)


def test_whole_files_are_done(attempt, tmp_path):
    verdict, last, restart = recovered(attempt, tmp_path)
    assert (verdict.action, last) == ("done", STEPS)
    assert attempt.final().step == STEPS
    assert restart is None  # the only file is of the last step: nothing to resume from


def test_the_frames_are_where_the_atoms_of_the_job_are(attempt, tmp_path):
    recovered(attempt, tmp_path)
    run = Frames(tmp_path / "frames.bin", stride=1)
    assert np.allclose(run[0]["positions_A"], attempt.atoms.positions, atol=1e-8)


def edit(name, pattern, new, count=1):
    def damage(folder):
        path = folder / name
        text, found = re.subn(pattern, new, path.read_text(), count=count, flags=re.DOTALL)
        assert found
        path.write_text(text)

    return damage


def cut(name, share):
    def damage(folder):
        text = (folder / name).read_bytes()
        (folder / name).write_bytes(text[: int(len(text) * share)])

    return damage


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def remove(name):
    return lambda folder: (folder / name).unlink()


DAMAGE = {
    "log cut early": cut("job.out", 0.1),
    "log cut in the middle": cut("job.out", 0.5),
    "log cut at the end": cut("job.out", 0.99),
    "log empty": write("job.out", b""),
    "log missing": remove("job.out"),
    "log of random bytes": write("job.out", bytes(range(256)) * 64),
    "log without an SCF that converged": edit("job.out", r"\*\*\* SCF run converged", "***"),
    "log with an SCF that did not converge": edit(
        "job.out", r"\*\*\* SCF run converged in +\d+", "SCF run NOT converged"
    ),
    "energy NaN in the log": edit("job.out", r"(ENERGY\|[^\n]*: +)\S+", r"\1NaN"),
    "energy of asterisks in the log": edit("job.out", r"(ENERGY\|[^\n]*: +)\S+", r"\1*********"),
    "charge missing": edit("job.out", r"\n +3 +H +2 [^\n]*", ""),
    "charge NaN": edit("job.out", r"(\n +3 +H +2 [^\n]* )\S+\n", r"\1NaN\n"),
    "trajectory cut": cut("job-pos-1.xyz", 0.7),
    "trajectory missing": remove("job-pos-1.xyz"),
    "trajectory of other atoms": edit("job-pos-1.xyz", r"\n  C ", "\n  O "),
    "trajectory NaN": edit("job-pos-1.xyz", r"(\n  H +)\S+", r"\1NaN"),
    "trajectory of asterisks": edit("job-pos-1.xyz", r"(\n  H +)\S+", r"\1**********"),
    "frame missing": edit("job-pos-1.xyz", r"       5\n i = +3,.*?(?=       5\n i = +4)", ""),
    "line missing": edit("job-vel-1.xyz", r"\n  H [^\n]*", ""),
    "velocities cut": cut("job-vel-1.xyz", 0.3),
    "forces missing": remove("job-frc-1.xyz"),
    "energies cut": cut("job-1.ener", 0.6),
    "energies NaN": edit("job-1.ener", r"(\n +4 +\S+ +\S+ +\S+ +)\S+", r"\1NaN"),
    "energies missing": remove("job-1.ener"),
    "restart empty": write("job-1.restart", b""),
    "restart cut": cut("job-1.restart", 0.8),
    "restart missing": remove("job-1.restart"),
    "restart of random bytes": write("job-1.restart", bytes(range(256)) * 16),
    "restart NaN": edit("job-1.restart", r"(&COORD\n *C +)\S+", r"\1NaN"),
    "restart of other atoms": edit("job-1.restart", r"(&COORD\n *)C ", r"\1Si "),
    "restart of fewer atoms": edit("job-1.restart", r"\n *H [^\n]*", ""),
    "restart of an earlier step": edit("job-1.restart", r"STEP_START_VAL +6", "STEP_START_VAL 2"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_never_taken_for_a_result(damage, attempt, tmp_path):
    damage(attempt.folder)
    verdict, last, restart = recovered(attempt, tmp_path)
    assert verdict.action in {"again", "climb"}
    assert verdict.reason
    assert restart is None or restart.step <= last


@pytest.mark.parametrize("damage", ["charge missing", "charge NaN"])
def test_damaged_charges_are_said(damage, attempt, tmp_path):
    DAMAGE[damage](attempt.folder)
    verdict, last, _ = recovered(attempt, tmp_path)
    assert verdict.reason.startswith("incomplete: the frames end at step -1, not 6: Hirshfeld charges: found")
    assert last is None


def test_a_converged_energy_without_its_charges_says_so(fake, root, make_job, tmp_path):
    text = (root / "tests/data/cp2k/static.out").read_text()
    (tmp_path / "damaged.out").write_text(re.sub(r"\n +3 +H +2 +1\.000[^\n]*", "", text))
    level = fake("static", before=f"cp {tmp_path}/damaged.out job.out; touch job-MOS-1_0.molden; exit 0")
    atoms = Atoms("CHHHH", positions=np.eye(5, 3) * 1.5, cell=[9, 9, 9])
    atoms.set_array("fragment", np.full(5, "lower"))
    result, final = Cp2kEngine().run(make_job("cp2k", "cluster", "wavefunction", level=level), atoms, tmp_path)
    assert result.status == "converged"
    assert "finished without all charges; Hirshfeld charges: found" in result.attempts[-1].reason
    assert "hirshfeld_e" not in final.arrays
    assert final.arrays["mulliken_e"].sum() == pytest.approx(0, abs=1e-9)


RESTART = """&MOTION
  &GEO_OPT
    STEP_START_VAL 7
  &END GEO_OPT
&END MOTION
&FORCE_EVAL
  &SUBSYS
    &COORD
{}
    &END COORD
  &END SUBSYS
&END FORCE_EVAL
"""
"""What is read of a restart file of a relaxation."""


@pytest.mark.parametrize(
    ("gapw", "without", "reason"),
    [
        ([], "no such line", "finished"),
        ([], " Hirshfeld Charges", "finished without all charges; Hirshfeld charges: the log has none"),
        (["Li"], "no such line", "finished without all charges; Li on a grid of its own (GAPW), which CP2K's"),
    ],
)
def test_a_relaxed_slab_has_the_charges_of_its_last_geometry(*, gapw, without, reason, fake, root, make_job, tmp_path):
    """Energy and status do not depend on them."""
    from ase.build import graphene

    text = (root / "tests/data/cp2k/relaxed-slab.out").read_text()
    (tmp_path / "this.out").write_text(text.replace(without, ""))
    atoms = graphene(size=(2, 2, 1), vacuum=5) + Atoms("Li", positions=[[0, 0, 7]])
    atoms.pbc = True
    atoms.set_array("fragment", np.array(["slab"] * 8 + ["adsorbate"]))
    rows = (f"{symbol} {x} {y} {z}" for symbol, (x, y, z) in zip(atoms.symbols, atoms.positions, strict=True))
    (tmp_path / "this.restart").write_text(RESTART.format("\n".join(rows)))
    level = fake("static", before=f"cp {tmp_path}/this.out job.out; cp {tmp_path}/this.restart job-1.restart; exit 0")
    job = make_job("cp2k", "slab", Relax(fmax_eV_A=0.4, max_steps=30), level=level | {"gapw": gapw})
    result, final = Cp2kEngine().run(job, atoms, tmp_path)
    assert (result.status, result.n_ionic_steps) == ("converged", 7)
    assert result.energy_eV == pytest.approx(-53.018032548832828 * Hartree)
    assert result.attempts[-1].reason.startswith(reason)
    assert ("hirshfeld_e" in final.arrays) is (reason == "finished")
    assert "mulliken_e" not in final.arrays
    if reason == "finished":
        charges_e = final.arrays["hirshfeld_e"]
        assert charges_e.sum() == pytest.approx(0, abs=1e-9)
        # more than at the first geometry, where the ion was farther from its position
        assert charges_e[-1] == pytest.approx(0.311, abs=1e-3)


@pytest.mark.parametrize(("share", "most"), [(0.2, 0), (0.5, 3), (0.9, 5)])
def test_frames_before_the_cut_are_kept(share, most, attempt, tmp_path):
    cut("job-pos-1.xyz", share)(attempt.folder)
    _, last, _ = recovered(attempt, tmp_path)
    assert most - 1 <= last <= most + 1


def test_a_torn_restart_is_replaced_by_the_one_before(attempt):
    folder = attempt.folder
    text = (folder / "job-1.restart").read_text()
    (folder / "job-1.restart.bak-1").write_text(text.replace("STEP_START_VAL  6", "STEP_START_VAL  5"))
    assert [restart.step for restart in restarts(folder, SYMBOLS)] == [6, 5]
    cut("job-1.restart", 0.9)(folder)
    assert [restart.step for restart in restarts(folder, SYMBOLS)] == [5]
    attempt.log = None
    assert attempt.restart(STEPS).step == 5
    assert attempt.restart(3) is None  # frames 4 and 5 would be missing


def test_any_cut_of_a_restart_is_noticed(attempt):
    path = attempt.folder / "job-1.restart"
    text = path.read_text().rstrip()
    for length in range(0, len(text), 97):
        path.write_text(text[:length])
        assert read_restart(path, SYMBOLS) is None


def test_fortran_records(tmp_path):
    path = tmp_path / "job-RESTART.wfn"
    record = struct.pack("<i", 16) + bytes(16) + struct.pack("<i", 16)
    path.write_bytes(record * 3)
    assert is_whole(path)
    for length in range(3 * len(record)):
        path.write_bytes((record * 3)[:length])
        assert is_whole(path) == (length in {len(record), 2 * len(record)})
    path.write_bytes(record + struct.pack("<i", 16) + bytes(16) + struct.pack("<i", 12))
    assert not is_whole(path)
    assert not is_whole(tmp_path / "missing")


@pytest.fixture
def fake(tmp_path, root):
    """Return a maker of programs that write a part of a real log, and end with a status."""

    def make(name, lines=10**6, *, status=0, before=""):
        program = tmp_path / "fake-cp2k"
        data = root / f"tests/data/cp2k/{name}.out"
        program.write_text(
            f'#!/bin/sh\n[ "$1" = -i ] || {{ echo " CP2K version 2023.1"; exit 0; }}\n{before}\n'
            f"head -n {lines} {data} > job.out\nexit {status}\n"
        )
        program.chmod(0o755)
        return {"command": [str(program)]}

    return make


@pytest.mark.parametrize(
    ("name", "lines", "status", "words"),
    [
        ("static", 30, 0, "no progress in 2 attempts, the last was killed"),
        ("static", 30, 139, "no progress in 2 attempts, the last was killed"),
        ("static", 0, 1, "CP2K did not start"),
        ("no-basis", 10**6, 1, "NO-SUCH-BASIS"),
        ("wall-time", 10**6, 0, "stopped at the wall time; run it again"),
        ("exit-file", 10**6, 0, "stopped by an EXIT file; run it again"),
        ("relaxed", 10**6, 0, "incomplete|forces"),
    ],
)
def test_a_job_that_cannot_end_is_given_back_with_a_message(*, name, lines, status, words, fake, make_job, tmp_path):
    from ase import Atoms

    job = make_job("cp2k", "cluster", Static(wavefunction=True), level=fake(name, lines, status=status))
    atoms = Atoms("CHHHH", positions=np.eye(5, 3) * 1.5, cell=[9, 9, 9])
    atoms.set_array("fragment", np.full(5, "lower"))
    with pytest.raises(StoppedError, match=words):
        Cp2kEngine().run(job, atoms, tmp_path)
    assert not (tmp_path / "result.json").exists()


def test_a_launcher_that_fails_by_chance_is_started_again(fake, make_job, structure, tmp_path):
    once = tmp_path / "once"
    failing = f"[ -e {once} ] || {{ touch {once}; echo 'no session directory' >&2; exit 1; }}"
    job = make_job("cp2k", "atom", Static(), level=fake("unconverged", before=failing))
    result, _ = Cp2kEngine().run(job, structure("atom"), tmp_path)
    first, second, *_ = (attempt.reason for attempt in result.attempts)
    assert "CP2K did not start (exit status 1): no session directory" in first
    assert "SCF not converged" in second


def test_an_attempt_whose_folder_is_gone_was_killed(fake, make_job, structure, tmp_path):
    job = make_job("cp2k", "atom", Static(), level=fake("wall-time"))
    with pytest.raises(StoppedError):
        Cp2kEngine().run(job, structure("atom"), tmp_path / "job")
    (journal,) = tmp_path.glob("job/state/*/journal.json")
    journal.write_text(journal.read_text().replace("stopped at the wall time", "running"))
    shutil.rmtree(journal.parent / "attempt-001")
    fake("unconverged")
    result, _ = Cp2kEngine().run(job, structure("atom"), tmp_path / "job")
    assert result.attempts[0].reason == "killed"
    assert "SCF not converged" in result.attempts[1].reason


def test_a_box_that_is_too_small_fails_and_says_so(fake, make_job, structure, tmp_path):
    job = make_job("cp2k", "atom", Static(), level=fake("edge-open-shell"))
    result, _ = Cp2kEngine().run(job, structure("atom"), tmp_path)
    assert result.status == "failed"
    assert result.energy_eV is None
    assert "enlarge it" in result.attempts[-1].reason


def test_every_fallback_is_tried_and_recorded(fake, make_job, structure, tmp_path):
    job = make_job("cp2k", "atom", Static(), level=fake("unconverged"))
    result, _ = Cp2kEngine().run(job, structure("atom"), tmp_path)
    assert result.status == "not_converged"
    assert result.energy_eV is result.max_force_eV_A is None
    assert [attempt.changed.split(",")[0] for attempt in result.attempts] == [
        "",
        "OT with conjugate gradients",
        "diagonalisation",
        "diagonalisation",
    ]
    inputs = [path.read_text() for path in sorted(tmp_path.glob("state/*/attempt-*/job.inp"))]
    assert ["&OT" in text for text in inputs] == [True, True, False, False]
    assert "MINIMIZER CG" in inputs[1]
    assert "ELECTRONIC_TEMPERATURE 1000" in inputs[3]
    assert all("SCF_GUESS ATOMIC" in text for text in inputs)


def test_spins_that_cancel_are_not_chased_and_those_that_do_not_are_kept(fake, make_job, structure, tmp_path):
    """Lithium over graphene: its SCF wanders about no moment. With one electron's moment the spins stay apart."""
    level = fake("unconverged-spins")
    job = make_job("cp2k", "slab", Static(), level=level)
    result, _ = Cp2kEngine().run(job, structure("slab"), tmp_path / "none")
    assert result.status == "not_converged"
    assert ["spin-restricted" in attempt.changed for attempt in result.attempts] == [False, True, False, False]
    inputs = [path.read_text() for path in sorted(tmp_path.glob("none/state/*/attempt-*/job.inp"))]
    assert ["UKS .TRUE." in text for text in inputs] == [True, False, True, True]
    assert all("SCF_GUESS ATOMIC" in text for text in inputs)

    (program,) = level["command"]
    moment = "| sed s/0.0160874005/1.0132274543/ > job.out"
    Path(program).write_text(Path(program).read_text().replace("> job.out", moment))
    result, _ = Cp2kEngine().run(job, structure("slab"), tmp_path / "one")
    assert [attempt.changed.split(",")[-1].strip() for attempt in result.attempts] == [
        "",
        "Broyden 0.1",
        "Broyden 0.05",
    ]
