"""What every structure must pass, and the record of it."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.geometry import complete_cell
from ase.io import read
from ase.io.formats import filetype
from pydantic import Field

from iondrill.config.base import Fragment, NonNegativeInt, PositiveFloat, PositiveInt, Strict
from iondrill.errors import Problem, UserError
from iondrill.geometry.bonds import BOND_SCALE, find_bonds
from iondrill.geometry.constraints import fix, fixed_atoms, fixed_directions, partly_fixed
from iondrill.geometry.neighbours import near

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

OVERLAP_BELOW = 0.75
COVALENT = ["H", "C", "N", "O"]
FARTHEST_A = 1e4
THINNEST_A = 0.5
SEARCH_A = (4.0, 12.0, 24.0)


class Origin(Strict):
    """A file of recipes that a structure was made from."""

    file: str = Field(description="as from the project's folder; of the install, as from the install's")
    install: str = Field("", description="version of the install that it belongs to; empty: the project's own")
    sha256: str = Field(description="digest of what it holds")


class Check(Strict):
    """The checks a structure passed. Atoms are counted from 0."""

    formula: str
    atoms: PositiveInt
    elements: dict[str, PositiveInt]
    fragments: dict[str, str] = Field(description="formula of each fragment; none without labels")
    fixed_atoms: NonNegativeInt = Field(description="fixed as a whole")
    partly_fixed_atoms: dict[str, PositiveInt] = Field({}, description="fixed along some axes, by these: xy, z, …")
    shortest_A: PositiveFloat | None = Field(description="shortest distance, images included; null beyond 24 Å")
    shortest_pair: tuple[str, str] | None = Field(description="the two atoms: symbol and index")
    coordination: dict[str, dict[NonNegativeInt, PositiveInt]] = Field(
        description=f"atoms of {', '.join(COVALENT)} by their number of such neighbours closer than {BOND_SCALE} "
        "times the sum of the covalent radii (Cordero 2008); contacts of ions are no bonds"
    )
    cell_A: tuple[float, float, float]
    cell_angles_deg: tuple[float, float, float]
    pbc: tuple[bool, bool, bool]
    electrons: PositiveInt = Field(description="of the neutral atoms; closed cores do not change the parity")
    lowest_multiplicity: PositiveInt = Field(description="1 for an even number of electrons, 2 for an odd one")
    made_from: list[Origin] = Field([], description="recipes that it was built from: its own, and those of its parts")


def check_structure(atoms: Atoms, where: object = "structure") -> Check:
    """Check a structure and describe it.

    Parameters
    ----------
    atoms : Atoms
        Any structure, periodic or not.
    where : object
        What to name in messages: the file or recipe.

    Returns
    -------
    Check
        The record for ``structures/<name>.json``.

    Raises
    ------
    UserError
        If there are no atoms, unknown elements or fragments, positions that are not finite numbers, a periodic
        direction without a cell vector, or two atoms closer than 0.75 times the sum of their covalent radii.
    """
    shortest_A, pair = check_distances(atoms, where)
    symbols = np.array(atoms.get_chemical_symbols())
    covalent = np.isin(symbols, COVALENT)
    bonds = find_bonds(atoms)
    neighbours = np.bincount(bonds.first[covalent[bonds.first] & covalent[bonds.second]], minlength=len(atoms))
    electrons = int(atoms.numbers.sum())
    fragment = atoms.arrays.get("fragment", np.empty(0))
    return Check(
        formula=str(atoms.symbols.formula.format("hill")),
        atoms=len(atoms),
        elements=_counts(symbols),
        fragments={
            str(name): str(atoms.symbols[fragment == name].formula.format("hill")) for name in dict.fromkeys(fragment)
        },
        fixed_atoms=len(fixed_atoms(atoms)),
        partly_fixed_atoms={axes: len(some) for axes, some in partly_fixed(atoms).items()},
        shortest_A=shortest_A,
        shortest_pair=pair,
        coordination={name: _counts(neighbours[symbols == name]) for name in _counts(symbols[covalent])},
        cell_A=tuple(atoms.cell.lengths().round(6)),
        cell_angles_deg=tuple(atoms.cell.angles().round(6)),
        pbc=tuple(bool(periodic) for periodic in atoms.pbc),
        electrons=electrons,
        lowest_multiplicity=1 + electrons % 2,
    )


def check_distances(atoms: Atoms, where: object) -> tuple[float | None, tuple[str, str] | None]:
    """Check a structure as `check_structure` does; return its shortest distance (Å) and the two atoms alone."""
    _complete(atoms, where)
    return _shortest(atoms, where)


def read_structure(path: Path, *, constraints: bool = True) -> Atoms:
    """Read the last frame of any structure file that ASE reads.

    Parameters
    ----------
    path : Path
        The file; ASE recognises the format by its name and content.
    constraints : bool
        Whether what the file fixes counts.

    Returns
    -------
    Atoms
        With its arrays, and with FixAtoms and FixCartesian for what the file fixes; without a calculator.

    Raises
    ------
    UserError
        If there is no such file, if ASE cannot read it, if it fixes what cannot be honoured (see `fixed_directions`),
        or if it does not pass `check_structure`.
    """
    if not path.is_file():
        raise UserError.of(path, "there is no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # to look for the format takes ASE longer than to read a small file
            known = "extxyz" if path.suffix == ".extxyz" else filetype(str(path))
            atoms = read(path, index=-1, format=known, do_not_split_by_at_sign=True)
    except Exception as error:  # noqa: BLE001 -- the readers of ASE raise whatever a damaged file leads to
        reason = f"{type(error).__name__}: {error}".strip(": ").splitlines()[0]
        raise UserError.of(
            path, f"ASE cannot read a structure from it ({reason[:120]})", "allowed: any format of ase.io.read"
        ) from None
    if not isinstance(atoms, Atoms):
        raise UserError.of(path, f"holds a {type(atoms).__name__}", "allowed: a structure")
    if constraints:
        _flags_are_read(path, known)
        fix(atoms, fixed_directions(atoms, path))
    else:
        atoms.set_constraint()
    check_structure(atoms, path)
    atoms.calc = None
    return atoms


def _flags_are_read(path: Path, known: str) -> None:
    """Raise a UserError where the reader of ASE takes what fixes an atom for what does not."""
    if known == "extxyz" and b"move_mask:S" in path.read_bytes():
        raise UserError.of(path, "has the column move_mask as text", "allowed: move_mask:L:1 or move_mask:L:3")
    if known != "vasp":
        return
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    selective = next((k for k in (6, 7) if lines[k : k + 1] and lines[k].strip()[:1] in {"s", "S"}), None)
    if selective is None:
        return
    for number, line in enumerate(lines[selective + 2 :], selective + 3):
        words = line.split()
        if not words:
            return
        if len(words) < 6 or not {*words[3:6]} <= {"T", "F"}:
            raise UserError.of(f"{path} (line {number})", f"has the flags '{' '.join(words[3:6])}'", "allowed: T or F")


def _complete(atoms: Atoms, where: object) -> None:
    """Raise a UserError if the structure is empty or holds what is not a number, an element or a cell."""
    if not len(atoms):
        raise UserError.of(where, "holds no atoms")
    problems = []
    if not ((atoms.numbers > 0) & (atoms.numbers < len(covalent_radii))).all():
        problems.append(Problem(str(where), "holds atoms that are no element", "allowed: H, C, Li, …"))
    sane = (np.abs(atoms.positions) <= FARTHEST_A).all(axis=1)  # False for NaN
    if not sane.all():
        bad = int(np.flatnonzero(~sane)[0])
        problems.append(
            Problem(
                str(where),
                f"atom {bad} (counted from 0) lies at {atoms.positions[bad].tolist()}",
                f"allowed: numbers between ±{FARTHEST_A:.0f} Å",
            )
        )
    if not _has_room(atoms):
        problems.append(
            Problem(
                str(where),
                f"is periodic along {[axis for axis, on in zip('abc', atoms.pbc, strict=True) if on]} with the cell "
                f"{atoms.cell.array.tolist()}",
                f"allowed: planes at least {THINNEST_A} Å apart in each periodic direction",
            )
        )
    unknown = set(map(str, atoms.arrays.get("fragment", ()))) - set(get_args(Fragment))
    if unknown:
        problems.append(
            Problem(str(where), f"has the fragments {sorted(unknown)}", f"allowed: {', '.join(get_args(Fragment))}")
        )
    if problems:
        raise UserError(*problems)


def _has_room(atoms: Atoms) -> bool:
    """Say whether the cell is finite and its planes lie apart in each periodic direction."""
    if not (np.abs(atoms.cell.array) <= FARTHEST_A).all():
        return False
    if not atoms.pbc.any():
        return True
    cell = atoms.cell.array
    if not cell[atoms.pbc].any(axis=1).all():
        return False
    full = complete_cell(cell)
    areas = np.linalg.norm(np.cross(np.roll(full, -1, axis=0), np.roll(full, -2, axis=0)), axis=1)
    heights = abs(np.linalg.det(full)) / np.maximum(areas, 1e-12)
    return bool((heights[atoms.pbc] >= THINNEST_A).all())


def _shortest(atoms: Atoms, where: object) -> tuple[float | None, tuple[str, str] | None]:
    """Return the shortest distance and its pair, images included; raise a UserError if atoms overlap."""
    for cutoff_A in SEARCH_A:
        first, second, _, _, distance_A = near(atoms, cutoff_A / 2)
        if len(distance_A):
            break
    else:
        return None, None

    def label(index: int) -> str:
        return f"{atoms.symbols[index]}{index}"

    touching_A = covalent_radii[atoms.numbers[first]] + covalent_radii[atoms.numbers[second]]
    worst = int((distance_A / touching_A).argmin())
    if distance_A[worst] < OVERLAP_BELOW * touching_A[worst]:
        raise UserError.of(
            where,
            f"{label(first[worst])} and {label(second[worst])} (counted from 0) are {distance_A[worst]:.3f} Å apart",
            f"allowed: at least {OVERLAP_BELOW * touching_A[worst]:.3f} Å",
        )
    closest = int(distance_A.argmin())
    return round(float(distance_A[closest]), 6), (label(first[closest]), label(second[closest]))


def _counts(values: NDArray[Any]) -> dict[Any, int]:
    """Return how often each value occurs, sorted by value."""
    return dict(sorted(Counter(values.tolist()).items()))
