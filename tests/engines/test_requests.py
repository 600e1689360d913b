"""What jobs ask for: enough for those that were measured, more for more, and never more than a queue gives."""

from __future__ import annotations

import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ase.build import molecule
from ase.io import write
from hypothesis import given
from hypothesis import strategies as st

from iondrill.config.document import Document
from iondrill.config.levels import Cp2kLevel, VaspLevel, XtbLevel
from iondrill.config.project import check_config
from iondrill.engines.cost import Cost
from iondrill.engines.cp2k.cost import grid_points
from iondrill.engines.requests import Request, Requests, limits, request
from iondrill.geometry.crystal import build_crystal, load_crystal
from iondrill.jobs.job import BOX_VACUUM_A, Job
from iondrill.jobs.name import Subject
from iondrill.jobs.size import ATOM_SIZE, Size, read_size, size_of
from iondrill.prepare.plan import Plan
from iondrill.prepare.stages.sweeps import Point

if TYPE_CHECKING:
    from iondrill.config.levels import Level

ROOT = Path(__file__).parents[2]
LEVELS = {"gfn2": {"engine": "xtb"}, "dft": {"engine": "cp2k", "cutoff_Ry": 400}}
XTB = XtbLevel(engine="xtb")
CP2K = Cp2kLevel(engine="cp2k", cutoff_Ry=300)
MD = {
    "task": "md",
    "timestep_fs": 0.5,
    "temperature_K": 300,
    "thermostat": {},
    "launch_m_s": 0,
    "save_every": 1,
    "seed": 1,
}
RELAX = {"task": "relax", "fmax_eV_A": 0.05, "max_steps": 500}


def costs() -> dict[str, Any]:
    engines = ROOT / "workflow/iondrill/engines"
    return limits() | {name: yaml.safe_load((engines / name / "costs.yaml").read_text()) for name in ("xtb", "cp2k")}


def job(level: Level, task: dict[str, Any], kind: str = "cluster") -> Job:
    fields = {"stage": "md", "name": "x.level", "level_name": "level", "level": level, "kind": kind, "task": task}
    return Job.model_validate(fields)


@pytest.mark.parametrize(
    ("task", "kind", "n_atoms", "core_s", "rss_MB"),
    [  # records and benchmark files of runs
        ({**MD, "steps": 200}, "cluster", 109, 174.9, 144.5),
        ({**MD, "steps": 200}, "cluster", 72, 28.5, 121.0),
        (RELAX, "cluster", 75, 47.4, 137.0),
        (RELAX, "slab", 41, 35.8, 128.1),
        (RELAX, "slab", 55, 86.8, 132.3),
    ],
)
def test_measured_jobs_fit_into_what_they_ask_for(
    task: dict[str, Any], kind: str, n_atoms: int, core_s: float, rss_MB: float
) -> None:
    asked = request(job(XTB, task, kind), Size(n_atoms, (30.0, 30.0, 30.0)))
    assert core_s < 60 * asked.runtime
    assert rss_MB < asked.mem_mb < 2000


@pytest.mark.parametrize(
    ("edge_A", "cutoff_Ry", "points", "memory_GB"),
    [(10.4, 300, 120**3, 0.63), (17.4, 300, 192**3, 2.0), (26.1, 314, 288**3, 6.5), (34.4, 300, 360**3, 13.1)],
)
def test_a_box_of_cp2k_fits(edge_A: float, cutoff_Ry: float, points: int, memory_GB: float) -> None:
    """Boxes of docs/validation-cp2k.md, with the grid that CP2K made; the shorter edges become as long."""
    size = Size(6, (edge_A, 5.0, 5.0))
    assert grid_points(Size(6, (edge_A,) * 3), cutoff_Ry) == points
    level = CP2K.model_copy(update={"cutoff_Ry": cutoff_Ry})
    assert 1000 * memory_GB < request(job(level, {"task": "static"}), size).mem_mb < 2000 * memory_GB + 1000


