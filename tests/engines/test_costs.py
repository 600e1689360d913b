"""What a job takes, of round coefficients, against sums done by hand; and that of the real ones more takes more."""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from ase.units import Bohr
from hypothesis import given
from hypothesis import strategies as st
from scipy.fft import next_fast_len

from iondrill.config.levels import AseLevel, Cp2kLevel, VaspLevel, XtbLevel
from iondrill.engines.ase import cost as ase
from iondrill.engines.cp2k import cost as cp2k
from iondrill.engines.vasp import cost as vasp
from iondrill.engines.xtb import cost as xtb
from iondrill.jobs.job import Job
from iondrill.jobs.size import Size

if TYPE_CHECKING:
    from iondrill.config.levels import Level

SQUARED = {"atoms": 4, "taken": 5, "exponent": 2}
"""Of 8 atoms, twice as many as were measured: four times as much, 20."""
EIGHT = Size(8, (10.0, 11.0, 12.0))
CYCLES = {"static": 7, "relax": 3}
TASKS = {"static": {"task": "static"}, "relax": {"task": "relax", "fmax_eV_A": 0.05, "max_steps": 5}}


def job(level: Level, kind: str, task: str = "static") -> Job:
    fields = {"stage": "md", "name": "x.level", "level_name": "level", "level": level, "kind": kind}
    return Job.model_validate(fields | {"task": TASKS[task]})


def costs(monkeypatch: pytest.MonkeyPatch, engine: Any, **table: Any) -> Any:
    """Give an engine other coefficients; return its function."""
    monkeypatch.setattr(engine, "_table", lambda: table)
    return engine.cost


def test_a_calculator_takes_what_its_entry_says_and_one_without_entry_what_others_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = {"memory_MB": {"fixed": 100, "per_atom": 3}, "step_s": SQUARED}
    other = {"memory_MB": {"fixed": 1000, "per_atom": 0.5}, "step_s": SQUARED | {"exponent": 1}}
    cost = costs(monkeypatch, ase, EMT=known, other=other)
    assert cost(AseLevel(engine="ase", calculator="EMT"), EIGHT) == (124, 20)
    assert cost(AseLevel(engine="ase", calculator="mine.Mine"), EIGHT) == (1004, 10)


@pytest.mark.parametrize(("kind", "step_s"), [("cluster", 20), ("atom", 20), ("slab", 10), ("crystal", 10)])
def test_tight_binding_takes_the_square_of_the_atoms_and_a_cell_its_own_time(
    monkeypatch: pytest.MonkeyPatch, kind: str, step_s: float
) -> None:
    steps = {"molecule": SQUARED, "cell": SQUARED | {"exponent": 1}}
    cost = costs(monkeypatch, xtb, memory_MB={"fixed": 100, "per_atom2": 0.5}, step_s=steps)
    assert cost(job(XtbLevel(engine="xtb"), kind), EIGHT) == (132, step_s)


@pytest.mark.parametrize(
    ("kind", "task", "expected"),
    [
        # of 3 ranks 30 MB; of each of 6 k-points 20 MB, and 20 s of a cycle
        ("slab", "static", (100 + 30 + 6 * 20, 7 * (2 + 6 * 20))),
        ("slab", "relax", (100 + 30 + 6 * 20, 3 * (2 + 6 * 20))),
        ("crystal", "static", (100 + 30 + 6 * 20, 7 * (2 + 6 * 20))),
        ("cluster", "static", (100 + 30 + 20, 7 * (2 + 20))),
    ],
)
def test_vasp_takes_memory_of_ranks_and_k_points_and_time_of_cycles(
    monkeypatch: pytest.MonkeyPatch, kind: str, task: str, expected: tuple[float, float]
) -> None:
    memory = {"fixed": 100, "per_rank": 10}
    table = {"kpoint_MB": SQUARED, "cycle_s": {"fixed": 2}, "cycle_per_kpoint_s": SQUARED, "cycles_per_step": CYCLES}
    cost = costs(monkeypatch, vasp, memory_MB=memory, **table)
    level = VaspLevel(engine="vasp", kpoints=(3, 2, 1), ranks=3)
    assert cost(job(level, kind, task), level, EIGHT) == expected


@pytest.mark.parametrize("task", CYCLES)
@pytest.mark.parametrize("kind", ["slab", "crystal", "cluster"])
def test_cp2k_takes_what_its_grid_does_and_a_cell_its_k_points_too(
    monkeypatch: pytest.MonkeyPatch, kind: str, task: str
) -> None:
    table = {"cycle_s": {"fixed": 2, "per_point": 1e-3}, "cycle_per_kpoint_s": SQUARED, "cycles_per_step": CYCLES}
    cost = costs(monkeypatch, cp2k, memory_MB={"fixed": 100, "per_rank": 10, "per_point": 1e-2}, **table)
    level = Cp2kLevel(engine="cp2k", cutoff_Ry=300, kpoints=(3, 2, 1), ranks=3)
    # L √E / 2π of 10, 11 and 12 Å: 52.09, 57.3 and 62.5; twice those, and one, and on to factors of 2, 3 and 5
    cell, cube = 108 * 120 * 125, 125**3
    points, kpoints = (cube, 0) if kind == "cluster" else (cell, 6)
    memory_MB, step_s = cost(job(level, kind, task), level, EIGHT)
    assert memory_MB == pytest.approx(100 + 3 * 10 + 1e-2 * points)
    assert step_s == pytest.approx(CYCLES[task] * (2 + 1e-3 * points + kpoints * 20))


@pytest.mark.parametrize("number", range(1, 200))
def test_a_number_of_points_is_smooth_as_a_fast_fourier_transform_likes_it(number: int) -> None:
    assert cp2k._is_smooth(number) == (next_fast_len(number, real=True) == number)


@given(edges=st.tuples(*[st.floats(3, 40)] * 3), cutoff_Ry=st.integers(100, 800))
def test_a_grid_holds_all_plane_waves_of_the_cutoff_along_each_edge(edges: Any, cutoff_Ry: int) -> None:
    """A wave of n periods along L has (2πn/L)² Ry: n of either sign, and none, below the cutoff."""
    waves = [sum((2 * math.pi * n * Bohr / edge) ** 2 <= cutoff_Ry for n in range(-800, 801)) for edge in edges]
    expected = math.prod(next_fast_len(number, real=True) for number in waves)
    assert cp2k.grid_points(Size(1, edges), cutoff_Ry) == expected


@pytest.mark.parametrize("engine", ["ase", "cp2k", "vasp", "xtb"])
def test_the_coefficients_of_an_engine_are_its_own_and_positive(engine: str) -> None:
    def leaves(content: Any) -> list[float]:
        return [n for each in content.values() for n in (leaves(each) if isinstance(each, dict) else [each])]

    found = import_module(f"iondrill.engines.{engine}.cost")._table()
    assert leaves(found)
    assert all(number > 0 for number in leaves(found))
