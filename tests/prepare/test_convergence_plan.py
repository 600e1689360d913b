"""The points of a convergence study: one setting varied at a time, every job once, nothing in vain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from ase import Atoms
from ase.io import write
from hypothesis import given
from hypothesis import strategies as st

from iondrill.config.document import Document
from iondrill.config.project import check_config
from iondrill.errors import UserError
from iondrill.jobs.name import JobId
from iondrill.prepare.checks.configuration import check
from iondrill.prepare.plan import Plan

ROOT = Path(__file__).parents[2]
LEVELS = {"gfn2": {"engine": "xtb"}, "dft": {"engine": "cp2k", "cutoff_Ry": 400}, "vasp": {"engine": "vasp"}}


def content(studies: dict[str, Any], structures: Path = ROOT / "structures") -> dict[str, Any]:
    return {"levels": LEVELS, "structures": str(structures), "convergence": {"studies": studies}}


def plan(structure: str, level: str, **sweep: Any) -> Plan:
    made = content({"study": {"structure": structure, "level": level, "sweep": sweep}})
    return Plan(check_config([Document(ROOT / "config.yaml")], made))


def start(of: Plan, name: str) -> Atoms:
    job = JobId.parse("convergence", name)
    return of.stage(job).start(job)


def names(of: Plan) -> list[str]:
    return [job.name for job in of.convergence.jobs()]


def test_the_own_point_is_computed_once_and_in_every_sweep():
    of = plan("c24-aa-li", "dft", cutoff_Ry=[300, 400, 500], rel_cutoff_Ry=[40], vacuum_A=[10, 15])
    assert names(of).count("c24-aa-li.own.dft") == 1
    assert len(names(of)) == len(set(names(of))) == 5
    by_setting: dict[str, list[Any]] = {}
    for row in of.convergence.studies["study"]:
        by_setting.setdefault(row.parameter, []).append(row.value)
        assert (row.point.id.name == "c24-aa-li.own.dft") == row.own
    assert by_setting == {"cutoff_Ry": [400, 300, 500], "rel_cutoff_Ry": [50, 40], "vacuum_A": [15, 10]}


@given(st.lists(st.sampled_from([250, 300, 350.5, 400, 500]), min_size=1, max_size=6))
def test_one_setting_is_varied_at_a_time(cutoffs):
    of = plan("atom.Na", "dft", cutoff_Ry=cutoffs, rel_cutoff_Ry=[60])
    own = of.config.levels["dft"].model_dump()
    for job, point in of.convergence.points.items():
        settings = of.job(job).level.model_dump()
        changed = {key for key in own if settings[key] != own[key]}
        assert changed == ({point.parameter} if point.parameter else set())
    assert len(of.convergence.points) == len({*cutoffs, 400}) + 1


def test_an_adsorption_energy_shares_the_parts_that_a_setting_does_not_touch():
    of = plan("C100-2x1.Li-cave", "dft", cutoff_Ry=[300], kpoints=[[2, 2, 1]], layers=[6], vacuum_A=[10])
    varied = {"cutoff_Ry-300", "kpoints-2x2x1", "layers-6", "vacuum_A-10", "own"}
    assert set(names(of)) == {
        *(f"C100-2x1.Li-cave.{word}.dft" for word in varied),
        *(f"C100-2x1.clean.{word}.dft" for word in varied),
        "atom.Li.own.dft",
        "atom.Li.cutoff_Ry-300.dft",
    }
    kinds = {name.split(".")[0]: of.job(JobId.parse("convergence", name)).kind for name in names(of)}
    assert kinds == {"C100-2x1": "slab", "atom": "atom"}


def test_several_ions_need_one_atom():
    assert set(names(plan("C100-2x1.2Na-cave", "gfn2", accuracy=[1]))) == {
        *("C100-2x1.2Na-cave.own.gfn2", "C100-2x1.clean.own.gfn2", "atom.Na.own.gfn2"),
    }


def test_two_ions_share_the_clean_slab():
    study = {"level": "gfn2", "sweep": {"accuracy": [0.1]}}
    studies = {ion: {**study, "structure": f"C100-2x1.{ion}-cave"} for ion in ("Li", "Na")}
    of = Plan(check_config([Document(ROOT / "config.yaml")], content(studies)))
    assert sum("clean" in name for name in names(of)) == 2
    assert len(of.convergence.points) == 2 + 2 * 2 + 2 * 2


def test_the_start_geometries_have_the_vacuum_and_layers_that_were_asked_for(recipes):
    of = plan("C100-2x1.Li-cave", "gfn2", layers=[6], vacuum_A=[12.5])
    tall, thin, wide = (start(of, f"C100-2x1.Li-cave.{word}.gfn2") for word in ("own", "layers-6", "vacuum_A-12_5"))
    slab = wide.arrays["fragment"] == "slab"
    assert wide.cell[2, 2] - np.ptp(wide.positions[slab, 2]) == pytest.approx(12.5)
    assert np.allclose(np.diff(wide.positions, axis=0), np.diff(tall.positions, axis=0), atol=1e-8)
    assert (tall.get_tags().max(), thin.get_tags().max()) == (8, 6)
    assert thin.positions[-1, 2] - thin.positions[:-1, 2].max() == pytest.approx(
        tall.positions[-1, 2] - tall.positions[:-1, 2].max()
    )
    atom = start(plan("atom.Li", "dft", vacuum_A=[9]), "atom.Li.vacuum_A-9.dft")
    assert atom.cell.lengths() == pytest.approx([9, 10, 11])
    cluster = start(plan("nd29", "dft", vacuum_A=[9]), "nd29.vacuum_A-9.dft")
    assert cluster.cell.lengths() == pytest.approx(np.ptp(cluster.positions, axis=0).max() + 9)


@pytest.mark.parametrize(
    ("structure", "level", "sweep", "says"),
    [
        ("nd29", "gfn2", {"vacuum_A": [10]}, "no box"),
        ("nd29", "dft", {"kpoints": [[2, 2, 1]]}, "at Γ"),
        ("nd29", "dft", {"layers": [3]}, "the recipe of a facet"),
        ("nd29.Li-cave", "dft", {"cutoff_Ry": [300]}, "kind cluster; allowed: a facet"),
        ("atom.Li", "vasp", {"vacuum_A": [10]}, "no box"),
        ("atom.Li", "gfn2", {"cutoff_Ry": [300]}, "without this setting; allowed: accuracy, vacuum_A, layers"),
        ("nd2", "dft", {"cutoff_Ry": [300]}, "did you mean"),
        ("atom.Rb", "dft", {"cutoff_Ry": [300]}, r"atom\.<ion>"),
        ("nd29", "dft", {}, "sweeps nothing"),
        ("nd29", "dft", {"cutoff_Ry": [-1]}, "≥ 1 and ≤ 10000"),
        ("nd29", "dtf", {"cutoff_Ry": [300]}, "did you mean 'dft'"),
        ("C100-2x1", "gfn2", {"layers": [2]}, "fixed_layers 2"),
        ("C100-2x1.Li-nowhere", "gfn2", {"accuracy": [0.1]}, "no site 'nowhere'"),
    ],
)
def test_iondrill_check_names_what_is_wrong(tmp_path, structure, level, sweep, says):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(content({"study": {"structure": structure, "level": level, "sweep": sweep}})))
    with pytest.raises(UserError, match=says) as error:
        check(path)
    assert all(str(problem).startswith(f"{path}: convergence.studies.study") for problem in error.value.problems)


def test_iondrill_check_counts_the_points(tmp_path):
    path = tmp_path / "config.yaml"
    made = content({"study": {"structure": "atom.Li", "level": "dft", "sweep": {"cutoff_Ry": [300, 500]}}})
    path.write_text(yaml.safe_dump(made))
    summary = check(path)
    assert (summary.calculations, summary.elsewhere) == (0, 3)


def test_a_structure_file_has_a_box_of_its_own(tmp_path):
    for folder in ("clusters", "flakes", "facets", "assemblies"):
        (tmp_path / folder).mkdir()
    write(tmp_path / "clusters/h2.extxyz", Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.74]], cell=[8, 8, 8]))
    study = {"structure": "h2", "level": "dft", "sweep": {"vacuum_A": [10]}}
    of = Plan(check_config([Document(ROOT / "config.yaml")], content({"study": study}, tmp_path)))
    own, wide = (row.point.start(tmp_path) for row in of.convergence.studies["study"])
    assert own.cell.lengths() == pytest.approx(8)
    assert wide.cell.lengths() == pytest.approx(10.74)
