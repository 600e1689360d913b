"""What jobs ask for: enough for those that were measured, more for more, and never more than a queue gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ase.build import molecule
from ase.io import write
from hypothesis import given
from hypothesis import strategies as st

from iondrill.config.levels import Cp2kLevel, VaspLevel, XtbLevel
from iondrill.prepare.jobs import VACUUM_A, Job
from iondrill.prepare.resources import Size, costs, grid_points, read_size, request

if TYPE_CHECKING:
    from pathlib import Path

    from iondrill.config.levels import Level

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
    """Boxes of docs/validation.md, with the grid that CP2K made; the shorter edges become as long."""
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
    assert costs()["shortest_min"] <= runtime <= costs()["longest_min"]
    for more in ((n_atoms + 50, steps, attempt), (n_atoms, 2 * steps, attempt), (n_atoms, steps, attempt + 1)):
        assert asked(*more)[0] >= mem_mb
        assert asked(*more)[1] >= runtime


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
    edges_A = (10, 10, 20) if celled else (extent_A + VACUUM_A,) * 3
    assert read_size(tmp_path / "x.extxyz").n_atoms == 12
    assert read_size(tmp_path / "x.extxyz").edges_A == pytest.approx(edges_A, abs=1e-6)