@given(
    n_atoms=st.integers(1, 2000),
    steps=st.integers(1, 10**6),
    attempt=st.integers(1, 5),
    level=st.sampled_from([XTB, CP2K, VaspLevel(engine="vasp")]),
)
def test_more_work_asks_for_no_less(n_atoms: int, steps: int, attempt: int, level: Level) -> None:
    def asked(n_atoms: int, steps: int, attempt: int) -> tuple[int, int]:
        edge_A = 10 + n_atoms**0.5
        return request(job(level, {**MD, "steps": steps}), Size(n_atoms, (edge_A,) * 3), attempt)

    mem_mb, runtime = asked(n_atoms, steps, attempt)
    assert limits()["shortest_min"] <= runtime <= limits()["longest_min"]
    for more in ((n_atoms + 50, steps, attempt), (n_atoms, 2 * steps, attempt), (n_atoms, steps, attempt + 1)):
        assert asked(*more)[0] >= mem_mb
        assert asked(*more)[1] >= runtime


def test_a_slab_of_vasp_asks_by_its_atoms_and_kpoints() -> None:
    def asked(n_atoms: int, kpoints: tuple[int, int, int]) -> Request:
        level = VaspLevel(engine="vasp", ranks=32, kpoints=kpoints)
        return request(
            job(level, {"task": "relax", "fmax_eV_A": 0.05, "max_steps": 100}, "slab"), Size(n_atoms, (5.0, 5.0, 30.0))
        )

    small, denser, larger = asked(40, (3, 3, 1)), asked(40, (9, 9, 1)), asked(120, (3, 3, 1))
    # 41 atoms at 3×3×1 took some 60 core-seconds for a cycle
    assert small.runtime == pytest.approx(2 * 60 * 15 * 60 / 32 / 60, rel=0.1)
    assert 5 < denser.runtime / small.runtime <= 9
    assert 5 < larger.runtime / small.runtime <= 9
    assert min(denser.mem_mb, larger.mem_mb) > small.mem_mb > 32 * 1000


def test_ranks_share_the_time_and_reach_the_command_line() -> None:
    alone, together = (Cp2kLevel(engine="cp2k", ranks=ranks, launcher=["mpirun", "-n", "{ranks}"]) for ranks in (1, 16))
    size = Size(100, (25.0,) * 3)
    slow, fast = (request(job(level, {**MD, "steps": 100}), size).runtime for level in (alone, together))
    assert fast < slow
    assert together.program == ["mpirun", "-n", "16", "cp2k.psmp"]
    atoms = molecule("CH4")
    assert job(alone, {**MD, "steps": 1}).input_hash(atoms) == job(together, {**MD, "steps": 1}).input_hash(atoms)


@pytest.mark.parametrize("celled", [True, False])
def test_the_size_is_that_of_the_file(tmp_path: Path, celled: bool) -> None:
    atoms = molecule("C6H6")
    if celled:
        atoms.set_cell([[10, 0, 0], [-5, 75**0.5, 0], [0, 0, 20]])
        atoms.pbc = True
    write(tmp_path / "x.extxyz", atoms, format="extxyz")
    extent_A = float((atoms.positions.max(axis=0) - atoms.positions.min(axis=0)).max())
    edges_A = (10, 10, 20) if celled else (extent_A + BOX_VACUUM_A,) * 3
    assert read_size(tmp_path / "x.extxyz").n_atoms == 12
    assert read_size(tmp_path / "x.extxyz").edges_A == pytest.approx(edges_A, abs=1e-6)
    assert size_of(atoms).n_atoms == 12
    assert size_of(atoms).edges_A == pytest.approx(edges_A, abs=1e-6)


def asked(study: dict[str, Any], attempt: int = 1) -> dict[str, Request]:
    """Return what the points of a convergence study ask for, by name."""
    settings = {"levels": LEVELS, "structures": str(ROOT / "structures"), "convergence": {"studies": {"study": study}}}
    plan = Plan(check_config([Document(ROOT / "config.yaml")], settings))
    return {job.name: Requests(plan).of(job, attempt) for job in plan.convergence.jobs()}


