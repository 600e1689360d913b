"""The command as a user runs it: exit status, stdout, stderr, and never a traceback."""

import json
import os
import re
import shutil
import subprocess
import sysconfig
from itertools import takewhile
from pathlib import Path

import jsonschema
import pytest

from iondrill.cli import main, parser
from iondrill.cli.docs import generated

ROOT = Path(__file__).parents[1]
COMMAND = Path(sysconfig.get_path("scripts")) / "iondrill"


def iondrill(*arguments, cwd=ROOT):
    done = subprocess.run(
        [COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=120, encoding="utf-8"
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.fixture
def house(tmp_path):
    (tmp_path / "structures").symlink_to(ROOT / "structures")
    (tmp_path / "config.yaml").write_text("levels: {gfn2: {engine: xtb}}\nrelax: {structures: [nd29]}\n")
    return tmp_path


def test_check_of_what_is_right(house):
    done = iondrill("check", cwd=house)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "config.yaml: 1 structures, 1 calculations in the default run, no problems\n"
    done = iondrill("check", "--json", cwd=house)
    assert json.loads(done.stdout) == {
        "structures": 1,
        "calculations": 1,
        "elsewhere": 0,
        "written": 0,
        "problems": [],
        "advice": [],
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["report"],
        ["publish", "--to", "crate", "-o", "file/crate.zip"],
        ["publish", "--to", "crate", "-o", "/sys/crate.zip"],
        ["new", "facet", "mine", "--structures", "recipes"],
        ["docs", "--root", "/sys"],
        ["cluster", "submit", "--scheduler", "pbs", "--cores=1", "--mem-mb=1", "--minutes=1", "job.sh"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_written_or_started_ends_in_one_line(house, monkeypatch, capsys, arguments):
    """Files are where folders are needed, and /sys takes no file even of root."""
    (house / "file").touch()
    (house / "recipes").mkdir()
    for name in ("recipes/facets", ".snakemake"):
        (house / name).touch()
    with (house / "config.yaml").open("a") as stream:
        stream.write(f"results: {'file/inside' if arguments == ['report'] else '.'}\n")
    monkeypatch.chdir(house)
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("iondrill: ")
    assert "Traceback" not in said.out


def test_a_full_disk_and_a_plain_terminal_end_in_no_traceback(house):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([COMMAND, "schema"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "iondrill: No space left on device\n")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([COMMAND, "status"], cwd=house, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupt_ends_with_the_status_of_one(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("iondrill.cli.doctor.examine", interrupted)
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err == "iondrill: stopped\n"


@pytest.mark.parametrize("command", ["check", "status"])
def test_looking_writes_nothing(house, monkeypatch, command):
    """Neither inside results nor next to them, also where an ion's sites are looked for."""
    (house / "config.yaml").write_text(
        "levels: {gfn2: {engine: xtb}}\nadsorption: {facets: [C100-2x1], ions: [Li], level: gfn2}\n"
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(house / "elsewhere"))
    before = sorted(house.iterdir())
    assert iondrill(command, cwd=house).returncode == 0
    assert sorted(house.iterdir()) == sorted([*before, house / "elsewhere"])


def test_check_tells_the_default_run_from_other_targets(house):
    """The first number is what `iondrill status` lists; what no target runs is not called a calculation."""
    shutil.copy(ROOT / "config.yaml", house)
    said = iondrill("check", cwd=house).stdout
    counts = json.loads(iondrill("check", "--json", cwd=house).stdout)
    assert counts["calculations"] == len(json.loads(iondrill("status", "--json", cwd=house).stdout))
    assert min(counts["elsewhere"], counts["written"]) > 0
    assert said == (
        f"config.yaml: {counts['structures']} structures, {counts['calculations']} calculations in the default run, "
        f"{counts['elsewhere']} more in other targets, {counts['written']} only written as inputs, no problems\n"
    )


def test_check_advises_where_a_cutoff_is_low_for_an_element(house):
    """An ion of the adsorption stage counts, and so does one of a recipe, where it is not held by a grid of its own."""
    levels = (
        "levels: {coarse: {engine: cp2k, cutoff_Ry: 350, gapw: []}, fine: {engine: cp2k, cutoff_Ry: 350},"
        " gfn2: {engine: xtb}}"
    )
    stages = "relax: {level: coarse, structures: [nd29]}\nadsorption: {level: fine, facets: [C100-2x1], ions: [Na]}\n"
    (house / "config.yaml").write_text(f"{levels}\n{stages}")
    assert len(iondrill("check", cwd=house).stdout.splitlines()) == 1
    (house / "more.yaml").write_text("relax: {structures: [nd29, c24-aa-na]}\n")
    done = iondrill("check", "--configfile", "config.yaml", "more.yaml", cwd=house)
    assert done.returncode == 0
    advice, _ = done.stdout.splitlines()
    where = "config.yaml: levels.coarse.cutoff_Ry (line 1)"
    assert advice == f"{where}: 350 Ry is little for relaxations with Na; advice: 600 Ry or more for that"


def test_check_says_what_a_cutoff_is_low_for(house):
    """Of the paper's run the maps of the run with sodium, not the adsorption energies at the same level."""
    shutil.copy(ROOT / "config.yaml", house)
    shutil.copytree(ROOT / "examples", house / "examples")
    advice, _ = iondrill("check", "--configfile", "examples/paper.yaml", cwd=house).stdout.splitlines()
    assert advice.startswith("examples/paper.yaml: levels.pbe-d3.cutoff_Ry (line ")
    assert advice.endswith("): 400 Ry is little for ELF with Na; advice: 600 Ry or more for that")
    low = "levels: {pbe-d3-md-na: {cutoff_Ry: 400}}\nelf: {level: pbe-d3-md-na}\n"
    (house / "low.yaml").write_text(low + "convergence: {studies: {flakes-na: null}}\n")
    advice, _ = iondrill("check", "--configfile", "examples/paper.yaml", "low.yaml", cwd=house).stdout.splitlines()
    assert advice.endswith("): 400 Ry is little for ELF and MD with Na; advice: 600 Ry or more for that")


def test_check_advises_where_ranks_are_not_started(house):
    """Cores are asked for, and the program would start once; a command of several words may start them itself."""
    levels = (
        "levels:\n  gfn2: {engine: xtb}\n  one: {engine: cp2k}\n  many: {engine: vasp, ranks: 4}\n"
        "  by_launcher: {engine: cp2k, ranks: 4, launcher: [srun]}\n"
        "  by_command: {engine: cp2k, ranks: 4, command: [mpirun, -n, '4', cp2k.psmp]}\n"
    )
    (house / "config.yaml").write_text(levels)
    done = iondrill("check", cwd=house)
    assert done.returncode == 0
    found, _ = done.stdout.splitlines()
    assert found == (
        "config.yaml: levels.many.ranks (line 4): 4 cores are asked for, and without a launcher vasp_std starts once, "
        "on one; advice: launcher: [mpirun, -n, '{ranks}'] or [srun]"
    )
    (remark,) = json.loads(iondrill("check", "--json", cwd=house).stdout)["advice"]
    assert remark["where"] == "config.yaml: levels.many.ranks (line 4)"


def test_check_says_all_that_is_wrong_one_line_each(house):
    (house / "structures").unlink()
    (house / "structures/clusters").mkdir(parents=True)
    (house / "structures/clusters/clash.xyz").write_text("2\n\nC 0 0 0\nC 0 0 0.3\n")
    (house / "config.yaml").write_text(
        "levels:\n  gfn2: {engine: xtb, acuracy: 1}\n"
        "relax:\n  max_steps: [1]\n  structures: [clash, missing]\n"
        "adsorption:\n  facets: [C999]\n  ions: [Rb]\n"
    )
    done = iondrill("check", cwd=house)
    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 6
    assert all(line.startswith("iondrill: ") for line in lines)
    for word in ("acuracy", "max_steps (line 4)", "'missing'", "'C999'", "'Rb'", "clash.xyz"):
        assert sum(word in line for line in lines) == 1, word
    found = json.loads(iondrill("check", "--json", cwd=house).stdout)["problems"]
    assert [f"iondrill: {one['where']}: {one['found']}; {one['allowed']}" for one in found] == lines


def test_check_merges_files_as_snakemake_does(house):
    (house / "more.yaml").write_text("relax: {structures: [nd29, nd35]}\n")
    done = iondrill("check", "--configfile", "config.yaml", "more.yaml", cwd=house)
    assert done.stdout == "config.yaml, more.yaml: 2 structures, 2 calculations in the default run, no problems\n"
    (house / "more.yaml").write_text("relax: {structures: [nd29, nd36]}\n")
    done = iondrill("check", "--configfile", "config.yaml", "more.yaml", cwd=house)
    assert done.returncode == 1
    assert "more.yaml: relax.structures.1 (line 1): there is no recipe 'nd36'" in done.stderr


def test_the_projects_own_configuration_goes_first_named_or_not(house):
    """As with Snakemake, whose Snakefile names it: what another file leaves out is taken from there."""
    (house / "more.yaml").write_text("results: elsewhere\nrelax: {structures: [nd35]}\n")
    for named in (["more.yaml"], ["config.yaml", "more.yaml"]):
        done = iondrill("check", "--configfile", *named, cwd=house)
        assert done.stdout.startswith("config.yaml, more.yaml: 1 structures, 1 calculations in the default run, no ")
        (job,) = json.loads(iondrill("status", "--json", "--configfile", *named, cwd=house).stdout)
        assert job["name"] == "nd35.gfn2"
    assert "elsewhere" in iondrill("report", "--configfile", "more.yaml", cwd=house).stdout
    assert "elsewhere" in iondrill("publish", "--to", "crate", "--configfile", "more.yaml", cwd=house).stdout
    for same in (house / "config.yaml", f"../{house.name}/config.yaml"):
        assert iondrill("check", "--configfile", same, cwd=house).stdout.startswith(f"{same}: 1 structures")
    (house / "config.yaml").unlink()
    done = iondrill("check", "--configfile", "more.yaml", cwd=house)
    assert done.returncode == 1
    assert done.stderr == "iondrill: more.yaml (line 1): key 'levels' is missing\n"


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("examples/*.yaml")))
def test_each_shipped_configuration_passes_as_its_own_first_lines_say(house, name, monkeypatch, capsys):
    """The comment on top says how it is run: with these files, `check` has nothing to say against it."""
    shutil.copy(ROOT / "config.yaml", house)
    shutil.copytree(ROOT / "examples", house / "examples")
    lines = (ROOT / "examples" / name).open(encoding="utf-8")
    comment = "".join(takewhile(lambda line: line.startswith("#"), lines))
    (files,) = set(re.findall(r"snakemake --configfile((?: \S+\.yaml)+)", comment))
    assert f"examples/{name}" in files
    monkeypatch.chdir(house)
    assert main(["check", "--configfile", *files.split()]) == 0
    assert capsys.readouterr().out.endswith("no problems\n")


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"\xff\xfe", b"a: [", b"- 1", b"!!python/object:os.system x", b'"\\ud800": 1', b"{" * 900]
)
def test_check_of_rubbish(house, content):
    (house / "config.yaml").write_bytes(content)
    done = iondrill("check", cwd=house)
    assert done.returncode == 1
    assert done.stderr.startswith("iondrill: config.yaml")


def test_check_without_a_file(tmp_path):
    done = iondrill("check", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("iondrill: config.yaml: there is no such file in ")
    assert done.stderr.count("\n") == 1


def test_doctor_finds_the_embedded_engine():
    done = iondrill("doctor", "--json")
    assert done.returncode == 0
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert findings["xtb"]["found"]
    assert "BLAS" in findings["xtb"]["detail"]
    assert {"cp2k", "vasp", "snakemake", "slurm", "sbatch", "qsub", "bsub", "mpirun", "cores"} <= findings.keys()
    for name in ("cp2k", "vasp"):
        assert findings[name]["found"] or findings[name]["install"], name
    assert findings["EMT"] == findings["EMT"] | {"what": "calculators of engine ase", "found": True, "install": ""}
    assert findings["MACE"]["found"] or findings["MACE"]["install"] == "pip install mace-torch"
    done = iondrill("doctor")
    assert done.returncode == 0
    assert all(name in done.stdout for name in findings)


@pytest.mark.parametrize("what", ["config", "recipe", "crystal"])
def test_schema(what):
    done = iondrill("schema", what)
    jsonschema.Draft202012Validator.check_schema(json.loads(done.stdout))
    assert done.stdout == (ROOT / f"schemas/{what}.schema.json").read_text(encoding="utf-8")


def test_docs_are_written_and_checked(house):
    shutil.copy(ROOT / "pyproject.toml", house)
    # made in part: what stands round the claims is written by hand
    (house / "docs").mkdir()
    for name in ("science.md", "claims.json"):
        shutil.copy(ROOT / "docs" / name, house / "docs")
    page = house / "docs/science.md"
    page.write_text(page.read_text().replace("not shown", "shown"))
    done = iondrill("docs", "--check", cwd=house)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == len(generated(ROOT, parser()))
    assert iondrill("docs", cwd=house).returncode == 0
    assert iondrill("docs", "--check", cwd=house).returncode == 0


def test_docs_without_recipes(tmp_path):
    done = iondrill("docs", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("iondrill: structures/")


@pytest.mark.parametrize("arguments", [[], ["chek"], ["check", "--configfile"], ["schema", "recipes"]])
def test_wrong_arguments(arguments):
    done = iondrill(*arguments)
    assert done.returncode == 2
    assert "usage: iondrill" in done.stderr


def test_help_and_version():
    assert "check" in iondrill("--help").stdout
    assert iondrill("--version").stdout.startswith("iondrill ")
