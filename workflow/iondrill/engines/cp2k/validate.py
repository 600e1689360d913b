"""Check a CP2K input by the grammar of a CP2K, and against the job that it was written for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iondrill.config.levels import Cp2kLevel
from iondrill.engines.cp2k import grammar
from iondrill.engines.cp2k.inputs import INPUT, fixed_lists, in_cp2k_cell, is_alone
from iondrill.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.jobs.job import Job

NEAR_A = 1e-7


def check_inputs(folder: Path, job: Job, atoms: Atoms) -> list[str]:
    """Check ``job.inp`` in the folder of a job.

    Returns
    -------
    list of str
        What was checked.

    Raises
    ------
    UserError
        All that the grammar refuses, each with file, line, keyword and what is allowed; else all in which the
        input differs from ``job.json`` and ``structure.extxyz``.
    """
    path = folder / INPUT
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError.of(path, f"cannot be read: {error}") from None
    return [
        f"{INPUT} follows the grammar of {check_input(text, path, job, atoms)}",
        f"{INPUT} holds the {len(atoms)} atoms, cell and constraints of the job",
    ]


def check_input(text: str, path: Path, job: Job, atoms: Atoms) -> str:
    """Check the text of an input; return whose grammar it follows.

    Raises
    ------
    UserError
        As `check_inputs`.
    """
    command = job.level.command if isinstance(job.level, Cp2kLevel) else []
    local = grammar.of_command(command) if command else None
    rules = local or grammar.bundled()
    tree, problems = rules.read(text, path)
    if not problems:
        problems = [Problem(str(path), found, allowed) for found, allowed in differences(tree, job, atoms)]
    if problems:
        raise UserError(*problems)
    return f"{rules.version} ({'the program at hand' if local else 'by cp2k-input-tools'})"


def differences(tree: dict[str, Any], job: Job, atoms: Atoms) -> Iterator[tuple[str, str]]:
    """Yield how a parsed input differs from that of a job: what was found, and what is allowed."""
    try:
        (force_eval,) = tree["+force_eval"]
        subsys, dft = force_eval["+subsys"], force_eval["+dft"]
        lines = [line.split() for line in subsys["+coord"]["*"]]
        cell = np.array([subsys["+cell"][axis] for axis in "abc"], dtype=float)
        positions = np.array([line[1:4] for line in lines], dtype=float).reshape(-1, 3)
    except (KeyError, ValueError) as error:
        yield f"lacks or damages a part that every input has: {error}", "allowed: FORCE_EVAL with DFT, CELL and COORD"
        return
    yield from _moved(lines, positions, cell, in_cp2k_cell(job, atoms))
    periodic = "none" if is_alone(job) else "xyz"
    for section, found in (("CELL", subsys["+cell"]), ("POISSON", dft.get("+poisson", {}))):
        if (periodicity := found.get("periodic", "xyz")).lower() != periodic:
            yield f"PERIODIC of {section} is {periodicity}", f"allowed: {periodic.upper()} for a {job.kind}"
    if dft.get("charge", 0) != job.charge:
        yield f"CHARGE is {dft.get('charge', 0)}", f"allowed: {job.charge}"
    missing = {line[0] for line in lines} - {kind.get("_") for kind in subsys.get("+kind", [])}
    if missing:
        yield f"no KIND section for {', '.join(sorted(missing))}", "allowed: one for each element"
    if "+motion" in tree:
        fixed = _atom_lists(tree["+motion"].get("+constraint", {}).get("+fixed_atoms", []))
        if fixed != fixed_lists(atoms):
            counts = ", ".join(f"{len(some)} along {axes}" for axes, some in fixed.items()) or "none"
            yield f"FIXED_ATOMS holds {counts}", "allowed: those that structure.extxyz fixes"


def _moved(
    lines: list[list[str]], positions: NDArray[np.float64], cell: NDArray[np.float64], expected: Atoms
) -> Iterator[tuple[str, str]]:
    """Yield where atoms and cell are not the expected ones."""
    symbols = [line[0] for line in lines]
    if symbols != expected.get_chemical_symbols():
        yield f"COORD holds {len(symbols)} atoms, {_formula(symbols)}", f"allowed: {_formula(list(expected.symbols))}"
    elif _farthest(positions, expected.positions) > NEAR_A:
        yield f"COORD is off by {_farthest(positions, expected.positions):.2g} Å", "allowed: the job's structure"
    if _farthest(cell, expected.cell.array) > NEAR_A:
        yield f"CELL is {cell.tolist()}", f"allowed: {expected.cell.tolist()}"


def _formula(symbols: list[str]) -> str:
    return " ".join(f"{symbol}{symbols.count(symbol)}" for symbol in dict.fromkeys(symbols))


def _farthest(found: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    return float(np.abs(found - expected).max())


def _atom_lists(sections: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Return all atoms of repeated LIST keywords, by axes, sorted; the reader gives a single atom as a number."""
    found: dict[str, list[int]] = {}
    for section in sections:
        numbers = [number for some in section.get("list", []) for number in np.atleast_1d(some).tolist()]
        axes = section.get("components_to_fix", "XYZ").upper()
        found[axes] = sorted([*found.get(axes, []), *numbers])
    return found
