"""The text of Molden files as arrays: pyscf reads atoms and basis, this module the orbitals, many times faster."""

from __future__ import annotations

import io
import re
import tempfile
from contextlib import redirect_stderr
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ORBITALS = re.compile(r"^[ \t]*\[MO\].*\n", re.IGNORECASE | re.MULTILINE)


class Orbital(NamedTuple):
    """An orbital as the file gives it; a function that is not listed has no part in it."""

    spin: str
    """Its first letter, A or B."""
    occupation: float
    functions: NDArray[np.intp]
    """Counted from 0."""
    values: Array


def parse(text: str) -> tuple[Any, tuple[Array, ...], tuple[Array, ...]]:
    """Return pyscf's molecule, the orbital coefficients and the occupations.

    Parameters
    ----------
    text : str
        Of a Molden file.

    Returns
    -------
    pyscf.gto.Mole
        Atoms and basis.
    tuple of array (n_ao, n_orbitals)
        One array for a closed shell; alpha and beta else. In pyscf's order of functions.
    tuple of array (n_orbitals,)
        Alike.

    Raises
    ------
    ValueError, and whatever pyscf raises
        If the file is damaged.
    """
    found = ORBITALS.search(text)
    if found is None:
        raise ValueError("no section [MO]")
    orbitals = _orbitals(text[found.end() : _next_section(text, found.end())])
    if not orbitals:
        raise ValueError("no orbitals in section [MO]")
    n_functions = 1 + max(int(orbital.functions.max()) for orbital in orbitals)
    mol = _molecule(text[: found.end()], n_functions)
    if n_functions != mol.nao:
        raise ValueError(f"orbitals of {n_functions} functions in a basis of {mol.nao}")
    order = _order(mol)
    coefficients: list[Array] = []
    occupations: list[Array] = []
    for spin in "AB":
        if group := [orbital for orbital in orbitals if orbital.spin == spin]:
            matrix = np.zeros((len(group), n_functions))
            for row, orbital in zip(matrix, group, strict=True):
                row[orbital.functions] = orbital.values
            coefficients.append(np.ascontiguousarray(matrix[:, order].T))
            occupations.append(np.array([orbital.occupation for orbital in group]))
    return mol, tuple(coefficients), tuple(occupations)


def _molecule(head: str, n_functions: int) -> Any:
    """Return the molecule of a file up to its orbitals; an empty one takes their place."""
    from pyscf.tools import molden

    # pyscf reads files only, and remarks on the sections that it skips
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()):
        path = Path(folder) / "head.molden"
        path.write_text(f"{head}Ene= 0\nSpin= Alpha\nOccup= 0\n{n_functions} 0.0\n", encoding="utf-8")
        mol, *_ = molden.load(str(path))
    if mol.cart:
        raise ValueError("Cartesian d functions; needed: [5D]")
    _join_shells(mol)
    return mol


def _join_shells(mol: Any) -> None:
    """Join neighbouring shells of the same exponents: each exponential is then computed once for all of them.

    Molden lists each contraction by itself. The order of the functions stays.
    """
    from pyscf.gto.mole import ANG_OF, ATOM_OF, NCTR_OF, NPRIM_OF, PTR_COEFF, PTR_EXP

    old = mol._env  # noqa: SLF001
    shells, env = [], [old]

    def kind(shell: NDArray[np.int32]) -> tuple[int, int, bytes]:
        return shell[ATOM_OF], shell[ANG_OF], old[shell[PTR_EXP] :][: shell[NPRIM_OF]].tobytes()

    for _, group in groupby(mol._bas, key=kind):  # noqa: SLF001
        alike = list(group)
        joined = alike[0].copy()
        joined[NCTR_OF] = sum(shell[NCTR_OF] for shell in alike)
        joined[PTR_COEFF] = sum(map(len, env))
        env += [old[shell[PTR_COEFF] :][: shell[NPRIM_OF] * shell[NCTR_OF]] for shell in alike]
        shells.append(joined)
    mol._bas, mol._env = np.array(shells, dtype=np.int32), np.concatenate(env)  # noqa: SLF001


def _order(mol: Any) -> NDArray[np.intp]:
    """Return the index in the file of each of pyscf's functions."""
    from pyscf.tools.molden import order_ao_index

    return np.argsort(order_ao_index(mol))


def _chunks(block: str) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Yield head and words of each orbital."""
    lines: dict[str, str] = {}
    end = 0
    for sign in re.finditer("=", block):
        start = block.rfind("\n", 0, sign.start()) + 1
        if words := block[end:start].split():
            yield lines, words
            lines = {}
        end = block.find("\n", sign.end()) % (len(block) + 1)  # the end of the block where there is none
        lines[block[start : sign.start()].strip().upper()] = block[sign.end() : end].strip()
    if words := block[end:].split():
        yield lines, words


def _next_section(text: str, start: int) -> int:
    """Return where the next line begins with a bracket, or the end."""
    while (bracket := text.find("[", start)) >= 0:
        line = max(text.rfind("\n", 0, bracket) + 1, start)
        if not text[line:bracket].strip(" \t"):
            return line
        start = bracket + 1
    return len(text)


def _orbitals(block: str) -> list[Orbital]:
    """Return the orbitals of a section."""
    orbitals: list[Orbital] = []
    listed: list[str] = []
    functions = np.empty(0, dtype=np.intp)
    for lines, words in _chunks(block):
        if "OCCUP" not in lines:
            raise ValueError("an orbital without an occupation")
        if words[::2] != listed:  # most files list the same functions each time
            listed = words[::2]
            functions = np.array(list(map(int, listed))) - 1
        spin = lines.get("SPIN", "A")[:1].upper()
        values = _numbers(words[1::2])
        if len(functions) != len(values) or functions.min() < 0 or spin not in {"A", "B"}:
            raise ValueError("a damaged orbital in section [MO]")
        orbitals.append(Orbital(spin, float(_numbers([lines["OCCUP"]])[0]), functions, values))
    return orbitals


def _numbers(words: list[str]) -> Array:
    """Return words as numbers, with Fortran's D for the exponent too."""
    try:
        return np.fromiter(map(float, words), dtype=float, count=len(words))
    except ValueError:
        return np.array([float(word.replace("D", "E")) for word in words])
