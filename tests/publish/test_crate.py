"""The crate of a run: valid, whole, and enough to make the tables again."""

from __future__ import annotations

import csv
import json
import shutil
import zipfile
from importlib import resources

import ase.io
import numpy as np
import pytest
from ase.db import connect
from rocrate.rocrate import ROCrate

from iondrill.analyse.dynamics.order import order_parameters, write_order
from iondrill.analyse.energies.adsorption_table import ADSORPTION
from iondrill.analyse.tables import write_table
from iondrill.collect.readers import log_chunks, read_chunks
from iondrill.collect.trajectory import write_trajectory
from iondrill.config.models import Config
from iondrill.engines.base import Result
from iondrill.engines.folder import write_job
from iondrill.errors import UserError
from iondrill.geometry.checks import read_structure
from iondrill.geometry.io import write_structure
from iondrill.geometry.registry import build
from iondrill.geometry.surfaces.adsorbate import add_adsorbate
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.jobs.frames import FrameLog, Frames
from iondrill.prepare.plan import Plan
from iondrill.prepare.start import isolated_atom
from iondrill.publish.crate import pieces, write_crate

FACET = "C100-2x1"
BIOSCHEMAS = "https://bioschemas.org"
OF_1_1 = {
    "ComputationalWorkflow": f"{BIOSCHEMAS}/ComputationalWorkflow",
    "FormalParameter": f"{BIOSCHEMAS}/FormalParameter",
    "input": f"{BIOSCHEMAS}/ComputationalWorkflow#input",
    "output": f"{BIOSCHEMAS}/ComputationalWorkflow#output",
}
ENERGIES_EV = {f"{FACET}.clean": -1000.125, "atom.Li": -5.5, f"{FACET}.Li-cave": -1009.5}


@pytest.fixture(scope="module")
def plan(tmp_path_factory, recipes):
    """Return a finished run: one trajectory, one site."""
    root = tmp_path_factory.mktemp("run") / "results"
    run = {"assembly": "drill-nd29-li", "relax_parts": False, "steps": 6}
    config = {
        "title": "A run to keep",
        "results": str(root),
        "structures": str(recipes),
        "levels": {"gfn2": {"engine": "xtb"}},
        "md": {"run": ["drill"], "runs": {"drill": run}},
        "elf": {"frames": 0},
        "adsorption": {"facets": [FACET], "ions": ["Li"], "sites": ["cave"]},
    }
    plan = Plan(Config.model_validate(config))
    start, slab = build("drill-nd29-li", recipes), build(FACET, recipes)
    write_structure(start, root / "structures/drill-nd29-li.extxyz")
    site = next(site for site in find_sites(slab) if site.label == "cave")
    geometries = {
        "drill": start,
        f"{FACET}.clean": slab,
        "atom.Li": isolated_atom("Li"),
        f"{FACET}.Li-cave": add_adsorbate(slab, site, "Li"),
    }
    for job_id in plan.executed():
        folder, atoms = plan.folder(job_id), geometries[job_id.stem]
        folder.mkdir(parents=True)
        write_job(plan.job(job_id), atoms, folder)
        write_structure(atoms, folder / f"{'last' if job_id.stage == 'md' else 'relaxed'}.extxyz")
        energy_eV = ENERGIES_EV.get(job_id.stem, -7.25)
        fields = {"level": "gfn2", "engine": "xtb", "engine_version": "tblite 0.5", "input_hash": "0" * 16}
        Result(status="converged", energy_eV=energy_eV, **fields).write(folder / "result.json")
    random = np.random.default_rng(2)
    with FrameLog.open(root / "frames.bin", len(start), charges=False) as log:
        for step in range(7):
            arrays = {"velocities_A_fs": 0 * start.positions, "forces_eV_A": 0 * start.positions}
            scalars = {"time_fs": step / 2, "temperature_K": 1, "potential_eV": -step / 3, "conserved_eV": 1}
            moved = start.positions + random.normal(scale=0.1, size=start.positions.shape)
            log.append(step=step, positions_A=moved, **arrays, **scalars)
    frames = Frames(root / "frames.bin")
    write_trajectory(frames, start, root / "md/drill/trajectory.traj")
    parts = order_parameters(log_chunks(frames, len(start)), start)
    write_order((part.columns for part in parts), root / "md/drill/order_parameters.csv")
    for piece in pieces(plan):
        if not (root / piece.path).exists():
            (root / piece.path).parent.mkdir(parents=True, exist_ok=True)
            (root / piece.path).write_text("{}\n")
    blank = dict.fromkeys(ADSORPTION.names, "")
    row = blank | {"facet": FACET, "adsorbate": "Li", "site": "cave", "n": 1, "level": "gfn2"}
    bound = row | {"E_ads_eV": -3.875, "error_estimate_eV": 0.05, "status": "converged"}
    refused = row | {"site": "pedestal", "status": "refused; the parts are of two versions of the engine"}
    write_table(root / "adsorption.csv", ADSORPTION.names, [list(each.values()) for each in (bound, refused)])
    return plan


