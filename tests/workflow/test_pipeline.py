"""The workflow itself, run by Snakemake on systems of a few atoms: from recipes to report, and through kills."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import projects
import pytest
import yaml
from ase.build import molecule
from ase.io import read
from projects import make_project, rows, run, stacked

from faultdrill.projects import C100

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.workflow

SHORT = {"time_fs": 5}
CONFIG: dict[str, Any] = {
    "title": "tiny <b>run</b>",
    "levels": {"gfn2": {"engine": "xtb"}, "pbe-d3": {"engine": "cp2k"}, "vasp": {"engine": "vasp"}},
    "relax": {"fmax_eV_A": 0.1},
    "md": {
        "run": ["drill"],
        "runs": {
            "drill": {"assembly": "tiny", "steps": 40, "thermostat": {"group": "flake"}, "thermalise": SHORT},
            "paper": {"assembly": "tiny", "steps": 100, "thermalise": SHORT},
        },
    },
    "elf": {"frames": 2, "spacing_A": 0.3, "difference": True},
    "adsorption": {"facets": ["tiny-100"], "ions": ["Li"], "sites": ["cave"], "fmax_eV_A": 1.0},
    "inputs": {
        "relax": ["pbe-d3"],
        "md": ["pbe-d3"],
        "elf": ["pbe-d3"],
        "adsorption": ["vasp", "pbe-d3"],
        "runs": ["paper"],
    },
}
RECIPES: dict[str, Any] = {
    "assemblies/tiny.yaml": {"kind": "assembly", "cluster": "adamantane", "flake": "benzenes", "tip": "atom"},
    "facets/tiny-100.yaml": C100,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a folder with a configuration and recipes of its own."""
    flake = stacked("C6H6", ion="Li")
    structures = {"clusters/adamantane.xyz": molecule("isobutane"), "flakes/benzenes.extxyz": flake}
    return make_project(tmp_path, CONFIG, RECIPES | structures)


@pytest.fixture
def snakemake(project: Path) -> Callable[..., list[str]]:
    """Return the command line of Snakemake in the project."""
    return lambda *more: projects.snakemake(project, "--cores", "2", *more)


def steps(trajectory: Path) -> list[int]:
    return [atoms.info["step"] for atoms in read(trajectory, ":")]


def test_from_recipes_to_report(project: Path, snakemake: Callable[..., list[str]]) -> None:
    done = run(snakemake())
    assert done.returncode == 0, done.stderr[-4000:]
    results = project / "results"

    assert steps(results / "md/drill/trajectory.traj") == list(range(41))
    table = rows(results / "md/drill/order_parameters.csv")
    assert [int(row["step"]) for row in table] == list(range(41))
    before = rows(results / "md/drill/thermalisation.csv")
    assert [int(row["step"]) for row in before] == list(range(11))
    criteria = json.loads((results / "md/drill/events.json").read_text())["criteria"]
    assert criteria["start_gap_A"] == pytest.approx(np.mean([float(row["gap_edge_A"]) for row in before[5:]]))
    conserved = [float(row["conserved_eV"]) for row in table]
    assert np.ptp(conserved) < 0.1

    charges = rows(results / "charges/drill.csv")
    for step in {row["step"] for row in charges}:
        assert abs(sum(float(row["charge_e"]) for row in charges if row["step"] == step)) < 1e-3

    for step in (0, 40):
        with np.load(results / f"elf/drill/{step}.npz") as maps:
            assert set(maps) == {"elf", "rho", "origin", "axes"}
            assert maps["elf"].min() >= 0
            assert maps["elf"].max() <= 1
        assert (results / f"elf/drill/{step}.png").stat().st_size > 1000
        with np.load(results / f"elf/drill/{step}.difference.npz") as maps:
            assert maps["difference"].min() < 0 < maps["difference"].max()
            electrons = maps["difference_e_A"].sum() * np.diff(maps["place_A"])[0]
            assert abs(electrons) < 1e-3
        assert (results / f"elf/drill/{step}.difference.png").stat().st_size > 1000
    contacts = {row["pair"]: float(row["elf_midpoint"]) for row in rows(results / "elf/drill/summary.csv")}
    assert contacts["flake-sigma"] > 0.85

    (row,) = rows(results / "adsorption.csv")
    energies = {
        name: json.loads((results / f"jobs/adsorption/{name}.gfn2/result.json").read_text())["energy_eV"]
        for name in ("tiny-100.clean", "tiny-100.Li-cave", "atom.Li")
    }
    expected = energies["tiny-100.Li-cave"] - energies["tiny-100.clean"] - energies["atom.Li"]
    assert float(row["E_ads_eV"]) == pytest.approx(expected, abs=1e-9)
    assert expected < 0
    assert row["level"] == "gfn2"

    claims = {row["id"]: row for row in json.loads((results / "claims.json").read_text())["claims"]}
    assert claims["a1"]["verdict"] == "not shown"
    assert claims["i"]["verdict"] == "refuted"
    assert all((results / claims["i"][key]).is_file() for key in ("data", "figure"))
    page = (results / "report.html").read_text()
    assert "GFN2-xTB" in page
    assert "<b>run</b>" not in page

    again = run(snakemake())
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr

    done = run(snakemake("--report", "figures.html"))
    assert done.returncode == 0, done.stderr[-4000:]
    collected = (project / "figures.html").read_text()
    for category in ("Adsorption", "Density difference", "Diffraction", "Dynamics", "ELF", "Report", "Structures"):
        assert f'"{category}"' in collected
    assert "which needs no other file and no network" in collected  # the first page, with the summary of the page
    assert "causes need controls and other seeds" in collected
    for figure in ("drill-elf-profiles", "drill-density-difference", "tiny-100-from-above-as-built", "film.gif"):
        assert figure in collected


