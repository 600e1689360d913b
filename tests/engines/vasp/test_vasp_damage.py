"""Damaged files of VASP: never a number, never a traceback, and the next attempt starts from what is sound."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest

from iondrill.engines.external.attempt import Action, Record
from iondrill.engines.registry import write_folder
from iondrill.engines.vasp.attempt import HARD, SOFT, Attempt
from iondrill.engines.vasp.handlers import HANDLERS, Ending, judge
from iondrill.engines.vasp.output import CONTCAR, OSZICAR, OUTCAR, VASPRUN, WAVECAR, IncompleteError, Log, read_results
from iondrill.engines.vasp.restart import is_whole, next_positions, read_contcar
from iondrill.engines.vasp.runner import Run
from iondrill.jobs.job import Relax, Static

TASK = Relax(fmax_eV_A=0.05, max_steps=20)


@pytest.fixture(scope="module")
def whole(make_job, module_library, double, tmp_path_factory):
    """Return a finished attempt, its orbitals kept."""
    from ase.build import molecule

    atoms = molecule("CH4")
    atoms.set_cell([7, 7, 7])
    atoms.rattle(0.05, seed=1)
    atoms.set_array("fragment", np.full(5, "lower"))
    job, folder = make_job("vasp", "cluster", TASK, level={"command": double}), tmp_path_factory.mktemp("whole")
    write_folder(job, atoms, folder)
    keep, Attempt.drop_large_files = Attempt.drop_large_files, lambda _: None
    try:
        result, _ = Run(job, atoms, folder).to_the_end()
    finally:
        Attempt.drop_large_files = keep
    (path,) = folder.glob("state/*/attempt-001")
    assert result.status == "converged"
    return Attempt(job, atoms, path), result


@pytest.fixture
def attempt(whole, tmp_path):
    """Return a copy of a finished attempt."""
    source, _ = whole
    shutil.copytree(source.folder, tmp_path / "attempt-001")
    return Attempt(source.job, source.atoms, tmp_path / "attempt-001")


def cut(name, share):
    def damage(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(share * len(content))])

    return damage


def change(name, pattern, new, count=0):
    def damage(folder):
        text, n = re.subn(pattern, new, (folder / name).read_text(), count=count)
        assert n
        (folder / name).write_text(text)

    return damage


def missing(name):
    return lambda folder: (folder / name).unlink()


DAMAGE = {
    **{f"{name} cut at {share}": cut(name, share) for name in (VASPRUN, OUTCAR) for share in (0, 0.3, 0.7, 0.98)},
    **{f"{name} missing": missing(name) for name in (VASPRUN, OUTCAR, OSZICAR)},
    "OSZICAR empty": cut(OSZICAR, 0),
    "OSZICAR of another run": change(OSZICAR, r"E0= -\.1", "E0= -.2"),
    "OSZICAR without its last step": change(OSZICAR, r"\n[^\n]*F=[^\n]*\n\Z", "\n"),
    "energy of stars": change(VASPRUN, r'(name="e_0_energy">)[^<]*', r"\1****************"),
    "energy is NaN": change(VASPRUN, r'(name="e_0_energy">)[^<]*', r"\1 NaN "),
    "force is NaN": change(VASPRUN, r'(name="forces" >\n   <v>)\s*\S+', r"\1 NaN"),
    "force of stars": change(VASPRUN, r'(name="forces" >\n   <v>)\s*\S+', r"\1 ************"),
    "too few forces": change(VASPRUN, r'(name="forces" >\n)   <v>[^\n]*\n', r"\1"),
    "other atoms": change(VASPRUN, r"<c>C </c>", "<c>N </c>"),
    "binary in the XML": change(VASPRUN, r"</calculation>", "\x00\x01"),
    "OUTCAR's energy of stars": change(OUTCAR, r"energy\(sigma->0\) = +\S+", "energy(sigma->0) = *********"),
    "OUTCAR's energy of another run": change(OUTCAR, r"energy\(sigma->0\) = +-1", "energy(sigma->0) =  -2"),
    "forces above EDIFFG": change(VASPRUN, r'(name="forces" >\n   <v>)\s*\S+', r"\1  9.00000000"),
    "an SCF in the middle did not converge": change(OUTCAR, "because EDIFF is reached", "EDIFF was not reached", 1),
    "VASP 5 says nothing of an SCF that did not converge": change(
        OUTCAR, r"-+ aborting loop because EDIFF[^\n]*\n", "", 1
    ),
}


def test_whole_files_are_done(attempt, whole):
    verdict = attempt.recover()
    assert verdict.action == "done"
    assert attempt.results.energy_eV == whole[1].energy_eV


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_never_taken_for_a_result(damage, attempt):
    damage(attempt.folder)
    verdict = attempt.recover()
    assert verdict.action in {"again", "climb"}
    assert verdict.reason
    positions = next_positions(attempt.folder, attempt.log, attempt.symbols, np.eye(3) * attempt.atoms.cell[0, 0])
    assert positions is None or np.isfinite(positions).all()


def test_the_energy_is_that_of_zero_smearing(attempt, whole):
    """E0, not the free energy F: E_ads subtracts an atom with sharp levels from a slab with smeared ones."""
    for name, free in (("e_fr_energy", 0.5), ("e_wo_entrp", -0.5)):
        text = (attempt.folder / VASPRUN).read_text()
        text = re.sub(
            rf'(name="{name}">)\s*(\S+)', lambda found, free=free: f"{found[1]} {float(found[2]) - free:.8f}", text
        )
        (attempt.folder / VASPRUN).write_text(text)
    found = read_results(attempt.folder, Log.read(attempt.folder / OUTCAR), attempt.symbols)
    assert found.energy_eV == pytest.approx(whole[1].energy_eV, abs=1e-8)


def test_any_cut_of_a_contcar_is_noticed(attempt):
    path, cell_A = attempt.folder / CONTCAR, np.eye(3) * 7.0
    text = path.read_text()
    whole = read_contcar(path, attempt.symbols, cell_A)
    needed = text.index("direct") + len("\n".join(text[text.index("direct") :].splitlines()[:6]))
    for length in range(0, len(text), 7):
        path.write_text(text[:length])
        found = read_contcar(path, attempt.symbols, cell_A)
        assert (found is not None) == (length > needed), length
        assert found is None or np.array_equal(found, whole)


NO_CONTCAR = [missing(CONTCAR), cut(CONTCAR, 0.4), change(CONTCAR, r"direct\n +\S+", "direct\n nan")]


@pytest.mark.parametrize("damage", NO_CONTCAR)
def test_without_a_contcar_the_steps_of_vasprun_serve(damage, attempt):
    cell_A = np.eye(3) * 7.0
    log = Log.read(attempt.folder / OUTCAR)
    before = next_positions(attempt.folder, log, attempt.symbols, cell_A)
    damage(attempt.folder)
    found = next_positions(attempt.folder, log, attempt.symbols, cell_A)
    assert np.allclose(found, before, atol=2e-8)


def test_positions_that_came_from_an_unconverged_scf_are_not_gone_on_from(attempt):
    """The third SCF did not converge: its own position came from sound forces, the positions after it did not."""
    cell_A, log = np.eye(3) * 7.0, Log.read(attempt.folder / OUTCAR)
    log.scf[2].converged = False
    found = next_positions(attempt.folder, log, attempt.symbols, cell_A)
    log.scf[2].converged = True
    log.scf[3].converged = False
    after = next_positions(attempt.folder, log, attempt.symbols, cell_A)
    last = read_contcar(attempt.folder / CONTCAR, attempt.symbols, cell_A)
    assert np.abs(found - after).max() > 1e-6
    assert np.abs(found - last).max() > 1e-6
    log.scf[0].converged = False
    assert next_positions(attempt.folder, log, attempt.symbols, cell_A) is None


@pytest.mark.parametrize("damage", [missing(WAVECAR), *(cut(WAVECAR, share) for share in (0, 0.001, 0.5, 0.999))])
def test_torn_orbitals_are_not_used(damage, attempt):
    assert is_whole(attempt.folder / WAVECAR)
    damage(attempt.folder)
    assert not is_whole(attempt.folder / WAVECAR)


def test_a_damaged_note_is_one_of_a_start(attempt):
    attempt.note(Record(start=4, fallback=1))
    assert attempt.record.start == 4
    cut("attempt.json", 0.5)(attempt.folder)
    assert attempt.record == Record(start=0, fallback=0)


def test_a_note_of_an_earlier_version_is_read(attempt):
    (attempt.folder / "attempt.json").write_text('{"start": 4, "rung": 1, "action": "climb"}')
    assert attempt.record == Record(start=4, fallback=1, action="climb")


# --- the handlers, without files -------------------------------------------------------------------------------------

OUT = {
    "step": " Iteration\n----- Iteration      1(   1)  -----\n aborting loop because EDIFF is reached\n"
    "  energy  without entropy=      -10.0  energy(sigma->0) =      -10.0\n",
    "unconverged": "----- Iteration      1(   1)  -----\n aborting loop EDIFF was not reached (unconverged)\n"
    "  energy  without entropy=      -10.0  energy(sigma->0) =      -10.0\n",
    "aborted": "----- Iteration      1(   1)  -----\n aborting loop because hard stop was set\n"
    "  energy  without entropy=      -10.0  energy(sigma->0) =      -10.0\n hard stop encountered!  aborting job ...\n",
    "soft": " soft stop encountered!  aborting job ...\n",
    "relaxed": " reached required accuracy - stopping structural energy minimisation\n",
    "end": " General timing and accounting informations for this job:\n",
    "version": " vasp.6.4.2 20Jul23 (build) complex\n",
}
FULL = 1 << 30


def ending(*parts, task=TASK, nsw=20, **changes):
    log = Log()
    log.feed("".join(OUT[part] for part in parts))
    normal = Ending(log, "", status=0, task=task, nsw=nsw, asked="", missing="", free_bytes=FULL)
    return replace(normal, **changes)


HERMITIAN = " WARNING: Sub-Space-Matrix is not hermitian in DAV    4\n"
DENTET = " DENTET: can't reach specified precision\n"
ZHEGV = " Error EDDDAV: Call to ZHEGV failed. Returncode = 9 2 16\n"
DONE = "   5 F= -.38055000E+02 E0= -.38055000E+02  d E =-.1E-02  mag=     0.0000\n"
KILLED = (-9, -15, 137, 143, None)

ENDINGS = [
    (ending("step", "relaxed", "end"), "done", "finished"),
    (ending("step", "end", task=Static(), nsw=0), "done", "finished"),
    (ending("step", "relaxed", "end", missing="vasprun.xml cannot be read"), "again", "incomplete: vasprun.xml"),
    (ending("step", "soft", "end", asked="at the wall time"), "stop", "stopped at the wall time"),
    (ending("step", "aborted", "end"), "stop", "stopped by a STOPCAR"),
    (ending("step", "relaxed", "soft", "end", asked="by SIGTERM"), "done", "finished"),
    (ending("step", "unconverged", "relaxed", "end"), "climb", "SCF not converged"),
    (ending("unconverged", status=-15), "climb", "SCF not converged"),
    (ending("version", status=-15, said="WARNING: SIGMA is large"), "again", "killed by signal 15"),
    (ending("step", "end", nsw=1), "not_converged", "not relaxed within 20 steps"),
    (ending("step", status=-9), "again", "killed by signal 9"),
    (ending("step", status=None), "again", "killed"),
    (ending("step", status=1, said="Error EDDDAV: Call to ZHEGV failed. Returncode = 9"), "climb", "SCF broke down"),
    *[(ending("step", status=kill, said=HERMITIAN + DONE), "again", "killed") for kill in KILLED],
    *[(ending("step", status=kill, said=DONE + DENTET), "again", "killed") for kill in KILLED],
    *[(ending("step", status=kill, said=DONE + HERMITIAN + ZHEGV), "climb", "SCF broke down") for kill in KILLED],
    (ending("step", status=137, said=ZHEGV + DONE), "again", "killed"),
    (ending("step", status=1, said=DENTET + DONE + HERMITIAN), "climb", "SCF broke down: WARNING: Sub-Space-Matrix"),
    (ending("version", status=1, said=DENTET), "climb", "SCF broke down: DENTET"),
    (
        ending("step", status=1, said=HERMITIAN + DONE + " ZBRENT: fatal error in bracketing"),
        "again",
        "VASP stopped: ZBRENT",
    ),
    (ending("step", status=1, said=" ZBRENT: fatal error in bracketing"), "again", "VASP stopped: ZBRENT"),
    (
        ending("version", status=1, said="| VERY BAD NEWS! internal error in IBZKPT:"),
        "fresh",
        "VASP aborted",
    ),
    (ending(status=1, said="mpirun: no session directory"), "again", "VASP did not start (exit status 1): mpirun"),
    (ending(status=127, said="srun: error: no such file"), "refuse", "VASP did not start (exit status 127): srun"),
    (ending("version", status=24, said="forrtl: severe (24): end-of-file during read"), "fresh", "crashed before"),
    (ending("step", status=1, said="write: No space left on device"), "refuse", "the disk is full"),
    (ending("step", free_bytes=0), "refuse", "the disk is full"),
]


@pytest.mark.parametrize(("end", "action", "reason"), ENDINGS, ids=[f"{i}-{e[1]}" for i, e in enumerate(ENDINGS)])
def test_endings(end, action, reason):
    verdict = judge(end)
    assert verdict.action == action
    assert verdict.reason.startswith(reason)


def test_every_handler_is_asked():
    met = {next(h.__name__ for h in HANDLERS if h(end)) for end, *_ in ENDINGS}
    assert met == {handler.__name__ for handler in HANDLERS}
    assert {action for _, action, _ in ENDINGS} <= set(get_args(Action))


# --- the log ---------------------------------------------------------------------------------------------------------


def test_a_log_reads_the_same_in_any_portions(attempt):
    text = (attempt.folder / OUTCAR).read_text()
    whole = Log.read(attempt.folder / OUTCAR)
    assert whole.ended
    assert whole.relaxed
    assert whole.n_sound == len(whole.scf) > 3
    for size in (1000, 37):
        log = Log()
        for start in range(0, len(text), size):
            log.feed(text[start : start + size])
        assert (log.scf, log.n_cycles, log.ended, log.version) == (whole.scf, whole.n_cycles, True, whole.version)


@pytest.mark.parametrize(
    ("line", "cores"),
    [
        (" running on   32 total cores\n", 32),
        (" running   16 mpi-ranks, on    2 nodes\n", 16),
        (" running    8 mpi-ranks, with    4 threads/rank, on    1 nodes\n", 32),
    ],
)
def test_cores_of_all_versions(line, cores):
    log = Log()
    log.feed(line)
    assert log.cores == cores


def test_an_energy_that_is_no_number_is_not_converged():
    log = Log()
    log.feed(OUT["step"].replace("-10.0", "********"))
    assert math.isnan(log.scf[0].energy_eV)
    assert log.n_sound == 0


# --- when to stop ----------------------------------------------------------------------------------------------------

NO_SIGNAL = SimpleNamespace(count=0, name="")
TERM, USR1 = SimpleNamespace(count=1, name="SIGTERM"), SimpleNamespace(count=1, name="SIGUSR1")
TIME = {
    "enough": SimpleNamespace(is_short=False, is_over=False),
    "short": SimpleNamespace(is_short=True, is_over=False),
    "over": SimpleNamespace(is_short=True, is_over=True),
}


@pytest.mark.parametrize(
    ("signals", "clock", "file", "asked", "stopcar"),
    [
        (NO_SIGNAL, "enough", None, "", None),
        (NO_SIGNAL, "short", None, "at the wall time", SOFT),
        (NO_SIGNAL, "over", None, "at the wall time", HARD),
        (TERM, "enough", None, "by SIGTERM", HARD),
        (USR1, "enough", None, "by SIGUSR1", SOFT),
        (NO_SIGNAL, "enough", ("EXIT", ""), "by an EXIT file", SOFT),
        (NO_SIGNAL, "enough", ("STOPCAR", "LSTOP = .TRUE."), "by a STOPCAR", SOFT),
        (NO_SIGNAL, "enough", ("STOPCAR", "labort = .true."), "by a STOPCAR", HARD),
        (NO_SIGNAL, "over", ("EXIT", ""), "at the wall time", HARD),
    ],
)
def test_how_a_run_is_stopped(*, signals, clock, file, asked, stopcar, attempt, tmp_path):
    (attempt.folder / "STOPCAR").unlink(missing_ok=True)
    if file:
        (tmp_path / file[0]).write_text(file[1])
    assert attempt._ask_to_stop(signals, tmp_path, TIME[clock]) == asked
    written = attempt.folder / "STOPCAR"
    assert (written.read_text() if written.exists() else None) == stopcar


def test_a_single_point_is_stopped_within_its_scf(whole, tmp_path):
    source, _ = whole
    job = source.job.model_copy(update={"task": Static()})
    here = Attempt(job, source.atoms, tmp_path)
    assert here._ask_to_stop(USR1, tmp_path / "job", TIME["enough"]) == "by SIGUSR1"
    assert (tmp_path / "STOPCAR").read_text() == HARD


def test_results_need_a_whole_run(tmp_path):
    with pytest.raises(IncompleteError, match="vasprun"):
        read_results(tmp_path, Log(), ["C"])
