"""A wrong CP2K input is refused with file, line, keyword and what is allowed."""

from __future__ import annotations

import stat

import pytest

from iondrill.engines.cp2k import grammar
from iondrill.engines.registry import engine, write_folder
from iondrill.errors import UserError

SCF = """&FORCE_EVAL
  METHOD QS
  &DFT
    &SCF
      {line}
    &END SCF
  &END DFT
&END FORCE_EVAL
"""


@pytest.fixture
def folder(make_job, structure, tmp_path):
    """Return a valid job folder, to be checked by the bundled grammar."""
    job = make_job("cp2k", "cluster", "relax", level={"command": ["no-such-cp2k"]})
    write_folder(job, structure("cluster"), tmp_path)
    return tmp_path


def damage(folder, old, new):
    path = folder / "job.inp"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


def test_the_valid_folder_passes_and_says_by_which_grammar(folder):
    said = engine("cp2k").validate_inputs(folder)
    assert "CP2K version 2024.1" in said[0]
    assert "cp2k-input-tools" in said[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("MINIMIZER DIIS", "MINIMISER DIIS", "unknown keyword 'MINIMISER' in OT; did you mean 'MINIMIZER'"),
        ("MINIMIZER DIIS", "MINIMIZER DIS", "'MINIMIZER DIS' in OT: invalid keyword 'DIS'; did you mean 'DIIS'"),
        ("&OUTER_SCF", "&OUTERSCF", "unknown section 'OUTERSCF' in SCF; did you mean 'OUTER_SCF'"),
        ("MAX_ITER 77", "MAX_ITER many", "'MAX_ITER many' in GEO_OPT: .*allowed: 1 value.* of kind integer"),
        ("CUTOFF 400.0", "CUTOFF [furlong] 400.0", "CUTOFF"),
        ("CHARGE 0", "CHARGE 0\n    CHARGE 1", "CHARGE.*once"),
        ("MAX_DR 0.1", "MAX_DR 0.1 0.2", "MAX_DR.*exactly 1 values, 2 were given"),
    ],
)
def test_mistakes_name_file_line_and_keyword(folder, old, new, message):
    line = damage(folder, old, new) + new.count("\n")
    with pytest.raises(UserError, match=message) as caught:
        engine("cp2k").validate_inputs(folder)
    (problem,) = caught.value.problems
    assert problem.where == f"{folder / 'job.inp'} (line {line})"


def test_all_mistakes_are_told_at_once(folder):
    first = damage(folder, "UKS", "UKZ")
    second = damage(folder, "&GEO_OPT", "&GEOOPT")
    with pytest.raises(UserError) as caught:
        engine("cp2k").validate_inputs(folder)
    assert [problem.where.split()[-1] for problem in caught.value.problems] == [f"{first})", f"{second})"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("      Li ", "      Na ", "COORD holds 5 atoms, C2 H2 Na1; allowed: C2 H2 Li1"),
        ("PERIODIC NONE", "PERIODIC XYZ", "PERIODIC of POISSON is xyz; allowed: NONE"),
        ("CHARGE 0", "CHARGE 2", "CHARGE is 2; allowed: 0"),
        ("LIST 2", "LIST 3", "FIXED_ATOMS"),
        ("&KIND H", "&KIND X", "no KIND section for H"),
    ],
)
def test_an_input_that_is_not_the_jobs_is_refused(folder, old, new, message):
    damage(folder, old, new)
    with pytest.raises(UserError, match=message):
        engine("cp2k").validate_inputs(folder)


def test_a_cut_input_is_refused(folder):
    path = folder / "job.inp"
    path.write_text(path.read_text()[:1500])
    with pytest.raises(UserError, match=r"job\.inp"):
        engine("cp2k").validate_inputs(folder)
    path.unlink()
    with pytest.raises(UserError, match="cannot be read"):
        engine("cp2k").validate_inputs(folder)


@pytest.mark.parametrize("text", ["&END", "&", "&FORCE_EVAL\n", "@IF\n", "$x", "METHOD 'QS", "&FORCE_EVAL\n \\", "{}"])
def test_nonsense_gives_problems_and_no_traceback(text):
    assert grammar.bundled().read(text, "job.inp").problems


def test_the_reader_forgets_the_file_before():
    rules = grammar.bundled()
    assert rules.read(SCF.format(line="NONSENSE 1"), "a.inp").problems[0].where == "a.inp (line 5)"
    reading = rules.read(SCF.format(line="EPS_SCF 1.0E-7"), "b.inp")
    assert reading.problems == []
    assert reading.tree["+force_eval"][0]["+dft"]["+scf"]["eps_scf"] == 1e-7


@pytest.fixture
def fake_cp2k(tmp_path, monkeypatch):
    """Put a program on the PATH that writes a grammar with one keyword, and counts its calls."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    program = tmp_path / "cp2k.fake"
    program.write_text(
        f"#!/bin/sh\necho call >> {tmp_path}/calls\ncat > cp2k_input.xml <<'E'\n"
        "<CP2K_INPUT><CP2K_VERSION>CP2K version 9</CP2K_VERSION><SECTION repeats='no'><NAME>GLOBAL</NAME>"
        "<DESCRIPTION>prose</DESCRIPTION><KEYWORD repeats='no'><NAME type='default'>PROJECT</NAME>"
        "<DATA_TYPE kind='word'><N_VAR>1</N_VAR></DATA_TYPE></KEYWORD></SECTION></CP2K_INPUT>\nE\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    grammar._of_program.cache_clear()
    return program


def test_the_grammar_of_a_program_is_asked_for_once(fake_cp2k, tmp_path):
    rules = grammar.of_command([fake_cp2k.name])
    assert rules.version == "CP2K version 9"
    assert rules.read("&GLOBAL\nPROJECT a\n&END", "x").problems == []
    assert rules.read("&GLOBAL\nSEED 1\n&END", "x").problems
    grammar._of_program.cache_clear()
    assert grammar.of_command([fake_cp2k.name]).version == "CP2K version 9"
    assert (tmp_path / "calls").read_text().count("call") == 1
    (kept,) = (tmp_path / "cache/iondrill").iterdir()
    assert "prose" not in kept.read_text()


def test_a_program_that_cannot_say_its_grammar_is_passed_over(fake_cp2k):
    fake_cp2k.write_text("#!/bin/sh\nexit 1\n")
    assert grammar.of_command([fake_cp2k.name]) is None
    assert grammar.of_command(["no-such-cp2k"]) is None