def test_a_killed_run_goes_on_from_its_last_frame(project: Path, snakemake: Callable[..., list[str]]) -> None:
    target = "results/md/drill/trajectory.traj"
    twin = project.parent / f"{project.name}-twin"
    shutil.copytree(project, twin)
    undisturbed = [str(twin) if part == str(project) else part for part in snakemake(target)]
    assert run(undisturbed).returncode == 0

    process = subprocess.Popen(
        snakemake(target), start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not list(project.glob("results/jobs/md/drill.gfn2/state/*/point-*.npz")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (frames,) = project.glob("results/jobs/md/drill.gfn2/state/*/frames.bin")
    assert not (project / "results/jobs/md/drill.gfn2/result.json").exists(), "killed too late"
    before = frames.stat().st_size

    run(snakemake("--unlock"))
    done = run(snakemake(target))
    assert done.returncode == 0, done.stderr[-4000:]
    attempts = json.loads((project / "results/jobs/md/drill.gfn2/result.json").read_text())["attempts"]
    assert attempts[0]["reason"].startswith("killed at step")
    assert attempts[1]["changed"].startswith("continued from step")
    assert before > 0

    ours, theirs = read(project / target, ":"), read(twin / target, ":")
    assert steps(project / target) == list(range(41))
    assert all(np.array_equal(a.positions, b.positions) for a, b in zip(ours, theirs, strict=True))


def test_a_run_that_is_made_longer_is_continued(project: Path, snakemake: Callable[..., list[str]]) -> None:
    target, run_of = "results/md/drill/trajectory.traj", CONFIG["md"]["runs"]["drill"]
    assert run(snakemake(target)).returncode == 0
    first = read(project / target, ":")
    longer = {**CONFIG, "md": {**CONFIG["md"], "runs": {"drill": {**run_of, "steps": 46}, "paper": run_of}}}
    (project / "config.yaml").write_text(yaml.safe_dump(longer))
    done = run(snakemake(target))
    assert done.returncode == 0, done.stderr[-4000:]
    now = read(project / target, ":")
    assert [atoms.info["step"] for atoms in now] == list(range(47))
    assert all(np.array_equal(a.positions, b.positions) for a, b in zip(first, now[:41], strict=True))
    attempts = json.loads((project / "results/jobs/md/drill.gfn2/result.json").read_text())["attempts"]
    assert [attempt["changed"] for attempt in attempts] == ["", "continued from step 40"]


def test_an_unconverged_part_empties_its_row_and_nothing_else(
    project: Path, snakemake: Callable[..., list[str]]
) -> None:
    config = {**CONFIG, "md": {}, "inputs": {}, "adsorption": {**CONFIG["adsorption"], "ions": ["Li", "Na"]}}
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    assert run(snakemake()).returncode == 0
    # spoil one part as a failed SCF would
    path = project / "results/jobs/adsorption/tiny-100.Li-cave.gfn2/result.json"
    record = json.loads(path.read_text())
    record |= {"status": "not_converged", "energy_eV": None, "max_force_eV_A": None}
    record["attempts"] = [{"reason": "SCF not converged", "changed": ""}]
    path.write_text(json.dumps(record))
    done = run(snakemake())
    assert done.returncode != 0, "an unconverged job must not end in success"
    by_ion = {row["adsorbate"]: row for row in rows(project / "results/adsorption.csv")}
    assert by_ion["Li"]["E_ads_eV"] == ""
    assert "SCF not converged" in by_ion["Li"]["status"]
    assert float(by_ion["Na"]["E_ads_eV"]) < 0
    assert "SCF not converged" in (project / "results/report.html").read_text()


def test_what_does_not_converge_stops_its_branch_alone_and_is_shown_first(
    project: Path, snakemake: Callable[..., list[str]]
) -> None:
    run_of = {"assembly": "tiny", "steps": 2, "relax_parts": False, "thermalise": SHORT}
    config = {
        "levels": {"gfn2": {"engine": "xtb"}, "stuck": {"engine": "xtb", "max_scf_cycles": 1}},
        "relax": {"level": "stuck", "structures": ["adamantane"]},
        "md": {"run": ["good", "bad"], "runs": {"good": run_of, "bad": {**run_of, "level": "stuck"}}},
        "elf": {"level": "stuck", "frames": 1},
    }
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    done = run(snakemake())
    assert done.returncode != 0
    results, page = project / "results", project / "results/report.html"

    for name in ("relax/adamantane.stuck", "md/bad.stuck", "elf/good.2.stuck"):
        record = json.loads((results / "jobs" / name / "result.json").read_text())
        assert (record["status"], record["energy_eV"]) == ("not_converged", None)
        assert "SCF not converged" in record["attempts"][-1]["reason"]
    assert [row["step"] for row in rows(results / "md/good/order_parameters.csv")] == ["0", "1", "2"]
    assert {path.stat().st_size for path in [*results.glob("md/bad/*"), results / "charges/bad.csv"]} == {0}
    # of its frame there is no map, and no line of a table
    assert {path.stat().st_size for path in results.glob("elf/*/2.*")} == {0}
    assert not any(
        rows(results / f"elf/{name}/{table}.csv") for name in ("good", "bad") for table in ("summary", "charges")
    )

    _, summary, first, *_ = page.read_text().split("<section")
    assert summary.startswith(' id="summary"')
    assert first.startswith(' id="failed"'), "next to the summary"
    for name in ("relax/adamantane.stuck", "md/bad.stuck", "elf/good.2.stuck"):
        assert f'{name}</th><td><span class="status not_converged">' in first
    # there was nothing to compute
    assert "elf/bad.2.stuck" not in first
    assert json.loads((results / "jobs/elf/bad.2.stuck/result.json").read_text())["status"] == "not_due"
    # only the process that runs the workflow made the page, and the errors of the jobs stay in sight
    assert done.stderr.count("report.html shows what failed") == 1
    assert "bad.stuck/result.json is not_converged: before the run, while it was thermalised: SCF not" in done.stderr

    page.unlink()
    assert run(snakemake("-n")).returncode == 0
    assert not page.exists(), "a dry run writes nothing"
    command = str(Path(sys.executable).with_name("iondrill"))
    said = run([command, "report"], folder=project)
    assert said.returncode == 0, said.stderr
    assert "bad" not in said.stdout.replace("md/bad.stuck", "")
    assert page.stat().st_mtime < (results / "jobs/md/good.gfn2/result.json").stat().st_mtime


def test_the_multiplicity_of_lowest_energy_is_kept(project: Path, snakemake: Callable[..., list[str]]) -> None:
    pair = {"kind": "cluster", "centre": "bond", "radius_A": 0.8, "expect_atoms": 2, "multiplicity": [1, 3]}
    (project / "structures/clusters/pair.yaml").write_text(yaml.safe_dump(pair))
    levels = {"gfn2": {"engine": "xtb", "spin_polarisation": True}}
    (project / "config.yaml").write_text(yaml.safe_dump({"levels": levels, "relax": {"structures": ["pair"]}}))
    done = run(snakemake("results/jobs/relax/pair.gfn2/result.json"))
    assert done.returncode == 0, done.stderr[-4000:]
    jobs = project / "results/jobs/relax"
    energies = {m: json.loads((jobs / f"pair.m{m}.gfn2/result.json").read_text())["energy_eV"] for m in (1, 3)}
    record = json.loads((jobs / "pair.gfn2/result.json").read_text())
    assert record["energy_eV"] == min(energies.values()) < max(energies.values())
    assert {state["multiplicity"]: state["energy_eV"] for state in record["spin_states"]} == energies
    (kept,) = (state["multiplicity"] for state in record["spin_states"] if state["kept"])
    geometry = [read(jobs / f"{name}.gfn2/relaxed.extxyz") for name in ("pair", f"pair.m{kept}")]
    assert np.array_equal(geometry[0].positions, geometry[1].positions)


def test_inputs_are_written_validated_and_not_run(project: Path, snakemake: Callable[..., list[str]]) -> None:
    config = {**CONFIG, "intercalation": {"level": "pbe-d3", "crystals": ["lithium"], "kpoint_length_A": 5}}
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    (project / "structures/crystals").mkdir()
    recipe = {"lattice": "cubic", "a_A": 3.4, "atoms": [{"element": "Li", "at": [0, 0, 0]}]}
    (project / "structures/crystals/lithium.yaml").write_text(yaml.safe_dump(recipe))
    done = run(snakemake("inputs"))
    assert done.returncode == 0, done.stderr[-4000:]
    jobs = project / "results/jobs"
    assert list(jobs.glob("md/paper.pbe-d3/*.inp"))
    assert list(jobs.glob("elf/paper.0.pbe-d3/*.inp"))
    for name in ("tiny-100.clean", "tiny-100.Li-cave", "atom.Li"):
        folder = jobs / "adsorption" / f"{name}.vasp"
        assert {"INCAR", "KPOINTS", "POSCAR", "POTCAR.spec"} <= {path.name for path in folder.iterdir()}
        assert list((jobs / "adsorption" / f"{name}.pbe-d3").glob("*.inp"))
    assert len(list(jobs.glob("intercalation/lithium.*.pbe-d3/*.inp"))) == 5
    assert not list(jobs.rglob("result.json"))
    assert not list(jobs.rglob("POTCAR"))

    # outputs of other rules, once they are there, stay theirs
    finished = [jobs / "adsorption/atom.Li.pbe-d3" / name for name in ("result.json", "structure.extxyz")]
    for path in finished:
        path.write_text("of a run")
    done = run(snakemake("--forcerun", "write_inputs", "--", "inputs"))
    assert done.returncode == 0, done.stderr[-4000:]
    assert [path.read_text() for path in finished] == ["of a run"] * 2
    manifest = json.loads((project / "results/inputs.json").read_text())
    assert [Path(record["folder"]).name for record in manifest if not record["files"]] == ["atom.Li.pbe-d3"]


def test_a_changed_recipe_of_a_crystal_makes_its_points_anew(
    project: Path, snakemake: Callable[..., list[str]]
) -> None:
    """Nothing is computed: files replace the records of a finished run."""
    config = {**CONFIG, "intercalation": {"level": "pbe-d3", "crystals": ["lithium", "sodium"]}}
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    (project / "structures/crystals").mkdir()
    files = {name: project / f"structures/crystals/{name}.yaml" for name in ("lithium", "sodium")}
    for name, element in (("lithium", "Li"), ("sodium", "Na")):
        recipe = {"lattice": "cubic", "a_A": 3.4, "atoms": [{"element": element, "at": [0, 0, 0]}]}
        files[name].write_text(yaml.safe_dump(recipe))
    planned = run(snakemake("--summary", "intercalation")).stdout
    outputs = [project / line.split("\t")[0] for line in planned.splitlines()[1:]]
    assert len([path for path in outputs if path.match("jobs/intercalation/*/result.json")]) == 10
    for path in outputs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    os.utime(project / "results/intercalation.csv", (time.time() + 1,) * 2)
    assert "Nothing to be done" in run(snakemake("-n", "intercalation")).stdout

    files["lithium"].write_text(files["lithium"].read_text().replace("3.4", "4.0"))
    os.utime(files["lithium"], (time.time() + 2,) * 2)
    said = run(snakemake("-n", "intercalation")).stdout
    assert len(re.findall("Energy of lithium at .*\nReason: Updated input files: structures/crystals/lith", said)) == 5
    assert "Energy of sodium" not in said
    assert "Table of formation energies" in said


def refusal(command: list[str]) -> str:
    """Return what a run says that ends in a message, not in a traceback."""
    done = run(command)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in output
    return output


def test_mistakes_end_in_one_message_without_traceback(project: Path, snakemake: Callable[..., list[str]]) -> None:
    config = yaml.safe_load((project / "config.yaml").read_text())
    config["md"]["runs"]["drill"]["step"] = 3
    config["adsorption"]["ions"] = ["Rb"]
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    output = refusal(snakemake("-n"))
    assert "did you mean 'steps'" in output
    assert "Rb" in output
    assert "config.yaml" in output


def test_a_mistake_is_said_of_the_file_that_counts(project: Path, snakemake: Callable[..., list[str]]) -> None:
    """The project's own configuration is merged first, whether it is named or not."""
    (project / "mine.yaml").write_text("elf: {frames: many}\n")
    output = refusal(snakemake("-n", "--configfile", str(project / "mine.yaml"), "--", "all"))
    assert "mine.yaml: elf.frames (line 1): found 'many'" in output


def test_a_mistake_that_only_one_target_meets_ends_that_one_in_its_message(
    project: Path, snakemake: Callable[..., list[str]]
) -> None:
    config = yaml.safe_load((project / "config.yaml").read_text())
    config["intercalation"] = {"level": "pbe-d3", "crystals": ["hydrogen", "LiC7"]}
    config["barriers"] = {"level": "gfn2", "facets": ["tiny-100"], "ions": ["Li"], "paths": [["cave", "cavee"]]}
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    (project / "structures/crystals").mkdir()
    recipe = {"lattice": "cubic", "a_A": 3.0, "atoms": [{"element": "H", "at": [0, 0, 0]}]}
    (project / "structures/crystals/hydrogen.yaml").write_text(yaml.safe_dump(recipe))

    def said(target: str) -> list[str]:
        return [line for line in refusal(snakemake("-n", target)).splitlines() if line.startswith("iondrill: ")]

    assert said("intercalation") == said("inputs")
    in_crystal, no_crystal = said("intercalation")
    assert "hydrogen.yaml: atoms.0.element" in in_crystal
    assert "found 'H'" in in_crystal
    assert "config.yaml: intercalation.crystals.1 (line " in no_crystal
    (no_site,) = said("barriers")
    assert "config.yaml: barriers.paths.0.1 (line " in no_site
    assert "facet tiny-100 has no site 'cavee'; did you mean 'cave'?" in no_site
    done = run(snakemake("-n"))
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_default_profile_loads_itself(project: Path, snakemake: Callable[..., list[str]]) -> None:
    command = snakemake("-n")
    cores = command.index("--cores")
    done = run(command[:cores] + command[cores + 2 :])
    assert done.returncode == 0, done.stderr[-4000:]
    assert "profiles/default" in done.stderr
