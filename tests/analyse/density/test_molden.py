"""Molden orbitals as other programs write them: Fortran's exponents, functions left out here and there, damage."""

import re
from pathlib import Path

import numpy as np
import pytest

from iondrill.analyse.density import molden

OPEN = (Path(__file__).parents[2] / "data" / "elf" / "c2h2li.molden").read_text()
HEAD, TITLE, ORBITALS = OPEN.partition("[MO]")
COEFFICIENT = re.compile(r"(?<=\n)( +\d+) +(-?\d\.\d+E[-+]\d\d)(?=\n)")


def rewritten(change):
    """Return the file with each line of a coefficient as the function of its match says."""
    text = HEAD + TITLE + COEFFICIENT.sub(change, ORBITALS)
    assert text != OPEN
    return text


def assert_same(found, expected):
    for ours, theirs in zip(found[1] + found[2], expected[1] + expected[2], strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("letter", ["D", "e"])
def test_other_letters_for_the_exponent_are_the_same_number(letter):
    text = rewritten(lambda line: line.group().replace("E", letter)).replace("1.0000000", f"1.0000000{letter}+00")
    assert_same(molden.parse(text), molden.parse(OPEN))


def test_one_fortran_exponent_among_others():
    assert_same(molden.parse(HEAD + TITLE + ORBITALS.replace("E-03", "D-03", 1)), molden.parse(OPEN))


def test_each_orbital_may_leave_out_functions_of_its_own():
    starts = [match.start() for match in COEFFICIENT.finditer(ORBITALS)]
    dropped = set(np.random.default_rng(5).choice(starts, 200, replace=False).tolist())
    text = rewritten(lambda line: "" if line.start() in dropped else line.group())
    zeros = rewritten(lambda line: f"{line[1]} 0.0" if line.start() in dropped else line.group())
    assert_same(molden.parse(text.replace("\n\n", "\n")), molden.parse(zeros))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("E-03", "E-0x", 1), "could not convert"),
        (lambda text: text.replace("E-03", "", 1) + " 3", "damaged orbital"),
        (lambda text: re.sub(r"\n +1 ", "\n 0 ", text, count=1), "damaged orbital"),
        (lambda text: re.sub(r"\n +1 ", "\n one ", text, count=1), "invalid literal"),
        (lambda text: text.replace("Spin= Alpha", "Spin= Gamma", 1), "damaged orbital"),
        (lambda text: re.sub(r"Occup.*\n", "", text, count=1), "without an occupation"),
        (lambda text: "\n [A]\n" + text, "no orbitals"),
    ],
)
def test_damage_in_the_orbitals_is_an_error(change, message):
    damaged = change(ORBITALS.partition("[Nval]")[0].rstrip())
    with pytest.raises(ValueError, match=message):
        molden.parse(HEAD + TITLE + damaged)


def test_a_bracket_within_a_line_ends_no_section():
    text = OPEN.replace("Spin= Alpha", "Spin= Alpha [of two]", 1)
    assert text != OPEN
    assert_same(molden.parse(text), molden.parse(OPEN))


def test_orbitals_end_with_the_file_or_at_the_next_section():
    orbitals = ORBITALS.partition("[Nval]")[0].rstrip()
    for tail in ("", "\n", "\n[Nval]\nC 4\n", "\n\t [Any]\n"):
        assert_same(molden.parse(HEAD + TITLE + orbitals + tail), molden.parse(OPEN))


def test_contractions_of_the_same_exponentials_are_one_shell_and_the_same_functions(tmp_path):
    from pyscf.dft.numint import eval_ao
    from pyscf.tools.molden import load

    (tmp_path / "open.molden").write_text(OPEN)
    theirs, ours = load(str(tmp_path / "open.molden"))[0], molden.parse(OPEN)[0]
    points = np.random.default_rng(2).uniform(5, 15, (50, 3))
    np.testing.assert_allclose(eval_ao(ours, points, deriv=1), eval_ao(theirs, points, deriv=1), atol=1e-12)
    kinds = [(ours.bas_atom(k), ours.bas_angular(k), *ours.bas_exp(k)) for k in range(ours.nbas)]
    assert len(set(kinds)) == len(kinds) < theirs.nbas
