"""PBS, SGE and LSF by programs that answer as theirs do; the job's script is really run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from iondrill.cli import cluster
from iondrill.errors import UserError

WISH = cluster.Wish(cores=4, mem_mb=6001, minutes=90)
SUBMITTED = {"pbs": "123.head", "sge": "123", "lsf": "Job <123> is submitted to default queue <normal>."}
NUMBER = {"pbs": "123.head", "sge": "123", "lsf": "123"}
VARIABLE = {"pbs": "PBS_JOBID", "sge": "JOB_ID", "lsf": "LSB_JOBID"}
PROGRAM = {"pbs": "qsub", "sge": "qsub", "lsf": "bsub"}
QUERY = {"pbs": "qstat", "sge": "qstat", "lsf": "bjobs"}
RUNNING = {
    "pbs": ["Job Id: 123.head\n    job_state = R\n", "Job Id: 123.head\n    job_state = Q\n"],
    "sge": ["==============================================================\njob_number:                 123\n"],
    "lsf": ["RUN\n", "PEND\n", "SSUSP\n"],
}
OVER = {
    "pbs": ["qstat: Unknown Job Id 123.head", "qstat: 123.head Job has finished, use -x or -H", "    job_state = F"],
    "sge": ["Following jobs do not exist: \n123\n"],
    "lsf": ["Job <123> is not found", "EXIT\n", "DONE\n"],
}
DOWN = {
    "pbs": "Connection refused\nqstat: cannot connect to server head (errno=111)",
    "sge": "error: commlib error: got select error (Connection refused)",
    "lsf": "LSF is down. Please wait ...",
}
KINDS = sorted(cluster.SCHEDULERS)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of an unkind name, with programs of its own."""
    folder = tmp_path / "a $(touch gotcha) 'project' ü"
    (folder / "bin").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")
    return folder


def program(here: Path, name: str, body: str) -> None:
    path = here / "bin" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def answer(here: Path, kind: str, words: str, status: int = 0) -> None:
    (here / "answer").write_text(words)
    program(here, QUERY[kind], f'cat "{"$"}(dirname "$0")/../answer"; exit {status}')


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [0, 3])
def test_a_job_is_submitted_told_its_time_and_its_end_is_seen(here: Path, kind: str, status: int) -> None:
    """The scheduler's program notes its arguments and runs the script at once."""
    run = (
        f'for last; do :; done; printf "%s\\n" "$@" > arguments; {VARIABLE[kind]}={NUMBER[kind]} sh "$last" >said 2>&1'
    )
    program(here, PROGRAM[kind], f"{run}; echo '{SUBMITTED[kind]}'")
    script = here / "job script.sh"
    script.write_text(f"echo $IONDRILL_WALLTIME_s > time\nexit {status}\n")
    assert cluster.submit(kind, WISH, ["-q", "long; touch gotcha"], script) == NUMBER[kind]
    assert (here / "time").read_text().strip() == "5400"
    assert cluster.state(kind, NUMBER[kind]) == ("success" if status == 0 else "failed")
    arguments = (here / "arguments").read_text()
    for wish in {
        "pbs": ["select=1:ncpus=4:mpiprocs=4:mem=6001mb", "walltime=01:30:00"],
        "sge": ["h_rt=01:30:00,h_vmem=1501M", "smp\n4"],
        "lsf": ["-n\n4", "-W\n90", "rusage[mem=6001MB]"],
    }[kind]:
        assert wish in arguments
    assert "long; touch gotcha" in arguments
    assert not list(here.parent.rglob("gotcha"))


@pytest.mark.parametrize(("kind", "words"), [(kind, words) for kind in KINDS for words in RUNNING[kind]])
def test_a_job_that_waits_or_runs_is_running(here: Path, kind: str, words: str) -> None:
    cluster.FOLDER.mkdir(parents=True)
    answer(here, kind, words)
    assert cluster.state(kind, NUMBER[kind]) == "running"


@pytest.mark.parametrize(("kind", "words"), [(kind, words) for kind in KINDS for words in OVER[kind]])
def test_a_job_that_left_no_word_has_failed_but_not_at_once(here: Path, kind: str, words: str) -> None:
    cluster.FOLDER.mkdir(parents=True)
    answer(here, kind, words, status=1)
    assert cluster.state(kind, NUMBER[kind], now=1000.0) == "running"
    assert cluster.state(kind, NUMBER[kind], now=1050.0) == "running"
    assert cluster.state(kind, NUMBER[kind], now=1061.0) == "failed"
    (cluster.FOLDER / f"{NUMBER[kind]}.exit").write_text("0\n")
    assert cluster.state(kind, NUMBER[kind], now=1061.0) == "success"


@pytest.mark.parametrize("kind", KINDS)
def test_a_scheduler_that_does_not_answer_ends_no_job(here: Path, kind: str) -> None:
    cluster.FOLDER.mkdir(parents=True)
    assert cluster.state(kind, NUMBER[kind]) == "running"  # there is no such program
    answer(here, kind, DOWN[kind], status=255)
    for now in (1000.0, 9000.0):
        assert cluster.state(kind, NUMBER[kind], now=now) == "running"


def test_a_refused_job_is_an_error_in_the_schedulers_words(here: Path) -> None:
    program(here, "qsub", "echo 'qsub: Unknown queue' >&2; exit 1")
    with pytest.raises(UserError, match="Unknown queue"):
        cluster.submit("pbs", WISH, [], here / "job.sh")


@pytest.mark.parametrize(("programs", "found"), [(["qsub"], "pbs"), (["qsub", "qconf"], "sge"), (["bsub"], "lsf")])
def test_the_scheduler_is_found_by_its_programs(here: Path, programs: list[str], found: str) -> None:
    for name in programs:
        program(here, name, "exit 0")
    assert cluster.find_scheduler() == found


def test_without_a_scheduler_it_is_said(here: Path) -> None:
    with pytest.raises(UserError, match="PBS, SGE or LSF"):
        cluster.find_scheduler()


def test_the_script_survives_a_folder_of_any_name(here: Path) -> None:
    (here / "job.sh").write_text("exit 0\n")
    script = here / "wrapper.sh"
    script.write_text(cluster.wrapper(Path("job.sh"), here, 60))
    subprocess.run(["/bin/sh", str(script)], check=True, env={"JOB_ID": "7", "PATH": "/usr/bin:/bin"})
    assert (here / "7.exit").read_text() == "0\n"
