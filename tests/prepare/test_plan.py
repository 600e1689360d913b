"""Which jobs a configuration calls for: each once, all of them, none else."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.config.models import Config
from iondrill.config.project import read_config
from iondrill.errors import UserError
from iondrill.jobs.job import Md, Relax, Static
from iondrill.jobs.name import JobId
from iondrill.prepare.plan import Plan

ROOT = Path(__file__).parents[2]


def plan(**changes: object) -> Plan:
    config = read_config(ROOT / "config.yaml").model_dump(mode="json")
    config["structures"] = str(ROOT / "structures")
    return Plan(Config.model_validate({**config, **changes}))


@pytest.fixture
def default(tmp_path: Path) -> Plan:
    return plan(results=str(tmp_path))


def test_every_job_once(default: Plan) -> None:
    for jobs in (default.executed(), default.written()):
        assert len(jobs) == len(set(jobs))
        assert all(job.level in default.config.levels for job in jobs)


def test_one_clean_slab_and_one_atom_serve_all_sites(default: Plan) -> None:
    names = [job.stem for job in default.adsorption.jobs()]
    facets, ions = default.config.adsorption.facets, default.config.adsorption.ions
    fillings = default.adsorption.fillings
    assert {(filling.structure, filling.ion) for filling in fillings} == set(product(facets, ions))
    assert len(names) == len(facets) + len(ions) + len(fillings)
    assert sorted(name for name in names if name.startswith("atom.")) == sorted(f"atom.{ion}" for ion in ions)


def test_the_parts_of_a_run_are_relaxed_first(default: Plan) -> None:
    assert {"nd35", "c24-aa-li"} <= set(default.relax.structures)
    assert default.md.start_structure("drill") == f"drill-nd35-li.{default.config.relax.level}"


def test_what_is_written_and_not_run_is_of_file_engines(default: Plan) -> None:
    assert {default.config.levels[job.level].engine for job in default.written()} == {"cp2k", "vasp"}
    assert not set(default.written()) & set(default.executed())


def test_the_points_of_crystals_are_written_too(default: Plan) -> None:
    points = default.intercalation.jobs()
    assert {job.stage for job in points} == {"intercalation", "adsorption"}
    assert set(points) <= set(default.written())
    assert not {"LiC6", "Li-bcc"} & set(default.written_structures()), "no rule builds them"
    assert default.job(points[0]).kind == "crystal"


def test_a_mistake_in_a_crystal_ends_no_plan_but_its_own(tmp_path: Path) -> None:
    broken = plan(results=str(tmp_path), intercalation={"level": "pbe-d3", "crystals": ["LiC6", "LiC7"]})
    assert all(job.stage != "intercalation" for job in broken.written())
    with pytest.raises(UserError, match="LiC7"):
        broken.intercalation.jobs()


def test_what_is_built_from_recipes_alone_is_written_anew_when_these_change(tmp_path: Path) -> None:
    studies = {
        name: {"structure": structure, "level": level, "sweep": sweep}
        for name, structure, level, sweep in (
            ("slab", "C111-1x1.Li-top", "pbe-d3", {"cutoff_Ry": [300]}),
            ("flake", "c24-aa-li", "gfn2", {"accuracy": [0.1]}),
            ("atom", "atom.Li", "pbe-d3", {"cutoff_Ry": [300]}),
        )
    }
    found = plan(results=str(tmp_path), convergence={"studies": studies}).written_recipes()
    assert found == [str(ROOT / "structures/facets/C111-1x1.yaml")]


def test_jobs_know_their_task(default: Plan) -> None:
    tasks = {(job.stage, type(default.job(job).task)) for job in default.executed()}
    assert tasks == {("relax", Relax), ("md", Md), ("elf", Static), ("adsorption", Relax), ("adsorption", Static)}
    assert default.job(JobId.parse("adsorption", "atom.Li.gfn2")).kind == "atom"
    assert default.job(JobId.parse("adsorption", "C100-2x1.clean.gfn2")).kind == "slab"


def test_a_relaxation_at_another_engine_starts_from_the_same_job_at_the_level_of_prerelaxation(tmp_path: Path) -> None:
    stages = {
        "relax": {"level": "pbe-d3", "structures": ["nd29"]},
        "md": {},
        "inputs": {},
        "adsorption": {"level": "pbe-d3-vasp", "prerelax": "gfn2-smeared", "facets": ["C100-2x1"], "ions": ["Li"]},
    }
    warm = plan(results=str(tmp_path), **stages)
    for job in warm.wanted():
        starts_from = warm.prerelaxation(job)
        if job.stem == "atom.Li":
            assert starts_from is None
        else:
            level = "gfn2" if job.stage == "relax" else "gfn2-smeared"
            assert starts_from == job._replace(level=level)
            assert warm.prerelaxation(starts_from) is None
            assert starts_from in warm.executed()
            assert starts_from not in warm.written()
    assert len(warm.executed()) == 2 * len(warm.wanted()) - 1
    stages["adsorption"]["prerelax"] = None
    assert all(job.stage == "relax" for job in plan(results=str(tmp_path), **stages).executed() if "gfn2" in job.level)


def test_a_frame_follows_the_frame_before_where_the_engine_can_start_from_it() -> None:
    runs = {"r": {"assembly": "drill-nd35-li", "steps": 40}}
    stages = {"md": {"run": ["r"], "runs": runs}, "elf": {"level": "pbe-d3", "frames": 3, "difference": True}}
    chained = plan(**stages)
    follows = {job.name: chained.elf.guess_of(job) for job in chained.elf.jobs()}
    for part in ("", ".nd", ".rest"):
        assert follows[f"r.0{part}.pbe-d3"] is None
        assert follows[f"r.20{part}.pbe-d3"] == JobId.parse("elf", f"r.0{part}.pbe-d3")
        assert follows[f"r.40{part}.pbe-d3"] == JobId.parse("elf", f"r.20{part}.pbe-d3")
    for elf in ({"level": "gfn2"}, {"level": "pbe-d3", "reuse_wavefunction": False}):
        free = plan(**(stages | {"elf": elf}))
        assert not any(map(free.elf.guess_of, free.elf.jobs()))


def test_no_prerelaxation_of_what_is_at_an_xtb_level_or_at_its_own(tmp_path: Path) -> None:
    stages = {"relax": {"level": "gfn2", "prerelax": "gfn2-smeared", "structures": ["nd29"]}, "md": {}}
    assert not any(map(plan(results=str(tmp_path), **stages).prerelaxation, plan(**stages).executed()))
    stages["relax"] = {"level": "pbe-d3", "prerelax": "pbe-d3", "structures": ["nd29"]}
    assert plan(results=str(tmp_path), **stages).prerelaxation(JobId.parse("relax", "nd29.pbe-d3")) is None


@given(st.integers(1, 400), st.integers(1, 20), st.integers(0, 12))
def test_elf_frames_are_saved_frames(saved: int, every: int, frames: int) -> None:
    run = {"assembly": "drill-nd35-li", "steps": saved * every, "save_every": every}
    steps = plan(md={"run": ["r"], "runs": {"r": run}}, elf={"frames": frames}).elf.steps("r")
    assert len(steps) == min(frames, saved + 1)
    assert all(step % every == 0 and 0 <= step <= saved * every for step in steps)
    if frames > 1:
        assert {steps[0], steps[-1]} == {0, saved * every}


@pytest.mark.parametrize(("wanted", "steps"), [("none", []), ("last", [8]), ("all", [0, 4, 8])])
def test_isosurfaces_are_of_mapped_frames(wanted: str, steps: list[int]) -> None:
    run = {"assembly": "drill-nd35-li", "steps": 8}
    made = plan(md={"run": ["r"], "runs": {"r": run}}, elf={"frames": 3, "isosurfaces": wanted})
    assert made.elf.isosurfaces("r") == steps


def test_frames_of_events_are_planned_before_anybody_knows_where_they_are() -> None:
    run = {"assembly": "drill-nd35-li", "steps": 8, "relax_parts": False}
    elf = {"frames": 2, "events": ["bonded", "first_contact", "bonded"], "difference": True, "isosurfaces": "all"}
    made = plan(md={"run": ["r"], "runs": {"r": run}}, elf=elf)
    assert made.elf.frames("r") == made.elf.isosurfaces("r") == [0, 8, "bonded", "first_contact"]
    names = [job.stem for job in made.elf.jobs()]
    assert names[:4] == ["r.0", "r.8", "r.bonded", "r.first_contact"]
    assert {"r.bonded.nd", "r.bonded.rest"} <= set(names)
    assert made.elf.guess_of(made.elf.of_frame("r", "bonded")) is None
    # the digest of a single point is that of its geometry, however its frame was chosen
    both = [made.job(made.elf.of_frame("r", frame)).model_dump(exclude={"name", "note"}) for frame in (8, "bonded")]
    assert both[0] == both[1]


def test_a_run_is_repeated_at_the_second_fit_as_it_is_but_for_the_level() -> None:
    levels = {name: {"engine": "ase", "calculator": "EMT"} for name in ("one", "two")} | {"gfn2": {"engine": "xtb"}}
    run = {"assembly": "drill-nd35-li", "steps": 8, "relax_parts": False, "seed": 7, "launch_m_s": 100}
    md = {"level": "one", "runs": {"r": run, "at-two": {**run, "level": "two"}}, "run": ["r", "at-two"]}
    rest: dict[str, object] = {"levels": levels, "elf": {"frames": 0}, "inputs": {}, "adsorption": {"facets": []}}
    made = plan(**rest, md=md | {"verify": {"level": "gfn2", "twin": "two"}})
    assert [job.name for job in made.verify.twins()] == ["r.two"]
    (twin,) = made.verify.twins()
    assert twin in made.executed()
    of_level = {"name", "level", "level_name"}
    assert made.job(twin).model_dump(exclude=of_level) == made.job(made.md.of_run("r")).model_dump(exclude=of_level)
    assert made.job(twin).level_name == "two"
    without = plan(**rest, md=md | {"verify": {"level": "gfn2"}})
    assert set(made.executed()) - set(without.executed()) == {twin}


def test_a_site_that_the_facet_does_not_have_is_named(tmp_path: Path) -> None:
    stage = {"facets": ["C100-2x1"], "sites": ["cavee"]}
    with pytest.raises(UserError, match="did you mean 'cave'"):
        plan(results=str(tmp_path), adsorption=stage).executed()


STEPS = {"steps": 3}


@pytest.mark.parametrize(
    ("stages", "key"),
    [
        ({"adsorption": {"facets": ["C100-2x1", "C999"]}}, "adsorption.facets.1"),
        ({"adsorption": {"facets": ["C100-2x1"], "sites": {"C999": ["cave"]}}}, "adsorption.sites.C999"),
        ({"barriers": {"level": "gfn2", "facets": ["C999"]}}, "barriers.facets.0"),
        ({"relax": {"structures": ["C999"]}}, "relax.structures.0"),
        ({"md": {"run": ["a"], "runs": {"a": {**STEPS, "assembly": "C999"}}}}, "md.runs.a.assembly"),
        (
            {"md": {"run": ["m"], "matrix": {"m": {**STEPS, "assemblies": {"a": "C999"}, "seeds": [1]}}}},
            "md.matrix.m.assemblies.a",
        ),
        (
            {"convergence": {"studies": {"s": {"structure": "C999.Li-x", "level": "gfn2", "sweep": {"layers": [8]}}}}},
            "convergence.studies.s.structure",
        ),
    ],
)
def test_a_recipe_that_is_not_there_is_missed_where_it_is_named(
    stages: dict[str, Any], key: str, tmp_path: Path
) -> None:
    """As `iondrill check` says it, also for Snakemake."""
    made = plan(results=str(tmp_path), **stages)
    with pytest.raises(UserError) as caught:
        made.executed(), made.written(), made.barriers.jobs()
    (problem,) = caught.value.problems
    assert (problem.where, problem.found) == (key, "there is no recipe 'C999'")
    assert (" C100-2x1," in problem.allowed) == any(word in key for word in ("facets", "sites", "studies"))
    assert (" nd29," in problem.allowed) == ("structures" in key)


def test_each_facet_may_have_sites_of_its_own(tmp_path: Path) -> None:
    stage = {"facets": ["C100-2x1", "C111-2x1-pandey", "graphene"], "ions": ["Li"]}
    sites = {"C100-2x1": ["cave"], "C111-2x1-pandey": ["trough-1"]}

    def filled(sites: object) -> set[tuple[str, str]]:
        made = plan(results=str(tmp_path), adsorption={**stage, "sites": sites})
        return {(filling.structure, filling.site) for filling in made.adsorption.fillings}

    every = filled("all")
    named = {("C100-2x1", "cave"), ("C111-2x1-pandey", "trough-1")}
    assert named < every
    of_graphene = {one for one in every if one[0] == "graphene"}
    assert filled(sites) == filled({**sites, "graphene": "all"}) == named | of_graphene
    assert filled({**sites, "graphene": []}) == named
    assert filled({}) == every
    assert filled({**sites, "C111-1x1": ["top"]}) == filled(sites), "sites of a facet not asked for wait"
    with pytest.raises(UserError, match=r"adsorption\.sites: facet C111-2x1-pandey has no site 'top'"):
        filled(["top"])  # a list is for all
    with pytest.raises(UserError) as caught:
        filled({"C100-2x1": ["trough-1"], "graphene": ["topp"]})
    assert [(problem.where, problem.found) for problem in caught.value.problems] == [
        ("adsorption.sites.C100-2x1", "facet C100-2x1 has no site 'trough-1'"),
        ("adsorption.sites.graphene", "facet graphene has no site 'topp'"),
    ]


def test_coverages_are_jobs_of_their_own(tmp_path: Path) -> None:
    stage = {"facets": ["C100-2x1"], "ions": ["Na"], "n": [1, 2]}
    fillings = plan(results=str(tmp_path), adsorption=stage).adsorption.fillings
    named = {n: {filling.site for filling in fillings if filling.n == n} for n in stage["n"]}
    assert named[1] == named[2] == {"bridge", "cave", "pedestal", "shallow", "top", "valley-bridge"}
    assert {filling.name for filling in fillings} >= {"C100-2x1.Na-cave", "C100-2x1.2Na-cave"}


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ({"sites": ["cave"], "n": [3]}, "site 'cave' of facet C100-2x1 has no room for 3 Li"),
        ({"n": [4]}, "no site of facet C100-2x1 has room for 4 Li"),  # top has four positions, in pairs 1.38 Å apart
    ],
)
def test_more_ions_than_places_are_refused(stage: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        plan(results=str(tmp_path), adsorption={"facets": ["C100-2x1"], "ions": ["Li"]} | stage).executed()


def test_the_list_of_sites_is_remembered_and_follows_the_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def sites() -> set[str]:
        stage = {"facets": ["C100-2x1"], "ions": ["Li"]}
        return {filling.site for filling in plan(results=str(tmp_path), adsorption=stage).adsorption.fillings}

    first = sites()
    (remembered,) = (tmp_path / "iondrill").glob("spacings-*.json")
    remembered.write_text(json.dumps({"nowhere": [5.0]}))
    assert sites() == {"nowhere"}
    remembered.write_text("[cut")
    assert sites() == first


def test_planning_imports_no_engine(tmp_path: Path) -> None:
    plan(results=str(tmp_path)).executed()  # fills the list of sites
    code = (
        "import sys, pathlib; from iondrill.config.project import read_config; from iondrill.prepare.plan import Plan\n"
        f"c = read_config(pathlib.Path('config.yaml')).model_copy(update={{'results': {str(tmp_path)!r}}})\n"
        "Plan(c).executed(); print([m for m in ('tblite', 'pyscf', 'pymatgen', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "section", "others"),
    [
        ("barriers", {"level": "gfn2", "facets": ["C100-2x1"], "paths": [["cave", "pedestal"]]}, {"adsorption"}),
        ("intercalation", {"level": "pbe-d3", "crystals": ["Li-bcc"]}, {"adsorption"}),
        (
            "convergence",
            {"studies": {"a": {"structure": "nd29", "level": "gfn2", "sweep": {"accuracy": [0.1]}}}},
            set(),
        ),
    ],
)
def test_what_a_target_of_its_own_runs_is_known(tmp_path: Path, name: str, section: Any, others: set[str]) -> None:
    none = {"barriers": None, "intercalation": None, "convergence": {}, "md": {}, "adsorption": {"facets": []}}
    asked = plan(results=str(tmp_path), **none | {name: section})
    found = asked.elsewhere()
    assert set(asked.stages[name].jobs()) <= set(found)
    assert {job.stage for job in found} == {name, *others}
    assert len(set(found)) == len(found)
