"""The files of the results: each is declared once, what rules write is declared, each has its condition."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iondrill.config.models import Config
from iondrill.prepare.plan import Plan
from iondrill.prepare.published import published
from iondrill.prepare.result_files import RESULT_FILES, result_paths
from iondrill.publish.crate import pieces

ROOT = Path(__file__).parents[2]
OTHERS = re.compile(r"jobs/|logs/|benchmarks/|potential/|paper_figures/|\.accepted$|crate\.zip$|inputs\.json$")
"""What is no result, or a target of its own that no page or crate is made from."""
DECLARED = {file.path for file in RESULT_FILES}


def in_rules():
    """Yield each file of the results that a rule names."""
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for name in re.findall(r'f"\{RESULTS\}/([^"]+)"', path.read_text(encoding="utf-8")):
            if "wildcards" not in name:  # an input
                plain = re.sub(r"\{+(\w+)\}+", r"{\1}", name)
                yield re.sub(r"^structures/.+\.(\w+)$", r"structures/{structure}.\1", plain)


def plan_of(recipes, **changed):
    levels = {"gfn2": {"engine": "xtb"}}
    run = {"assembly": "drill-nd29-li", "relax_parts": False, "steps": 40}
    config = {"results": "r", "structures": str(recipes), "levels": levels, "md": {"runs": {"a": run, "b": run}}}
    return Plan(Config.model_validate(config | changed))


def names(paths):
    return {path.relative_to("r").as_posix() for path in paths}


def test_what_rules_write_is_declared():
    found = {name for name in in_rules() if not OTHERS.match(name)}
    assert len(found) > 20
    assert found <= DECLARED


def test_no_file_is_declared_twice_for_the_same():
    declared = [(file.path, file.what) for file in RESULT_FILES]
    assert len(set(declared)) == len(declared)
    ids = [file.chapter.id for file in RESULT_FILES if file.chapter]
    assert len(set(ids)) == len(ids)


def test_a_plan_of_nothing_has_the_page_alone(recipes):
    plan = plan_of(recipes)
    assert names(published(plan)) == {
        "report.html",
        "status.json",
        "figures/summary.html",
        "figures/structures",
        "figures/elf",
    }
    assert [piece.path for piece in pieces(plan)] == ["report.html"]


def test_each_run_has_its_files_and_all_runs_are_compared(recipes):
    runs = {name: {"assembly": "drill-nd29-li", "relax_parts": False, "steps": 40} for name in ("a", "b")}
    plan = plan_of(recipes, md={"run": ["a", "b"], "runs": runs}, elf={"frames": 0})
    found = names(published(plan))
    assert {"md/a/order_parameters.csv", "md/b/order_parameters.csv", "contrasts.csv", "diffraction.csv"} <= found
    assert not [name for name in found if name.startswith("elf/")]
    meanings = {piece.path: piece.what for piece in pieces(plan)}
    assert meanings["charges/b.csv"] == "charges of the fragments of run b"
    assert meanings["structures/drill-nd29-li.extxyz"] == "start structure of run b"


@pytest.mark.parametrize(("difference", "isosurfaces"), [(False, "none"), (True, "last"), (True, "all")])
def test_maps_have_what_is_asked_for(recipes, difference, isosurfaces):
    run = {"assembly": "drill-nd29-li", "relax_parts": False, "steps": 40}
    elf = {"frames": 3, "difference": difference, "isosurfaces": isosurfaces}
    plan = plan_of(recipes, md={"run": ["a"], "runs": {"a": run}}, elf=elf)
    found = names(published(plan))
    n_maps = {
        ending: len([name for name in found if re.fullmatch(rf"elf/a/\d+\.{ending}", name)])
        for ending in ("npz", "png", "cividis.png", "difference.npz", "difference.png", "grid.npz")
    }
    grids = {"none": 0, "last": 1, "all": 3}[isosurfaces]
    differences = 3 if difference else 0
    expected = {"npz": 3, "png": 3, "cividis.png": 3, "grid.npz": grids}
    assert n_maps == expected | {"difference.npz": differences, "difference.png": differences}
    shown = names(result_paths(plan, lambda file: file.page))
    assert shown < found
    assert "elf/a/film.gif" in shown


def test_a_target_of_its_own_is_not_asked_for_by_the_default_one(recipes):
    plan = plan_of(recipes, barriers={"level": "gfn2", "facets": ["C100-2x1"]})
    assert "barriers.csv" not in names(published(plan))
    assert names(result_paths(plan, lambda file: file.target == "barriers")) == {"barriers.csv", "figures/barriers.svg"}