@pytest.fixture(scope="module")
def opened(plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crate")
    assert write_crate(plan, folder / "crate.zip") == []
    with zipfile.ZipFile(folder / "crate.zip") as archive:
        archive.extractall(folder / "opened")
    return folder / "opened"


def test_without_frames_all_else_is_there(plan, opened, tmp_path):
    assert write_crate(plan, tmp_path / "crate.zip", frames=False) == []
    names = set(zipfile.ZipFile(tmp_path / "crate.zip").namelist())
    whole = {str(path.relative_to(opened)) for path in opened.rglob("*") if path.is_file()}
    assert whole - names == {
        "md/drill/trajectory.traj",
        "md/drill/order_parameters.csv",
        "md/drill/thermalisation.csv",
        "charges/drill.csv",
    }
    assert "Without the frames" in ROCrate(tmp_path / "crate.zip").description


def test_tables_of_further_targets_are_there_if_they_were_made(plan, tmp_path):
    """A ledger of claims goes with what it was judged by."""
    there = plan.results / "adsorption_levels.csv"
    there.write_text("facet\n")
    try:
        write_crate(plan, tmp_path / "crate.zip")
    finally:
        there.unlink()
    names = set(zipfile.ZipFile(tmp_path / "crate.zip").namelist())
    assert "adsorption_levels.csv" in names
    assert not names & {"free_energy.json", "insertion.csv", "shells.csv"}


def test_the_crate_is_valid_and_describes_every_file_it_holds(opened):
    crate = ROCrate(opened)
    assert crate.name == "A run to keep"
    metadata = json.loads((opened / "ro-crate-metadata.json").read_text())
    entities = {entity["@id"]: entity for entity in metadata["@graph"]}
    assert len(entities) == len(metadata["@graph"])
    descriptor, root = entities["ro-crate-metadata.json"], entities["./"]
    assert {"@id": "https://w3id.org/ro/crate/1.1"} in descriptor["conformsTo"]
    assert descriptor["about"]["@id"] == "./"
    for required in ("name", "description", "datePublished", "license"):  # RO-Crate 1.1, section 4.2
        assert root[required], required
    listed = {entity.id for entity in crate.data_entities}
    there = {str(path.relative_to(opened)) for path in opened.rglob("*") if path.is_file()}
    assert listed == there - {"ro-crate-metadata.json"}
    assert {part["@id"] for part in root["hasPart"]} == listed

    def links(value):
        if isinstance(value, list):
            return [link for one in value for link in links(one)]
        return [value["@id"]] if isinstance(value, dict) and "@id" in value else []

    for entity in metadata["@graph"]:
        for key, value in entity.items():
            for link in links(value):
                assert link in entities or link.startswith("http"), (entity["@id"], key, link)


@pytest.fixture
def judged(monkeypatch):
    """Return what another validator says of a crate; the JSON-LD context that it asks for comes with rocrate.

    That is the one of RO-Crate 1.3; what 1.1 has elsewhere, `OF_1_1`, is put back.
    """
    import rdflib.plugins.parsers.jsonld
    import rdflib.plugins.shared.jsonld.context as jsonld
    import requests
    from rocrate_validator import models, services
    from rocrate_validator.utils.http import HttpRequester

    context = (resources.files("rocrate") / "data/ro-crate.jsonld").read_text(encoding="utf-8")
    for term, address in OF_1_1.items():
        context = context.replace(f'"{term}": "https://bioschemas.org/terms/{term}"', f'"{term}": "{address}"')
    read = jsonld.source_to_json

    def answer(_self, url, **_):
        response = requests.Response()
        response.status_code, response._content = (200, context.encode()) if url.endswith("/context") else (404, b"")
        response.headers["Content-Type"] = "application/ld+json"
        return response

    def source_to_json(source, *more, **options):
        known = isinstance(source, str) and source.endswith("/context")
        return (json.loads(context), None) if known else read(source, *more, **options)

    for method in ("get", "head", "fetch_fresh"):
        monkeypatch.setattr(HttpRequester, method, answer, raising=False)
    for module in (jsonld, rdflib.plugins.parsers.jsonld):
        monkeypatch.setattr(module, "source_to_json", source_to_json)

    def judge(crate):
        severity = models.Severity.RECOMMENDED
        settings = {
            "rocrate_uri": str(crate),
            "profile_identifier": "provenance-run-crate",
            "requirement_severity": severity,
        }
        result = services.validate(services.ValidationSettings(**settings))
        return [(issue.severity.name, issue.check.identifier, issue.message) for issue in result.get_issues()]

    return judge


def required(issues):
    return [(check, message) for severity, check, message in issues if severity == "REQUIRED"]


def test_another_validator_finds_all_that_the_profile_and_those_below_it_require(judged, opened, tmp_path):
    issues = judged(opened)
    assert required(issues) == []
    # what RO-Crate itself recommends besides only the owner of the results knows: author and publisher
    assert {check for _, check, _ in issues if check.startswith("ro-crate-")} == {
        "ro-crate-1.1_22.2",
        "ro-crate-1.1_22.3",
    }
    # and it looks: two of these belong to RO-Crate, two to the profile
    spoiled = shutil.copytree(opened, tmp_path / "spoiled")
    (spoiled / "adsorption.csv").unlink()
    metadata = json.loads((spoiled / "ro-crate-metadata.json").read_text())
    entities = {entity["@id"]: entity for entity in metadata["@graph"]}
    del entities["./"]["license"]
    del entities["#snakemake-run"]["result"]
    next(entity for entity in metadata["@graph"] if entity["@type"] == "HowToStep").pop("workExample")
    (spoiled / "ro-crate-metadata.json").write_text(json.dumps(metadata))
    found = [check.partition("_")[0] for check, _ in required(judged(spoiled))]
    assert found.count("ro-crate-1.1") == 2
    assert found.count("provenance-run-crate-0.5") >= 2


def test_the_crate_says_what_made_what(opened):
    crate = ROCrate(opened)
    actions = {action.id: action for action in crate.get_by_type("CreateAction")}
    assert len(actions) == 5  # one a job, and that of the workflow
    action = actions[f"#adsorption-{FACET}.Li-cave.gfn2"]
    assert action["instrument"]["softwareVersion"] == "tblite 0.5"
    assert action["actionStatus"].endswith("CompletedActionStatus")
    inputs = {entity.id.rpartition("/")[2] for entity in action["object"]}
    assert inputs == {"job.json", "structure.extxyz"}
    software = {entity["name"] for entity in crate.get_by_type("SoftwareApplication")}
    assert {"iondrill", "ase", "numpy", "tblite"} <= software
    assert {"config.yaml", f"recipes/facets/{FACET}.yaml", "recipes/clusters/nd29.yaml"} <= {
        entity.id for entity in crate.data_entities
    }


def test_every_job_is_tied_to_a_step_of_the_workflow(opened):
    crate = ROCrate(opened)
    workflow, run = crate.mainEntity, crate.get("#workflow-run")
    assert workflow.id == "Snakefile"
    assert (opened / "workflow/rules/md.smk").is_file()
    assert run["instrument"] is workflow
    assert "config.yaml" in {entity.id for entity in run["object"]}
    assert "adsorption.csv" in {entity.id for entity in run["result"]}
    (organised,) = crate.get_by_type("OrganizeAction")
    assert organised["instrument"]["name"] == "snakemake"
    assert organised["result"] is run
    controls = {control["object"].id: control for control in organised["object"]}
    jobs = {action.id for action in crate.get_by_type("CreateAction")} - {"#workflow-run"}
    assert set(controls) == jobs
    for name, control in controls.items():
        assert control["instrument"] in workflow["step"]
        assert control["instrument"]["name"].partition(",")[0] == name.removeprefix("#").partition("-")[0]
        assert control["instrument"]["workExample"] is control["object"]["instrument"]


def test_energies_are_values_with_unit_method_and_error_and_refused_ones_have_none(opened):
    crate = ROCrate(opened)
    bound, refused = crate.root_dataset["variableMeasured"]
    assert bound["value"] == -3.875
    assert (bound["unitText"], bound["unitCode"]) == ("eV", "A53")
    assert bound["measurementTechnique"].startswith("GFN2-xTB")
    assert bound["valueReference"]["value"] == 0.05
    assert "value" not in refused.properties()
    assert refused["description"] == "refused; the parts are of two versions of the engine"


def test_the_tables_can_be_made_again(opened, tmp_path):
    start = read_structure(opened / "structures/drill-nd29-li.extxyz")
    parts = list(order_parameters(read_chunks(opened / "md/drill/trajectory.traj", start), start))
    with (opened / "md/drill/order_parameters.csv").open() as file:
        rows = list(csv.DictReader(file))
    for name, values in parts[0].columns.items():
        assert np.allclose([float(row[name]) for row in rows], values, rtol=0, atol=1e-7), name
    with connect(opened / "structures.db") as database:
        energy = {row.subject: row.energy for row in database.select()}
        assert database.get(subject=f"{FACET}.clean").toatoms().get_chemical_formula() == "C32H8"
        fragments = database.get(subject=f"{FACET}.Li-cave").data["fragment"]
    assert fragments.count("adsorbate") == 1
    with (opened / "adsorption.csv").open() as file:
        row, _ = csv.DictReader(file)
    found = energy[f"{FACET}.Li-cave"] - energy[f"{FACET}.clean"] - energy["atom.Li"]
    assert found == pytest.approx(float(row["E_ads_eV"]), abs=1e-9)
    images = ase.io.read(opened / "structures.extxyz", index=":")
    assert {image.info["subject"]: image.get_potential_energy() for image in images} == energy
    assert images[0].arrays["fragment"].tolist()


def test_a_killed_run_says_what_is_missing(plan, tmp_path):
    job = plan.folder(plan.executed()[-1])
    aside = [job / "result.json", plan.results / "report.html", plan.results / "md/drill/order_parameters.csv"]
    try:
        for path in aside:
            path.rename(path.with_suffix(".gone"))
        missing = write_crate(plan, tmp_path / "crate.zip")
    finally:
        for path in aside:
            path.with_suffix(".gone").rename(path)
    assert missing == [
        f"jobs/adsorption/{job.name}: not finished",
        "report.html: the report, one page that works offline",
        "md/drill/order_parameters.csv: order parameters of each frame of run drill",
    ]
    crate = ROCrate(tmp_path / "crate.zip")
    assert crate.root_dataset["creativeWorkStatus"] == "Incomplete"
    assert all(one in crate.root_dataset["description"] for one in missing)
    with zipfile.ZipFile(tmp_path / "crate.zip") as archive:
        assert json.loads(archive.read("missing.json")) == missing


def test_nothing_to_keep(plan, tmp_path):
    config = plan.config.model_copy(update={"results": str(tmp_path / "none")})
    with pytest.raises(UserError, match="there are no results"):
        write_crate(Plan(config), tmp_path / "crate.zip")
