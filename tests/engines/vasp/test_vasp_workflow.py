"""A whole adsorption energy at a level of VASP, by Snakemake and the double: killed, stopped at the wall time."""

from __future__ import annotations

import json
import os
import signal
import time
import warnings
from pathlib import Path

import projects
import pytest
from projects import make_project, rows, start
from pymatgen.io.vasp.inputs import Poscar
from pymatgen.io.vasp.outputs import Oszicar, Outcar, Vasprun

from faultdrill.projects import C100
from iondrill.config.document import Document
from iondrill.config.project import check_config
from iondrill.engines.execute import execute
from iondrill.geometry.checks import read_structure
from iondrill.geometry.registry import build
from iondrill.jobs.name import JobId, Subject
from iondrill.prepare.plan import Plan
from iondrill.prepare.start import isolated_atom, slab_with_ions

pytestmark = pytest.mark.workflow

TABLE = "results/adsorption.csv"


@pytest.fixture
def project(tmp_path, double):
    """Return a maker of folders with a facet of 24 atoms and a configuration of their own."""
    config = {
        "title": "double",
        "levels": {"gfn2": {"engine": "xtb"}, "vasp": {"engine": "vasp", "command": double}},
        "adsorption": {
            "facets": ["tiny"],
            "ions": ["Li"],
            "sites": ["cave"],
            "fmax_eV_A": 1.0,
            "level": "vasp",
            "prerelax": None,
        },
    }

    return lambda name: make_project(tmp_path / name, config, {"facets/tiny.yaml": C100})


@pytest.fixture
def snakemake(library):
    """Return what starts Snakemake in a folder, with the library in its environment."""
    return lambda folder, *words, **variables: start(
        projects.snakemake(folder, "--cores", "1", "--nolock", *words), **variables
    )


def finish(process):
    said, _ = process.communicate(timeout=1800)
    return process.returncode, said


def row(folder):
    (found,) = rows(folder / TABLE)
    return found


def uninterrupted_run(folder, monkeypatch):
    """Run the three jobs of the energy without Snakemake or an interruption; return their results by subject."""
    monkeypatch.chdir(folder)
    plan = Plan(check_config([Document(Path("config.yaml"))]))
    built = build("tiny", plan.recipes)

    def go(subject, atoms):
        job = JobId.parse("adsorption", f"{subject}.vasp")
        last = plan.folder(job) / "last.extxyz"
        found = execute(plan.job(job).model_dump(mode="json"), atoms, plan.folder(job) / "result.json", last)
        return found, read_structure(last)

    clean, relaxed = go("tiny.clean", built)
    whole, _ = go("tiny.Li-cave", slab_with_ions(built, relaxed, Subject("tiny", "Li", site="cave")))
    atom, _ = go("atom.Li", isolated_atom("Li"))
    assert {clean.status, whole.status, atom.status} == {"converged"}
    return whole.energy_eV - clean.energy_eV - atom.energy_eV, whole.n_ionic_steps


def kill_after(process, folder, name, text):
    """Kill Snakemake and all its jobs, without a word, once a file of the first attempt holds a text."""
    until = time.monotonic() + 900
    while not any(
        text in path.read_text() for path in folder.glob(f"results/jobs/adsorption/*/state/*/attempt-001/{name}")
    ):
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < until
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def read_all(attempt):
    """Read every file of an attempt with pymatgen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Outcar(attempt / "OUTCAR")
        Oszicar(attempt / "OSZICAR")
        Poscar.from_file(attempt / "CONTCAR", check_for_potcar=False)
        return Vasprun(attempt / "vasprun.xml", parse_potcar_file=False)


def test_kill_wall_time_and_resume_leave_the_adsorption_energy_as_it_is(
    project, snakemake, library, look_for_potcar, monkeypatch
):
    uninterrupted, folder = project("uninterrupted"), project("disturbed")
    expected_eV, n_steps = uninterrupted_run(uninterrupted, monkeypatch)
    assert -8 < expected_eV < -1

    kill_after(snakemake(folder, TABLE, VASP_DOUBLE_PAUSE_S="0.1"), folder, "OSZICAR", "   1 F=")
    assert not list(folder.rglob("result.json")), "killed too late"

    status, said = finish(snakemake(folder, TABLE, IONDRILL_WALLTIME_s="2", VASP_DOUBLE_PAUSE_S="0.1"))
    assert status != 0
    assert "stopped at the wall time after step" in said
    assert "it resumes from there" in said
    assert "Traceback" not in said

    status, said = finish(snakemake(folder))
    assert status == 0, said[-3000:]
    found = row(folder)
    assert (found["facet"], found["site"], found["level"], found["status"]) == ("tiny", "cave", "vasp", "converged")
    assert float(found["E_ads_eV"]) == pytest.approx(expected_eV, abs=1e-5)
    assert int(found["n_ionic_steps"]) == n_steps
    jobs = folder / "results/jobs/adsorption"
    attempts = json.loads((jobs / "tiny.clean.vasp/result.json").read_text())["attempts"]
    assert [entry["reason"].split(" at ")[0] for entry in attempts][:2] == ["killed", "stopped"]
    assert attempts[-1]["reason"] == "finished"
    atom = json.loads((jobs / "atom.Li.vasp/result.json").read_text())
    assert atom["magnetisation_muB"] == 1

    finished = [path.parent for path in jobs.glob("*/state/*/*/attempt.json") if '"done"' in path.read_text()]
    assert len(finished) == 3
    for attempt in finished:
        energy_eV = json.loads((attempt.parents[2] / "result.json").read_text())["energy_eV"]
        assert read_all(attempt).final_energy == pytest.approx(energy_eV)

    page = (folder / "results/report.html").read_text()
    assert f"{float(found['E_ads_eV']):.2f}".lstrip("-") in page
    assert look_for_potcar(folder, uninterrupted) == []
    assert not any(path.is_file() for path in (library / "cache/iondrill/potcar").rglob("*"))