def test_a_point_of_a_convergence_study_asks_for_what_its_recipe_is_worth() -> None:
    study = {"structure": "C100-2x1.Li-cave", "level": "dft", "sweep": {"cutoff_Ry": [600], "layers": [14]}}
    first, second = asked(study), asked(study, 2)
    slab = first["C100-2x1.Li-cave.own.dft"]
    for more in (first["C100-2x1.Li-cave.cutoff_Ry-600.dft"], first["C100-2x1.Li-cave.layers-14.dft"]):
        assert more.mem_mb > slab.mem_mb
        assert more.runtime > slab.runtime
    # the clean slab is as large as that with the ion, an atom is in a box of its own
    assert first["C100-2x1.clean.own.dft"] == slab
    alone = job(CP2K.model_copy(update={"cutoff_Ry": 400}), {"task": "static"}, "atom")
    assert first["atom.Li.own.dft"] == request(alone, ATOM_SIZE)
    assert all(second[name].mem_mb > first[name].mem_mb for name in first)
    assert all(second[name].runtime >= first[name].runtime for name in first)


def test_a_point_that_cannot_be_built_is_left_to_its_job() -> None:
    assert Point(Subject("no-such-structure"), "dft").size(ROOT / "structures") == ATOM_SIZE


@pytest.mark.parametrize("crystal", ["Li-bcc", "LiC6"])
def test_a_crystal_asks_by_its_recipe_and_its_k_points(crystal: str) -> None:
    def request_of(length_A: float, attempt: int = 1) -> Request:
        stage = {"level": "dft", "crystals": [crystal], "kpoint_length_A": length_A}
        settings = {"levels": LEVELS, "structures": str(ROOT / "structures"), "intercalation": stage}
        plan = Plan(check_config([Document(ROOT / "config.yaml")], settings))
        (job, *_) = (job for job in plan.intercalation.jobs() if job.stage == "intercalation")
        recipe = load_crystal(crystal, plan.recipes)
        built = build_crystal(recipe, plan.intercalation.strain(job))
        found = plan.intercalation.size(job)
        assert found.n_atoms == len(built)
        assert found.edges_A == pytest.approx(size_of(built).edges_A)
        return Requests(plan).of(job, attempt)

    assert request_of(40.0).runtime > request_of(20.0).runtime
    assert request_of(20.0, 2).mem_mb > request_of(20.0).mem_mb
    assert request_of(20.0, 2).runtime > request_of(20.0).runtime


@pytest.mark.parametrize(
    ("n_atoms", "kpoints", "core_s"), [(2, (9, 9, 9), 53), (7, (7, 7, 7), 432), (4, (13, 13, 5), 121)]
)
def test_measured_crystals_fit_and_ask_for_no_day(n_atoms: int, kpoints: tuple[int, int, int], core_s: float) -> None:
    """Li, NaC6 and graphite at 400 Ry, on a machine with as much else to do."""
    level = CP2K.model_copy(update={"cutoff_Ry": 400, "kpoints": kpoints})
    asked_min = request(job(level, {"task": "static"}, "crystal"), Size(n_atoms, (4.3, 4.3, 3.7))).runtime
    assert core_s < 60 * asked_min < 60 * 100


def test_every_rule_that_runs_an_engine_asks_for_memory_and_time() -> None:
    """What `threads: ranks_of` is in has an engine."""
    text = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    rules = [rule for rule in re.split(r"\n(?:use )?rule ", text) if "threads: ranks_of(" in rule]
    assert len(rules) > 5
    for rule in rules:
        script = re.search(r'script:\s+"../scripts/(\w+\.py)"', rule)
        assert "**requests(" in rule, rule[:40]
        if script:
            source = (ROOT / "workflow/scripts" / script.group(1)).read_text()
            assert 'logged(snakemake.log[0], snakemake.resources.get("runtime"))' in source


def memory_MB(level: Level, n_atoms: int, kind: str = "cluster", attempt: int = 1, edge_A: float = 20.0) -> float:
    """Return what a static job asks for, the margin left out."""
    asked = request(job(level, {"task": "static"}, kind), Size(n_atoms, (edge_A,) * 3), attempt)
    return asked.mem_mb / costs()["margin"]["memory"]


