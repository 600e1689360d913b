"""Check a set of VASP inputs by reading it back with pymatgen, and against the job that it was written for."""

from __future__ import annotations

import warnings
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from iondrill.engines.vasp.inputs import (
    INCAR,
    KPOINTS,
    POSCAR,
    POTCAR_SPEC,
    along_edges,
    read_order,
    species_order,
)
from iondrill.errors import Problem, UserError
from iondrill.geometry.constraints import fixed_directions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ase import Atoms

    from iondrill.config.levels import VaspLevel
    from iondrill.jobs.job import Job

NEAR = 1e-8


def check_inputs(folder: Path, job: Job, boxed: Atoms) -> list[str]:
    """Check INCAR, KPOINTS, POSCAR and POTCAR.spec against a job, and its geometry in VASP's cell.

    Returns
    -------
    list of str
        What was checked.

    Raises
    ------
    UserError
        Unknown or ill-typed INCAR keys with their lines, files that pymatgen cannot read, and all in which the
        set differs from the job.
    """
    from pymatgen.io.vasp.inputs import Incar, Kpoints, Poscar

    incar = _read(Incar.from_file, folder / INCAR)
    kpoints = _read(Kpoints.from_file, folder / KPOINTS)
    poscar = _read(lambda path: Poscar.from_file(path, check_for_potcar=False), folder / POSCAR)
    problems = [
        *_incar_problems(folder / INCAR, incar),
        *_kpoints_problems(folder / KPOINTS, kpoints, job),
        *_poscar_problems(folder, poscar, boxed),
        *_species_problems(folder / POTCAR_SPEC, poscar, job.level),  # type: ignore[arg-type]
    ]
    if problems:
        raise UserError(*problems)
    return [
        f"{INCAR} holds {len(incar)} keys that pymatgen knows, of the right types",
        f"{KPOINTS} is a Γ-centred grid of {' × '.join(map(str, kpoints.kpts[0]))}",
        f"{POSCAR} holds the {len(boxed)} atoms, cell and constraints of the job; {POTCAR_SPEC} its species in order",
    ]


def _read(reader: Callable[[Path], Any], path: Path) -> Any:
    """Read a file with pymatgen; say what it says where it fails."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return reader(path)
    except Exception as error:  # noqa: BLE001 -- pymatgen's readers raise whatever a damaged file leads to
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UserError.of(path, f"cannot be read ({reason[:120]})") from None


def _incar_problems(path: Path, incar: Any) -> Iterator[Problem]:
    """Yield keys that are unknown or hold what they may not."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for key, value in incar.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            type(incar)({key: value}).check_params()
        number = next((n for n, line in enumerate(lines, 1) if line.split("=")[0].strip().upper() == key), None)
        where = f"{path}" + (f" (line {number})" if number else "")
        for warning in caught:
            if key in incar.INCAR_PARAMS:
                yield Problem(where, str(warning.message))
            else:
                close = get_close_matches(key, incar.INCAR_PARAMS, n=1)
                yield Problem(where, f"unknown key '{key}'", f"did you mean '{close[0]}'?" if close else "")


def _kpoints_problems(path: Path, kpoints: Any, job: Job) -> Iterator[Problem]:
    """Yield where the k-points are not the job's."""
    wanted = job.level.kpoints if job.sampled else (1, 1, 1)  # type: ignore[union-attr]
    if kpoints.style.name != "Gamma":
        yield Problem(str(path), f"the grid is {kpoints.style.name}", "allowed: Gamma")
    if tuple(kpoints.kpts[0]) != tuple(wanted):
        yield Problem(str(path), f"the grid is {tuple(kpoints.kpts[0])}", f"allowed: {tuple(wanted)}")


def _poscar_problems(folder: Path, poscar: Any, boxed: Atoms) -> Iterator[Problem]:
    """Yield where the POSCAR is not the job's structure, sorted by element."""
    path = folder / POSCAR
    order = species_order(boxed.get_chemical_symbols())
    if not np.array_equal(read_order(folder), np.argsort(order)):
        yield Problem(str(folder), "the record of the atoms' order does not fit the structure")
    expected, structure = boxed[order], poscar.structure
    if [site.species_string for site in structure] != expected.get_chemical_symbols():
        yield Problem(str(path), f"holds {structure.formula}", f"allowed: {expected.symbols} in this order")
        return
    if np.abs(structure.lattice.matrix - expected.cell.array).max() > NEAR:
        yield Problem(str(path), f"the cell is {structure.lattice.matrix.tolist()}", "allowed: the job's")
    elif (off_A := float(np.abs(structure.cart_coords - expected.positions).max())) > 10 * NEAR:
        yield Problem(str(path), f"atoms are off by {off_A:.2g} Å", "allowed: the job's structure")
    found = poscar.selective_dynamics
    free = np.ones((len(expected), 3), dtype=bool) if found is None else np.asarray(found, dtype=bool)
    if not np.array_equal(free, ~along_edges(expected, fixed_directions(expected))):
        yield Problem(str(path), "selective dynamics differ", "allowed: F for what structure.extxyz fixes")


def _species_problems(path: Path, poscar: Any, level: VaspLevel) -> Iterator[Problem]:
    """Yield where the datasets are not those of the POSCAR's species, in its order."""
    try:
        found = path.read_text(encoding="utf-8").split()
    except OSError as error:
        yield Problem(str(path), f"cannot be read: {error.strerror}")
        return
    wanted = [level.potcars.get(symbol, f"a dataset for {symbol}") for symbol in poscar.site_symbols]
    if found != wanted:
        yield Problem(str(path), f"names {' '.join(found)}", f"allowed: {' '.join(wanted)}, the order of the POSCAR")
