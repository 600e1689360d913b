"""Error estimates of adsorption energies come from studies of the same facet, ion and level, and no others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from iondrill.config.models import Config
from iondrill.prepare.estimates import MADE_OF, error_estimates, made_of
from iondrill.prepare.plan import Plan

ROOT = Path(__file__).parents[2]
STUDIES = {
    "cave": ("C100-2x1.Li-cave", 12.0),
    "pair": ("C100-2x1.2Li-pedestal", 30.0),
    "sodium": ("C100-2x1.Na-cave", None),
    "flake": ("c24-aa-li", 5.0),
    "atom": ("atom.Li", 5.0),
}


def plan_at(folder, engine="cp2k", **settings):
    """Return a plan with recipes of its own, so that a test may change them."""
    if not (folder / "structures").exists():
        shutil.copytree(ROOT / "structures", folder / "structures")
    sweep = {"cp2k": {"cutoff_Ry": [300]}, "vasp": {"encut_eV": [300]}, "xtb": {"accuracy": [0.1]}}[engine]
    studies = {
        name: {"structure": structure, "level": "dft", "sweep": sweep} for name, (structure, _) in STUDIES.items()
    }
    return Plan(
        Config.model_validate(
            {
                "results": str(folder),
                "structures": str(folder / "structures"),
                "levels": {"gfn2": {"engine": "xtb"}, "dft": {"engine": engine, **settings}},
                "convergence": {"studies": studies},
            }
        )
    )


@pytest.fixture
def plan(tmp_path):
    return plan_at(tmp_path, cutoff_Ry=400)


def write(plan, **changed):
    folder = plan.results / "convergence"
    folder.mkdir(exist_ok=True)
    for name, (_, estimate) in STUDIES.items():
        summary = {
            **made_of(plan, plan.config.convergence.studies[name]),
            "error_estimate": {"E_ads_meV": estimate},
            "error_estimate_covers": {"E_ads_meV": ["cutoff_Ry", "kpoints"]},
            "error_estimate_lacks": {"E_ads_meV": ["layers"] if name == "pair" else []},
        }
        (folder / f"{name}.json").write_text(json.dumps(summary | changed))


def test_the_largest_of_a_facet_and_ion_counts(plan):
    write(plan)
    words = "error estimate covers cutoff_Ry, kpoints, not layers"
    assert error_estimates(plan) == {"C100-2x1.Li.dft": (pytest.approx(0.030), words)}


def test_an_estimate_that_covers_all_that_was_swept_lacks_nothing(plan):
    write(plan, error_estimate_lacks={"E_ads_meV": []})
    assert error_estimates(plan)["C100-2x1.Li.dft"].covers == "error estimate covers cutoff_Ry, kpoints"


@pytest.mark.parametrize("key", ["error_estimate_covers", "error_estimate_lacks"])
def test_an_estimate_that_does_not_tell_what_it_covers_says_nothing(plan, key):
    write(plan, **{key: None})
    assert error_estimates(plan) == {}


def test_no_study_no_estimate(plan):
    assert error_estimates(plan) == {}


@pytest.mark.parametrize("key", MADE_OF)
def test_a_study_of_something_else_says_nothing(plan, key):
    write(plan, **{key: "another"})
    assert error_estimates(plan) == {}


@pytest.mark.parametrize("key", MADE_OF)
def test_a_study_that_does_not_tell_what_it_was_made_of_says_nothing(plan, key):
    write(plan)
    for path in (plan.results / "convergence").glob("*.json"):
        summary = json.loads(path.read_text())
        del summary[key]
        path.write_text(json.dumps(summary))
    assert error_estimates(plan) == {}


@pytest.mark.parametrize(
    ("engine", "changed"),
    [
        *[("cp2k", {key: value}) for key, value in (("kpoints", [1, 1, 1]), ("rel_cutoff_Ry", 60), ("eps_scf", 1e-5))],
        *[("cp2k", {key: value}) for key, value in (("gapw", []), ("smearing_K", 500), ("dipole_correction", True))],
        *[("vasp", {key: value}) for key, value in (("kpoints", [1, 1, 1]), ("sigma_eV", 0.1), ("ismear", 1))],
        ("xtb", {"accuracy": 10}),
    ],
)
def test_a_study_at_other_settings_of_the_level_says_nothing(tmp_path, engine, changed):
    write(plan_at(tmp_path, engine))
    assert error_estimates(plan_at(tmp_path, engine))
    assert error_estimates(plan_at(tmp_path, engine, **changed)) == {}


def test_how_the_program_is_started_does_not_matter(tmp_path):
    write(plan_at(tmp_path))
    elsewhere = plan_at(tmp_path, command=["cp2k.popt"], ranks=16, launcher=["srun"])
    assert error_estimates(elsewhere) == error_estimates(plan_at(tmp_path)) != {}


@pytest.mark.parametrize(("changes", "same"), [({"layers": 10}, False), ({"vacuum_A": 25}, False), ({}, True)])
def test_a_study_of_an_earlier_recipe_says_nothing(tmp_path, changes, same):
    write(plan_at(tmp_path))
    path = tmp_path / "structures/facets/C100-2x1.yaml"
    recipe = yaml.safe_load(path.read_text()) | {"description": "the same in other words"} | changes
    path.write_text(yaml.safe_dump(recipe))
    assert bool(error_estimates(plan_at(tmp_path))) is same


def test_a_study_of_a_file_that_was_replaced_says_nothing(tmp_path):
    path = tmp_path / "structures/facets/C100-2x1.extxyz"
    for text, expected in (("one", True), ("another", False)):
        plan = plan_at(tmp_path)
        path.with_suffix(".yaml").unlink(missing_ok=True)
        path.write_text(text)
        if expected:
            write(plan)
        assert bool(error_estimates(plan)) is expected


@pytest.mark.parametrize("text", ["", "{", "[]", '{"structure": 1}'])
def test_a_damaged_summary_says_nothing(plan, text):
    write(plan)
    for name in ("cave", "pair"):
        (plan.results / "convergence" / f"{name}.json").write_text(text)
    assert error_estimates(plan) == {}