def minutes(level: Level, task: dict[str, Any], n_atoms: int, kind: str = "cluster", attempt: int = 1) -> int:
    return request(job(level, task, kind), Size(n_atoms, (20.0,) * 3), attempt).runtime


def test_memory_grows_as_the_square_of_the_atoms_and_half_as_much_with_each_attempt() -> None:
    base, more = memory_MB(XTB, 1), memory_MB(XTB, 1001)
    assert more - base == pytest.approx(costs()["xtb"]["memory_MB"]["per_atom2"] * (1001**2 - 1), abs=2)
    assert base == pytest.approx(costs()["xtb"]["memory_MB"]["fixed"], abs=2)
    assert [memory_MB(XTB, 1, attempt=n) / base for n in (2, 3)] == pytest.approx([1.5, 2.0], rel=0.01)


def test_memory_of_a_rank_is_asked_for_once_for_each() -> None:
    per_rank = costs()["cp2k"]["memory_MB"]["per_rank"]
    one, five = (memory_MB(CP2K.model_copy(update={"ranks": n}), 10) for n in (1, 5))
    assert five - one == pytest.approx(4 * per_rank, abs=2)


def test_time_is_proportional_to_steps_and_attempts_and_shared_by_ranks() -> None:
    level = VaspLevel(engine="vasp", ranks=4)
    one = minutes(level, {**MD, "steps": 20}, 41, "slab")
    assert one > 2 * costs()["shortest_min"]
    assert minutes(level, {**MD, "steps": 40}, 41, "slab") == pytest.approx(2 * one, abs=2)
    assert minutes(level, {**MD, "steps": 20}, 41, "slab", attempt=3) == pytest.approx(3 * one, abs=3)
    half = minutes(level.model_copy(update={"ranks": 8}), {**MD, "steps": 20}, 41, "slab")
    assert half == pytest.approx(one / 2, abs=1)


def test_a_relaxation_is_given_time_for_sixty_steps_at_most_and_a_path_for_each_image() -> None:
    level = VaspLevel(engine="vasp", ranks=8)
    relax = {"task": "relax", "fmax_eV_A": 0.05}
    few, many, most = (minutes(level, {**relax, "max_steps": n}, 41, "slab") for n in (10, 60, 5000))
    assert many == pytest.approx(6 * few, abs=6)
    assert most == many
    neb = {"task": "neb", "fmax_eV_A": 0.05, "max_steps": 10, "images": 3}
    assert minutes(level, neb, 41, "slab") == pytest.approx(3 * few, abs=3)


def test_a_measured_step_takes_the_time_that_was_measured() -> None:
    """225 atoms: 3 s a step on one core, of which the margin asks for twice as much."""
    asked_min = minutes(XTB, {**MD, "steps": 1200}, 225)
    assert asked_min == pytest.approx(2 * 1200 * 3.0 / 60, rel=0.25)
    cell = minutes(XTB, {**MD, "steps": 1200}, 41, "slab")
    assert cell == pytest.approx(2 * 1200 * 3.7 / 60, rel=0.15)


@pytest.mark.parametrize(("n", "smooth"), [(1, True), (30, True), (128, True), (7, False), (77, False), (121, False)])
def test_a_grid_has_factors_two_three_and_five_alone(n: int, smooth: bool) -> None:
    from scipy.fft import next_fast_len

    edge_A = 2 * math.pi * (n - 1) / 2 / math.sqrt(100) * 0.529177 + 1e-6
    (points,) = {round(grid_points(Size(1, (edge_A,) * 3), 100) ** (1 / 3))}
    start = 2 * int(edge_A / 0.529177210544 * 10 / (2 * math.pi)) + 1
    assert points == next_fast_len(start, real=True)
    assert (points == start) == all(start % p for p in range(7, start + 1) if all(p % q for q in range(2, p)))
    assert smooth == (next_fast_len(n, real=True) == n)


