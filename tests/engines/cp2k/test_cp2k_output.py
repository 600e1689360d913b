"""Logs that CP2K wrote are read, and the damaged ones never give a number."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from ase.units import Bohr, Hartree
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.engines.cp2k.handlers import Ending, judge
from iondrill.engines.cp2k.output import Log, sound_forces
from iondrill.jobs.job import Static


@pytest.fixture(scope="module")
def logs(root):
    folder = root / "tests/data/cp2k"
    return {path.stem: path.read_text() for path in folder.glob("*.out")}


def log_of(text):
    log = Log()
    log.feed(text)
    return log


def test_a_single_point(logs):
    log = log_of(logs["static"])
    (scf,) = log.scf
    assert log.version == "CP2K version 2023.1"
    assert (log.ended, log.cores, log.abort) == (True, 1, "")
    assert (scf.converged, scf.on_the_edge, log.code) == (True, False, "")
    assert scf.cycles == log.n_cycles == logs["static"].count("OT DIIS")
    assert scf.energy_eV / Hartree == pytest.approx(-8.0727586, abs=1e-6)
    forces = sound_forces(log, 5)
    assert np.abs(forces.sum(axis=0)).max() * Bohr / Hartree < 1e-4
    # tetrahedral: carbon feels nothing, the four hydrogens the same
    assert np.ptp(np.linalg.norm(forces[1:], axis=1)) < 0.01 * np.linalg.norm(forces[1])
    for scheme in ("Hirshfeld", "Mulliken"):
        charges = scf.charges_e(scheme, "CHHHH", 0)
        assert charges[0] < 0 < charges[1]
        assert charges.sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("unit", ["(a.u.):", "[a.u.]:", "[hartree]", "[hartree]:"])
@pytest.mark.parametrize("name", ["static", "md", "relaxed"])
def test_the_energy_in_the_words_of_every_version(logs, name, unit):
    # 7.1 and before, 8 to 2024, after that
    other = log_of(logs[name].replace("[a.u.]:  ", unit.ljust(9)))
    log = log_of(logs[name])
    assert [(scf.energy_eV, scf.converged) for scf in other.scf] == [(s.energy_eV, s.converged) for s in log.scf]
    assert other.n_sound == log.n_sound > 0
    assert other.ended


def test_charges_of_an_open_shell_are_not_its_spins(logs):
    log = log_of(logs["edge-open-shell"])
    (scf,) = log.scf
    for scheme in ("Hirshfeld", "Mulliken"):
        assert scf.tables[scheme].printed_e == (0.0,)
        assert scf.tables[scheme].spin == pytest.approx([1], abs=2e-3)
    assert scf.converged
    assert scf.on_the_edge
    assert log.code == "density_on_edge"
    assert log.n_sound == 0  # its energy is wrong in the wavelet solver


def test_molecular_dynamics_has_an_scf_for_each_step(logs):
    log = log_of(logs["md"])
    assert len(log.scf) == log.n_sound == 7
    assert all(scf.tables["Hirshfeld"].symbols == tuple("CHHHH") for scf in log.scf)


def test_relaxations(logs):
    log = log_of(logs["relaxed"])
    assert (log.relaxed, log.gave_up, log.geometry_step) == (True, False, 3)
    assert np.linalg.norm(sound_forces(log, 5), axis=1).max() < 0.05
    log = log_of(logs["not-relaxed"])
    assert (log.relaxed, log.gave_up, log.geometry_step) == (False, True, 2)


def test_an_unconverged_scf_is_not_sound_and_neither_is_what_follows(logs):
    log = log_of(logs["unconverged"])
    assert log.unconverged
    assert log.n_sound == 0
    log.feed(logs["static"])
    assert log.n_sound == 0


def test_the_moment_of_an_scf_is_read(logs):
    log = log_of(logs["unconverged-spins"])
    assert log.unconverged
    assert log.spin_e == 0.0160874005
    assert math.isnan(log_of(logs["static"]).spin_e)


@pytest.mark.parametrize(("name", "attribute"), [("wall-time", "out_of_time"), ("exit-file", "stopped")])
def test_soft_stops(name, attribute, logs):
    log = log_of(logs[name])
    assert log.ended
    assert getattr(log, attribute)


def test_an_scf_that_an_exit_file_ended_is_not_sound(logs):
    log = log_of(logs["exit-file"])
    assert len(log.scf) == 2
    assert log.n_sound == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no-basis", "The requested basis set <NO-SUCH-BASIS> for element <C> was not found in the basis set files"),
        ("bad-keyword", "found an unknown keyword CUTOFFF in section MGRID"),
    ],
)
def test_what_cp2k_says_when_it_aborts(name, words, logs):
    found = log_of(logs[name]).abort
    assert found.startswith(words)
    assert ".F:" not in found


def test_reading_in_pieces_makes_no_difference(logs):
    whole = log_of(logs["md"])
    pieces = Log()
    for start in range(0, len(logs["md"]), 37):
        pieces.feed(logs["md"][start : start + 37])
    assert pieces.scf == whole.scf
    assert pieces.n_cycles == whole.n_cycles


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_cut_log_gives_only_numbers_of_the_whole_one(data, root):
    text = (root / "tests/data/cp2k/md.out").read_text()
    whole, cut = log_of(text), log_of(text[: data.draw(st.integers(0, len(text)))])
    assert [scf.energy_eV for scf in cut.scf] == [scf.energy_eV for scf in whole.scf[: len(cut.scf)]]
    assert cut.n_sound <= whole.n_sound


@settings(max_examples=60, deadline=None)
@given(text=st.text())
def test_nonsense_is_read_without_a_traceback(text):
    log = log_of(text + "\n")
    assert log.n_sound == 0


@pytest.mark.parametrize("word", ["NaN", "Infinity", "*****************", "-8.07E", ""])
def test_an_energy_that_is_no_number_is_not_sound(word, logs):
    text, found = re.subn(r"(ENERGY\|.*: +)\S+", rf"\g<1>{word}", logs["static"])
    assert found == 1
    assert log_of(text).n_sound == 0


def test_forces_are_whole_or_none(logs):
    lines = logs["static"].splitlines(keepends=True)
    (row,) = [i for i, line in enumerate(lines) if line.split()[:3] == ["3", "2", "H"] and len(line.split()) == 6]
    without = "".join(lines[:row] + lines[row + 1 :])
    assert sound_forces(log_of(without), 5) is None
    assert sound_forces(log_of(logs["static"]), 4) is None
    wrong = lines[row].split()
    assert sound_forces(log_of(logs["static"].replace(lines[row], f" 3 2 H NaN {' '.join(wrong[4:])}\n")), 5) is None


def test_the_forces_of_newer_versions():
    """As CP2K 2024.1 prints them (force_env_types, write_forces)."""
    log = log_of(
        " FORCES| Atomic forces [hartree/bohr]\n"
        " FORCES|   Atom                      x               y               z             |f|\n"
        " FORCES|      1          0.00000000E+00  0.00000000E+00 -1.33236800E-02  1.33236800E-02\n"
        " FORCES|      2          0.00000000E+00  0.00000000E+00  1.33236700E-02  1.33236700E-02\n"
        " FORCES| Sum             0.00000000E+00  0.00000000E+00 -1.00000000E-08  1.00000000E-08\n"
    )
    assert sound_forces(log, 2)[:, 2] == pytest.approx(np.array([-1, 1]) * 0.01332368 * Hartree / Bohr, rel=1e-5)


def test_the_energy_of_newer_versions():
    """As CP2K 2024.1 and later print it (force_env_methods.F): free energy and gap are not the energy."""
    line = " ENERGY| Total FORCE_EVAL ( QS ) {:<38}{:26.15f}\n"
    log = log_of(
        "  *** SCF run converged in    12 steps ***\n"
        + line.format("energy [hartree]", -31.1)
        + line.format("gap [hartree]", 0.2)
        + line.format("free energy [hartree]", -31.2)
    )
    assert [scf.energy_eV / Hartree for scf in log.scf] == pytest.approx([-31.1])
    assert log.n_sound == 1


def test_the_abort_of_newer_versions():
    """As CP2K 2024.1 and later end an SCF that did not converge (qs_scf.F)."""
    log = log_of(
        " *   ___                                                                       *\n"
        " *  /   \\                                                                      *\n"
        " * [ABORT]                                                                     *\n"
        " *  \\___/     SCF run NOT converged. To continue the calculation regardless,   *\n"
        " *    |             please set the keyword IGNORE_CONVERGENCE_FAILURE.         *\n"
        " *  O/|                                                                        *\n"
        " * /| |                                                                        *\n"
        " * / \\                                                            qs_scf.F:702 *\n"
        " *******************************************************************************\n"
    )
    assert log.unconverged
    assert "IGNORE_CONVERGENCE_FAILURE" in log.abort
    assert judge(Ending(log, "", 1, Static(), "forces missing", 1 << 30)).action == "climb"
