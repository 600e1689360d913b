"""Error estimates of adsorption energies come from studies of the same facet, ion and level, and no others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iondrill.config.models import Config
from iondrill.prepare.estimates import error_estimates
from iondrill.prepare.plan import Plan

ROOT = Path(__file__).parents[2]
STUDIES = {
    "cave": ("C100-2x1.Li-cave", 12.0),
    "pair": ("C100-2x1.2Li-pedestal", 30.0),
    "sodium": ("C100-2x1.Na-cave", None),
    "flake": ("c24-aa-li", 5.0),
    "atom": ("atom.Li", 5.0),
}


@pytest.fixture
def plan(tmp_path):
    studies = {
        name: {"structure": structure, "level": "dft", "sweep": {"cutoff_Ry": [300]}}
        for name, (structure, _) in STUDIES.items()
    }
    return Plan(
        Config.model_validate(
            {
                "results": str(tmp_path),
                "structures": str(ROOT / "structures"),
                "levels": {"gfn2": {"engine": "xtb"}, "dft": {"engine": "cp2k", "cutoff_Ry": 400}},
                "convergence": {"studies": studies},
            }
        )
    )


def write(plan, **changed):
    folder = plan.results / "convergence"
    folder.mkdir(exist_ok=True)
    for name, (structure, estimate) in STUDIES.items():
        summary = {
            "structure": structure,
            "level": "dft",
            "level_title": plan.config.levels["dft"].title,
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


@pytest.mark.parametrize("key", ["structure", "level", "level_title"])
def test_a_study_of_something_else_says_nothing(plan, key):
    write(plan, **{key: "another"})
    assert error_estimates(plan) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"structure": 1}'])
def test_a_damaged_summary_says_nothing(plan, text):
    write(plan)
    for name in ("cave", "pair"):
        (plan.results / "convergence" / f"{name}.json").write_text(text)
    assert error_estimates(plan) == {}