def test_edges_are_lengths_of_the_vectors_of_the_cell(tmp_path: Path) -> None:
    text = '1\nLattice="3 4 0 0 5 12 8 0 6" Properties=species:S:1:pos:R:3\nH 0 0 0\n'
    (tmp_path / "x.extxyz").write_text(text)
    assert read_size(tmp_path / "x.extxyz") == Size(1, (5.0, 13.0, 10.0))
    for number, longest in enumerate(["9 1 3", "1 9 3", "3 1 9"]):
        (tmp_path / f"{number}.extxyz").write_text(f"2\nno cell\nH 0 0 0 7\nH {longest} 8\n\n")
        assert read_size(tmp_path / f"{number}.extxyz") == Size(2, (9 + BOX_VACUUM_A,) * 3)


def test_a_structure_that_there_is_not_asks_for_as_little_as_an_atom(tmp_path: Path) -> None:
    (tmp_path / "x.extxyz").touch()
    assert read_size(tmp_path / "x.extxyz") == ATOM_SIZE


def test_an_atom_without_a_cell_is_put_in_its_box_and_one_with_a_cell_is_not() -> None:
    from ase import Atoms

    assert size_of(Atoms("Li")) == ATOM_SIZE
    assert size_of(Atoms("Li", cell=[4, 5, 6])) == Size(1, (4.0, 5.0, 6.0))
    assert size_of(Atoms("Li2", [[0, 0, 0], [0, 2, 0]], cell=[4, 5, 0])) == Size(2, (2 + BOX_VACUUM_A,) * 3)


def test_a_slab_keeps_its_box_and_a_cluster_is_put_in_a_cube() -> None:
    flat = Size(10, (5.0, 5.0, 30.0))
    static = {"task": "static"}
    slab, cluster = (request(job(CP2K, static, kind), flat).mem_mb for kind in ("slab", "cluster"))
    per_point = costs()["cp2k"]["memory_MB"]["per_point"] * costs()["margin"]["memory"]
    points = grid_points(Size(10, (30.0,) * 3), 300) - grid_points(flat, 300)
    assert cluster - slab == pytest.approx(per_point * points, abs=2)


SHIFTS = [-0.4, -0.2, 0.2, 0.4]


@pytest.mark.parametrize(
    ("task", "attempt", "ranks", "minutes"),
    [  # two minutes for a step of one
        ({**MD, "steps": 20}, 1, 1, 40),
        ({**MD, "steps": 20, "thermalise": {"time_fs": 5}}, 1, 1, 60),  # ten steps before
        ({**MD, "steps": 20}, 3, 1, 120),
        ({**MD, "steps": 51}, 1, 2, 51),
        ({**MD, "steps": 51}, 1, 4, 26),
        ({**RELAX, "max_steps": 10}, 1, 1, 20),
        ({**RELAX, "max_steps": 10, "look_around_A": SHIFTS}, 1, 1, 36),
        ({**RELAX, "max_steps": 61}, 1, 1, 120),
        ({"task": "neb", "fmax_eV_A": 0.05, "max_steps": 10, "images": 3}, 1, 1, 60),
        ({"task": "static"}, 8, 1, 16),
        ({"task": "static"}, 1, 1, 15),
        ({**MD, "steps": 720}, 1, 1, 1440),
        ({**MD, "steps": 721}, 1, 1, 1440),
    ],
)
def test_steps_attempts_and_ranks_make_the_time(
    monkeypatch: pytest.MonkeyPatch, task: dict[str, Any], attempt: int, ranks: int, minutes: int
) -> None:
    """A step of one minute, of which the margin makes two; and 101 MB, of which it makes 151.5."""
    table = {"margin": {"memory": 1.5, "time": 2.0}, "steps_of_a_relaxation": 60}
    table |= {"shortest_min": 15, "longest_min": 1440}
    monkeypatch.setattr("iondrill.engines.requests.limits", lambda: table)
    fixed = SimpleNamespace(cost=lambda _job, _size: Cost(memory_MB=101.0, step_s=60.0))
    monkeypatch.setattr("iondrill.engines.requests.engine", lambda _name: fixed)
    asked = request(job(CP2K.model_copy(update={"ranks": ranks}), task), Size(1, (9.0, 9.0, 9.0)), attempt)
    assert asked == Request(math.ceil(151.5 * (1 + attempt) / 2), minutes)
