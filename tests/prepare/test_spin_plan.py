"""Charge and multiplicity of the recipes reach every job."""

import pytest
import yaml

from iondrill.config.models import Config
from iondrill.jobs.name import JobId
from iondrill.prepare.plan import Plan

RECIPES = {
    "clusters/dot": {"kind": "cluster", "radius_A": 2.96, "expect_atoms": 29, "charge": 1, "multiplicity": [2, 4]},
    "flakes/sheet": {"kind": "flake", "ring_order": 2, "charge": -2, "multiplicity": 3},
    "facets/top": {"kind": "facet", "miller": [1, 0, 0], "cell": [1, 1], "layers": 4, "fixed_layers": 1},
    "assemblies/meet": {"kind": "assembly", "cluster": "dot", "flake": "sheet", "charge": -1, "multiplicity": 2},
}


@pytest.fixture
def plan(tmp_path):
    for name, recipe in RECIPES.items():
        path = tmp_path / f"structures/{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(recipe | ({"charge": 1, "multiplicity": 4} if name == "facets/top" else {})))
    return lambda **run: Plan(
        Config.model_validate(
            {
                "results": str(tmp_path / "results"),
                "structures": str(tmp_path / "structures"),
                "levels": {"gfn2": {"engine": "xtb"}, "pbe": {"engine": "cp2k"}},
                "relax": {"level": "pbe"},
                "md": {"run": ["go"], "runs": {"go": {"assembly": "meet", "steps": 5, **run}}},
                "elf": {"frames": 1, "difference": True},
                "adsorption": {"facets": ["top"], "ions": ["Li"], "sites": ["top"]},
                "inputs": {"relax": ["pbe"], "runs": ["go"]},
            }
        )
    )


def test_each_job_has_the_charge_and_multiplicity_of_its_recipe(plan):
    the_plan = plan()
    expected = {
        "relax/dot.m2.pbe": (1, 2),
        "relax/dot.m4.pbe": (1, 4),
        "relax/sheet.pbe": (-2, 3),
        "md/go.gfn2": (-1, 2),
        "elf/go.5.gfn2": (-1, 2),
        "elf/go.5.nd.gfn2": (1, None),  # decided by the relaxation
        "elf/go.5.rest.gfn2": (-2, 3),
        "adsorption/top.clean.gfn2": (1, 4),
        "adsorption/top.Li-top.gfn2": (1, None),
        "adsorption/atom.Li.gfn2": (0, None),
    }
    kept = JobId.parse("relax", "dot.pbe")
    jobs = {f"{job.stage}/{job.name}": the_plan.job(job) for job in the_plan.wanted() if job != kept}
    assert {name: (job.charge, job.multiplicity) for name, job in jobs.items()} == expected
    assert the_plan.md.charge_of("go") == -1


def test_the_lowest_multiplicity_is_kept_under_the_name_of_the_structure(plan):
    the_plan, kept = plan(), JobId.parse("relax", "dot.pbe")
    states = [JobId.parse("relax", "dot.m2.pbe"), JobId.parse("relax", "dot.m4.pbe")]
    assert the_plan.relax.spin_jobs(kept) == states
    assert kept in the_plan.wanted()
    assert the_plan.prerelaxation(kept) is None
    assert [the_plan.prerelaxation(state) for state in states] == [
        JobId.parse("relax", "dot.m2.gfn2"),
        JobId.parse("relax", "dot.m4.gfn2"),
    ]
    assert set(states) <= set(the_plan.written())
    assert kept not in the_plan.written(), "nothing is run under this name"
    assert the_plan.relax.spin_job_of_part("go", "nd") == kept
    assert the_plan.relax.spin_job_of_part("go", "rest") is None
    assert plan(relax_parts=False).relax.spin_job_of_part("go", "nd") is None
