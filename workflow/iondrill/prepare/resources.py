"""What a job asks of a scheduler: memory and time, from its atoms, box and level by a fit to what others took."""

from __future__ import annotations

import itertools
import math
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from iondrill.config.levels import Cp2kLevel, XtbLevel
from iondrill.prepare.jobs import ATOM_BOX_A, VACUUM_A, Job, Md, Neb, Relax

if TYPE_CHECKING:
    from ase import Atoms

BOHR_A = 0.529177210544
LATTICE = re.compile(r'Lattice="([^"]*)"')


class Size(NamedTuple):
    """What of a structure decides a job's cost.

    Attributes
    ----------
    n_atoms : int
    edges_A : tuple of float
        Of the cell, or of the box that an isolated structure without one is put in.
    """

    n_atoms: int
    edges_A: tuple[float, float, float]


class Request(NamedTuple):
    """Memory in MB of all ranks together, and time in minutes."""

    mem_mb: int
    runtime: int


ATOM_SIZE = Size(1, ATOM_BOX_A)


@cache
def costs() -> dict[str, Any]:
    """Return the coefficients, ``costs.yaml``."""
    content: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("costs.yaml").read_text(encoding="utf-8"))
    return content


def read_size(path: Path) -> Size:
    """Read the size of a structure from its extended XYZ file, without any library.

    Raises
    ------
    FileNotFoundError
        If the structure is not built yet.
    ValueError
        If the file is damaged.
    """
    with path.open(encoding="utf-8") as file:
        n_atoms, comment = int(file.readline()), file.readline()
        if lattice := LATTICE.search(comment):
            numbers = [float(word) for word in lattice.group(1).split()]
            edges = [math.hypot(*numbers[i : i + 3]) for i in (0, 3, 6)]
        else:
            positions = [[float(word) for word in line.split()[1:4]] for line in file if line.strip()]
            extent = max((max(axis) - min(axis) for axis in zip(*positions, strict=True)), default=0.0)
            edges = [extent + VACUUM_A] * 3
    return Size(n_atoms, (edges[0], edges[1], edges[2]))


def size_of(atoms: Atoms) -> Size:
    """Return the size of a structure, as `read_size` would of its file; an atom without a cell is put in its box."""
    if len(atoms) == 1 and atoms.cell.rank < 3:
        return ATOM_SIZE
    if atoms.cell.rank == 3:
        first, second, third = (float(edge) for edge in atoms.cell.lengths())
        return Size(len(atoms), (first, second, third))
    edge = float((atoms.positions.max(axis=0) - atoms.positions.min(axis=0)).max()) + VACUUM_A
    return Size(len(atoms), (edge, edge, edge))


def grid_points(size: Size, cutoff_Ry: float) -> int:
    """Return the points of CP2K's finest grid.

    Along an edge L it is the next number of factors 2, 3 and 5 from 2⌊L√E/2π⌋ + 1 on (bohr, Ry).
    """
    least = (2 * int(edge / BOHR_A * math.sqrt(cutoff_Ry) / (2 * math.pi)) + 1 for edge in size.edges_A)
    return math.prod(next(n for n in itertools.count(start) if _is_smooth(n)) for start in least)


def _is_smooth(number: int) -> bool:
    for factor in (2, 3, 5):
        while number % factor == 0:
            number //= factor
    return number == 1


def request(job: Job, size: Size, attempt: int = 1) -> Request:
    """Return what a job asks for.

    Parameters
    ----------
    job : Job
        Level and task.
    size : Size
        Of its structure.
    attempt : int
        From 1 on: each asks for as much again, of memory half as much.

    Returns
    -------
    Request
        With the margins of ``costs.yaml``, between its shortest and longest time.
    """
    table = costs()
    memory_MB, step_s = _cost(job, size)
    total_s = step_s * _steps(job) / job.level.ranks
    minutes = math.ceil(table["margin"]["time"] * total_s * attempt / 60)
    return Request(
        math.ceil(table["margin"]["memory"] * memory_MB * (1 + (attempt - 1) / 2)),
        min(max(minutes, table["shortest_min"]), table["longest_min"]),
    )


def _steps(job: Job) -> int:
    """Return how many times energy and forces are computed."""
    task = job.task
    if isinstance(task, Md):
        return task.steps
    if isinstance(task, Relax | Neb):
        images = task.images if isinstance(task, Neb) else 1
        return images * min(task.max_steps, int(costs()["steps_of_a_relaxation"]))
    return 1


def _cost(job: Job, size: Size) -> tuple[float, float]:
    """Return memory in MB, and core-seconds of a step."""
    level, of = job.level, costs()[job.level.engine]
    memory = of["memory_MB"]
    if isinstance(level, XtbLevel):
        seconds = _grown(of["step_s"]["cell" if job.sampled else "molecule"], size.n_atoms)
        return memory["fixed"] + memory["per_atom2"] * size.n_atoms**2, seconds
    memory_MB = memory["fixed"] + memory["per_rank"] * level.ranks
    cycle_s = of["cycle_s"]["fixed"]
    kpoints = math.prod(level.kpoints) if job.sampled else 1
    if isinstance(level, Cp2kLevel):
        points = grid_points(_boxed(job, size), level.cutoff_Ry)
        memory_MB += memory["per_point"] * points
        cycle_s += of["cycle_s"]["per_point"] * points
    else:
        memory_MB += kpoints * _grown(of["kpoint_MB"], size.n_atoms)
    if job.sampled or not isinstance(level, Cp2kLevel):
        cycle_s += kpoints * _grown(of["cycle_per_kpoint_s"], size.n_atoms)
    return memory_MB, cycle_s * of["cycles_per_step"][job.task.task]


def _grown(measured: dict[str, float], n_atoms: int) -> float:
    """Return what so many atoms take, by what was measured of some and a power of their number."""
    return float(measured["taken"] * (n_atoms / measured["atoms"]) ** measured["exponent"])


def _boxed(job: Job, size: Size) -> Size:
    """Return the box of the calculation: isolated structures are put in cubes."""
    return size._replace(edges_A=(max(size.edges_A),) * 3) if job.kind == "cluster" else size
